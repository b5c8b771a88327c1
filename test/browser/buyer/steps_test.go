package buyer_test

import (
	"context"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
)

// siteName is what Paylink's pages call the shop.
func siteName() string { return strings.TrimPrefix(site.URL(), "http://") }

// payButton is the one on Stripe's page.
const payButton = "Pay 199.00 USD"

// goToStripe opens the shop's page and buys there, which ends on Stripe's page.
func (s *shop) goToStripe(tab *browser.Tab) {
	s.T.Helper()
	tab.Open(site.URL())
	tab.Click("button", "Buy Lifetime")
	tab.Arrive(s.Stripe.URL() + "/c/pay/")
}

// fillIn writes who pays into Stripe's page.
func fillIn(tab *browser.Tab) {
	tab.Fill("E-mail", "erika.mustermann@example.com")
	tab.Fill("Name", "Erika Mustermann")
}

// payByCard pays on Stripe's page.
func payByCard(tab *browser.Tab, card string) {
	tab.Fill("Card number", card)
	tab.Click("button", payButton)
}

// payByDebit pays on Stripe's page.
func payByDebit(tab *browser.Tab) {
	tab.Click("radio", "Bank debit")
	tab.Click("button", payButton)
}

// captures is how often a tab's pages have asked for news.
func captures(tab *browser.Tab) int { return len(tab.Requests("POST", "/api/orders/capture")) }

// awaitCaptures waits until a tab's page has asked so many times more.
func (s *shop) awaitCaptures(tab *browser.Tab, more int) {
	s.T.Helper()
	enough := captures(tab) + more
	s.Eventually("the page has asked for news", func(context.Context) (bool, error) { return captures(tab) >= enough, nil })
}

// expectState checks what the billing page shows now.
func expectState(t *testing.T, tab *browser.Tab, want string) {
	t.Helper()
	if got := browser.Ask[string](tab, `document.querySelector("main").dataset.state`); got != want {
		t.Errorf("the page shows the state %q, not %q", got, want)
	}
}
