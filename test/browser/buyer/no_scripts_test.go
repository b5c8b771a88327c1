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

// TestWithoutScripts buys without JavaScript, with a webhook that comes after the buyer.
func TestWithoutScripts(t *testing.T) {
	s := newFixture(t)
	s.holdWebhooks()
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.DisableScripts()
	s.goToStripe(tab)
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.AwaitAddress(s.base + billingPath)
	tab.See("Confirming your payment")
	s.releaseWebhooks(stripesim.Plan{})
	tab.See("Thank you for your purchase", "199.00 USD")
	if !strings.Contains(tab.Address(), "try=") {
		t.Errorf("got the address %s, want a reloaded page", tab.Address())
	}
	if n := len(tab.Requests("GET", ".js")) + captureRequests(tab); n > 0 {
		t.Errorf("got %d requests of scripts, want 0", n)
	}
	s.awaitPhases(v1alpha1.OrderPaid)
	tab.Click("link", "Continue to "+siteName())
	tab.See("Buy Lifetime")
}

// TestWithoutScriptsReloadsEnd follows the reloads of the page, without their delays.
func TestWithoutScriptsReloadsEnd(t *testing.T) {
	s := newFixture(t)
	s.holdWebhooks()
	session := s.Pay(s.createOrder())
	address, seconds, last := s.base+billingPath+session.ID, 0, 0
	for times := 0; ; times++ {
		after, next := s.refresh(address)
		if next == "" {
			break
		}
		if times == 60 || after < last || after > 30 {
			t.Fatalf("got reload %d after %d s, and before after %d s", times+1, after, last)
		}
		seconds, last, address = seconds+after, after, next
	}
	if seconds < 5*60 || seconds > 15*60 {
		t.Errorf("got reloads for %d s, want 5 to 15 minutes", seconds)
	}
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.DisableScripts()
	tab.Open(address)
	tab.See("Confirming your payment", "Not confirmed yet.", "This page has stopped checking")
	tab.Click("link", "Check again")
	tab.SeeNone("Not confirmed yet.")
	s.releaseWebhooks(stripesim.Plan{})
	tab.See("Thank you for your purchase")
}

// refresh is the delay and the address of a page's reload without scripts; "": none.
func (s *fixture) refresh(address string) (seconds int, next string) {
	s.T.Helper()
	at, err := url.Parse(address)
	s.Must(err)
	request, err := http.NewRequestWithContext(s.Ctx, http.MethodGet, address, nil)
	s.Must(err)
	answer, err := http.DefaultClient.Do(request)
	s.Must(err)
	defer func() { _ = answer.Body.Close() }()
	document, err := html.ParseWithOptions(answer.Body, html.ParseOptionEnableScripting(false))
	s.Must(err)
	for node := range document.Descendants() {
		if node.Data == "meta" && attribute(node, "http-equiv") == "refresh" {
			after, to, _ := strings.Cut(attribute(node, "content"), ";url=")
			seconds, err := strconv.Atoi(after)
			s.Must(err)
			target, err := at.Parse(to)
			s.Must(err)
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
