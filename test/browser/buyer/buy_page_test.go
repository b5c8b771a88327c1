package buyer_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"k8s.io/utils/ptr"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
)

func TestTheBuyPage(t *testing.T) {
	s := newFixture(t)
	live, long := s.paymentLink("live"), s.paymentLink("long")
	live.Spec.Livemode, live.Spec.URL, live.Spec.PaymentLinkID = ptr.To(true), "https://buy.stripe.com/abc123", ""
	long.Spec.ProductName, long.Spec.PaymentLinkID = longName, ""
	words := s.paymentLink("words")
	words.Spec.ProductName, words.Spec.Amount, words.Spec.PaymentLinkID = "Lifetime membership for the whole family, with every version that is still to come", 123456789, ""
	for _, link := range []*v1alpha1.PaymentLink{live, long, words} {
		s.createLink(link)
	}
	for _, row := range []struct {
		link  string
		test  bool
		shows []string
	}{
		{"lifetime", true, []string{"Lifetime", "199.00 USD", "Stripe"}},
		{"live", false, []string{"Lifetime", "199.00 USD", "Stripe"}},
		{"long", true, []string{longName, "199.00 USD"}},
		{"words", true, []string{"Lifetime membership for the whole family", "1234567.89 USD"}},
	} {
		t.Run(row.link, func(t *testing.T) {
			tab := chromium.Tab(t, browser.View{})
			tab.Open(s.base + s.buyPath(row.link))
			tab.See(row.shows...)
			check.Equal(t, row.test, strings.Contains(browser.Ask[string](tab, "document.body.innerText"), "Test mode"), "test mode notice")
			expectLinks(t, tab, []string{"Back to " + siteName()})
			tab.Inspect("buy-" + row.link)
		})
	}
	check.Equal(t, 0, len(s.Orders()), "orders by opening pages")
}

// TestBuyingOnTheBuyPage buys without the shop's page.
func TestBuyingOnTheBuyPage(t *testing.T) {
	s := newFixture(t)
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.Open(s.base + s.buyPath("lifetime"))
	tab.Click("button", "Buy Lifetime")
	tab.AwaitAddress(s.Stripe.URL() + "/c/pay/")
	s.awaitPhases(v1alpha1.OrderPending)
}

// TestUnavailableLinks opens the buy page of links that cannot be bought.
func TestUnavailableLinks(t *testing.T) {
	s := newFixture(t)
	private, wrong := s.paymentLink("private"), s.paymentLink("wrong")
	private.Spec.PublicCheckout, private.Spec.PaymentLinkID = false, ""
	wrong.Spec.URL, wrong.Spec.PaymentLinkID = "https://nowhere@/", ""
	s.Create(private)
	s.Create(wrong)
	s.Eventually("the server has the invalid link", func(context.Context) (bool, error) {
		status, _, err := s.send(http.MethodGet, s.base+s.buyPath("wrong"))
		return status == http.StatusServiceUnavailable, err
	})
	for _, row := range []struct {
		name, path, pardon string
		shows              []string
	}{
		{"not-for-sale", s.buyPath("private"), "404 (Not Found)", []string{"Not for sale here"}},
		{"not-there", s.buyPath("nothing"), "404 (Not Found)", []string{"Not for sale here"}},
		{"no-name", "/buy/No_Namespace/%3Cscript%3E", "404 (Not Found)", []string{"Not for sale here"}},
		{"unavailable", s.buyPath("wrong"), "503 (Service Unavailable)", []string{"Not just now", "Nothing was charged"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			tab := chromium.Tab(t, browser.View{})
			tab.ExpectProblem(row.pardon)
			tab.Open(s.base + row.path)
			tab.See(row.shows...)
			tab.Inspect("notice-" + row.name)
			tab.Click("link", "Go to "+siteName())
			tab.AwaitAddress(site.URL() + "/")
		})
	}
}

// TestFormOfOtherSite: a form of another site creates no order.
func TestFormOfOtherSite(t *testing.T) {
	s := newFixture(t)
	elsewhere := page(t, `<form method="post" action="`+s.base+s.buyPath("lifetime")+`"><button>Win</button></form>`)
	tab := chromium.Tab(t, browser.View{})
	tab.ExpectProblem("403 (Forbidden)")
	tab.Open(elsewhere)
	tab.Click("button", "Win")
	tab.See("Please start in the shop", "Nothing was charged")
	tab.Inspect("notice-elsewhere")
	check.Equal(t, 0, len(s.Orders()), "orders")
	tab.Click("link", "Go to "+siteName())
	tab.Click("button", "Buy Lifetime")
	tab.AwaitAddress(s.Stripe.URL() + "/c/pay/")
}
