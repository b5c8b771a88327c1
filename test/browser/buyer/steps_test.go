package buyer_test

import (
	"context"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
)

// siteName is the name of the shop on Paylink's pages.
func siteName() string { return strings.TrimPrefix(site.URL(), "http://") }

// payButton is the name of the button on Stripe's page.
const payButton = "Pay 199.00 USD"

// goToStripe buys on the shop's page, which leads to Stripe's.
func (s *fixture) goToStripe(tab *browser.Tab) {
	s.T.Helper()
	tab.Open(site.URL())
	tab.Click("button", "Buy Lifetime")
	tab.AwaitAddress(s.Stripe.URL() + "/c/pay/")
}

// fillIn fills in the buyer's name and e-mail on Stripe's page.
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

// captureRequests counts the capture requests of a tab.
func captureRequests(tab *browser.Tab) int { return len(tab.Requests("POST", "/api/orders/capture")) }

// awaitCaptureRequests waits for so many more capture requests of a tab.
func (s *fixture) awaitCaptureRequests(tab *browser.Tab, more int) {
	s.T.Helper()
	enough := captureRequests(tab) + more
	s.Eventually("the page polls", func(context.Context) (bool, error) { return captureRequests(tab) >= enough, nil })
}

// expectState checks the state of the return page.
func expectState(t *testing.T, tab *browser.Tab, want string) {
	t.Helper()
	check.Equal(t, want, browser.Ask[string](tab, `document.querySelector("main").dataset.state`), "state")
}
