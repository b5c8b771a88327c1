package buyer_test

import (
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// startDebit buys by bank debit, and returns the session, with the tab on the page of a pending debit.
func startDebit(t *testing.T, s *fixture, tab *browser.Tab) (session stripesim.Session) {
	t.Helper()
	tab.SpeedUp(10) // the page polls every 15 s
	s.goToStripe(tab)
	fillIn(tab)
	payByDebit(tab)
	tab.AwaitAddress(s.base + billingPath)
	tab.See("Your bank is processing the payment")
	tab.Mark()
	s.awaitCaptureRequests(tab, 5)
	expectState(t, tab, "processing")
	session, _ = s.Stripe.Session(sessionOf(tab))
	return session
}

func TestDebitIsPaid(t *testing.T) {
	s := newFixture(t)
	tab := chromium.Tab(t, browser.View{})
	session := startDebit(t, s, tab)
	s.SettleDebit(session, true)
	tab.See("Thank you for your purchase")
	if !tab.Marked() {
		t.Error("the page was reloaded, want an update in place")
	}
	s.awaitPhases(v1alpha1.OrderPaid)
}

// TestDebitFails: the page leads to a second payment of the same order.
func TestDebitFails(t *testing.T) {
	s := newFixture(t)
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	failed := startDebit(t, s, tab)
	s.SettleDebit(failed, false)
	tab.See("The payment did not go through")
	if !tab.Marked() {
		t.Error("the page was reloaded, want an update in place")
	}
	s.awaitPhases(v1alpha1.OrderFailed)
	tab.Click("link", "Go to the payment page")
	tab.AwaitAddress(s.Stripe.URL() + "/c/pay/")
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.AwaitAddress(s.base + billingPath)
	tab.See("Thank you for your purchase")
	s.awaitPhases(v1alpha1.OrderPaid)

	// The page of the first session shows the payment too.
	tab.Open(s.base + billingPath + failed.ID)
	tab.See("Thank you for your purchase")
}
