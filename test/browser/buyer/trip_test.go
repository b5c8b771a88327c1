package buyer_test

import (
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// TestPurchase goes from the shop to Stripe's page, to Paylink's return page, and to the shop.
func TestPurchase(t *testing.T) {
	s := newFixture(t)
	for i, view := range browser.Views() {
		t.Run(view.String(), func(t *testing.T) {
			tab := chromium.Tab(t, view)
			s.goToStripe(tab)
			fillIn(tab)
			payByCard(tab, stripesim.Card4242)
			tab.AwaitAddress(site.URL() + billingPath + "cs_test_")
			tab.See("Thank you for your purchase", "Your payment is confirmed.", "Lifetime", "199.00 USD", sessionOf(tab))
			paid := make([]v1alpha1.OrderPhase, i+1)
			for n := range paid {
				paid[n] = v1alpha1.OrderPaid
			}
			s.awaitPhases(paid...)
			tab.Click("link", "Continue to "+siteName())
			tab.AwaitAddress(site.URL() + "/")
			tab.See("Buy Lifetime")
		})
	}
	if amount, payments := s.received(); payments != 4 || amount != 4*testclient.Price {
		t.Errorf("got %d in %d payments at Stripe, want 4 payments", amount, payments)
	}
}

// TestDeclinedCard: a second card pays the same order.
func TestDeclinedCard(t *testing.T) {
	s := newFixture(t)
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.ExpectProblem("402 (Payment Required)")
	s.goToStripe(tab)
	fillIn(tab)
	payByCard(tab, stripesim.CardDeclined)
	tab.See("Not paid.", "insufficient funds")
	s.AwaitDelivered()
	s.awaitPhases(v1alpha1.OrderPending)
	payByCard(tab, stripesim.Card4242)
	tab.AwaitAddress(s.base + billingPath)
	tab.See("Thank you for your purchase")
	s.awaitPhases(v1alpha1.OrderPaid)
}
