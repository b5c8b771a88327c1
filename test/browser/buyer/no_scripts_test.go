package buyer_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestWithoutScripts: the whole trip, and a webhook that comes after the buyer.
func TestWithoutScripts(t *testing.T) {
	s := openShop(t)
	s.hold()
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.SwitchOffScripts()
	s.goToStripe(tab)
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.Arrive(s.base + billingPath)
	tab.See("Confirming your payment")
	s.release(stripesim.Plan{})
	tab.See("Thank you for your purchase", "199.00 USD")
	if !strings.Contains(tab.Address(), "try=") {
		t.Errorf("the page at %s did not come again by itself", tab.Address())
	}
	if n := len(tab.Requests("GET", ".js")) + captures(tab); n > 0 {
		t.Errorf("scripts ran, or were fetched: %d requests", n)
	}
	s.awaitPhases(v1alpha1.OrderPaid)
	tab.Click("link", "Continue to "+siteName())
	tab.See("Buy Lifetime")
}

// TestWithoutScriptsAskingEnds follows the page as it comes again by itself, without waiting as it says.
func TestWithoutScriptsAskingEnds(t *testing.T) {
	s := openShop(t)
	s.hold()
	session := s.Pay(s.order())
	address, seconds, last := s.base+billingPath+session.ID, 0, 0
	for times := 0; ; times++ {
		after, next := s.refresh(address)
		if next == "" {
			break
		}
		if times == 60 || after < last || after > 30 {
			t.Fatalf("the page comes again for the %dth time, after %d s and then %d s", times+1, last, after)
		}
		seconds, last, address = seconds+after, after, next
	}
	if seconds < 5*60 || seconds > 15*60 {
		t.Errorf("the page comes again for %d s", seconds)
	}
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.SwitchOffScripts()
	tab.Open(address)
	tab.See("Confirming your payment", "Not confirmed yet.", "This page has stopped checking")
	tab.Click("link", "Check again")
	tab.SeeNothingOf("Not confirmed yet.")
	s.release(stripesim.Plan{})
	tab.See("Thank you for your purchase")
}

// refresh is after how many seconds, and at what address, the page there comes again without scripts; "" is never.
func (s *shop) refresh(address string) (seconds int, next string) {
	s.T.Helper()
	at, err := url.Parse(address)
	if err != nil {
		s.T.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.Ctx, http.MethodGet, address, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.T.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	document, err := html.ParseWithOptions(answer.Body, html.ParseOptionEnableScripting(false))
	if err != nil {
		s.T.Fatal(err)
	}
	for node := range document.Descendants() {
		if node.Data == "meta" && attribute(node, "http-equiv") == "refresh" {
			after, to, _ := strings.Cut(attribute(node, "content"), ";url=")
			seconds, err := strconv.Atoi(after)
			if err != nil {
				s.T.Fatal(err)
			}
			target, err := at.Parse(to)
			if err != nil {
				s.T.Fatal(err)
			}
			return seconds, target.String()
		}
	}
	return 0, ""
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
