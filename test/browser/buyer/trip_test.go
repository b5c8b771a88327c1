package buyer_test

import (
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestTheRoundTrip goes from the shop to Stripe's page, back to Paylink's, and on into the shop, by clicking alone.
func TestTheRoundTrip(t *testing.T) {
	s := openShop(t)
	for i, view := range browser.Views() {
		t.Run(view.String(), func(t *testing.T) {
			tab := chromium.Tab(t, view)
			s.goToStripe(tab)
			fillIn(tab)
			payByCard(tab, stripesim.Card4242)
			tab.Arrive(site.URL() + billingPath + "cs_test_")
			tab.See("Thank you for your purchase", "Your payment is confirmed.", "Lifetime", "199.00 USD", sessionOf(tab))
			paid := make([]v1alpha1.OrderPhase, i+1)
			for n := range paid {
				paid[n] = v1alpha1.OrderPaid
			}
			s.awaitPhases(paid...)
			tab.Click("link", "Continue to "+siteName())
			tab.Arrive(site.URL() + "/")
			tab.See("Buy Lifetime")
		})
	}
	if amount, payments := s.received(); payments != 4 || amount != 4*seller.Price {
		t.Errorf("Stripe has %d in %d payments", amount, payments)
	}
}

// TestADeclinedCardAndAnother: Stripe keeps the buyer until a card is taken, and it is still the one order.
func TestADeclinedCardAndAnother(t *testing.T) {
	s := openShop(t)
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.Pardon("402 (Payment Required)")
	s.goToStripe(tab)
	fillIn(tab)
	payByCard(tab, stripesim.CardDeclined)
	tab.See("Not paid.", "insufficient funds")
	s.Settled()
	s.awaitPhases(v1alpha1.OrderPending)
	payByCard(tab, stripesim.Card4242)
	tab.Arrive(s.base + billingPath)
	tab.See("Thank you for your purchase")
	s.awaitPhases(v1alpha1.OrderPaid)
}
