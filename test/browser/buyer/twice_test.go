package buyer_test

import (
	"context"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// expectPaidOnce checks that Stripe has one payment of the price.
func (s *fixture) expectPaidOnce() {
	s.T.Helper()
	s.AwaitDelivered()
	if amount, payments := s.received(); amount != testclient.Price || payments != 1 {
		s.T.Errorf("got %d in %d payments at Stripe, want one of the price", amount, payments)
	}
}

// TestDoubleClick: a double click may create two orders. The buyer pays one of them.
func TestDoubleClick(t *testing.T) {
	for _, screen := range []browser.Screen{browser.Desktop, browser.Phone} {
		view := browser.View{Screen: screen}
		t.Run(view.String(), func(t *testing.T) {
			s := newFixture(t)
			tab := chromium.Tab(t, view)
			tab.Open(site.URL())
			tab.DoubleClick("button", "Buy Lifetime")
			tab.AwaitAddress(s.Stripe.URL() + "/c/pay/")
			fillIn(tab)
			tab.Fill("Card number", stripesim.Card4242)
			tab.DoubleClick("button", payButton)
			tab.AwaitAddress(s.base + billingPath)
			tab.See("Thank you for your purchase")
			s.expectPaidOnce()
			s.Eventually("one order is paid", func(context.Context) (bool, error) {
				paid, others := 0, 0
				for _, o := range s.Orders() {
					if o.Status.Phase == v1alpha1.OrderPaid {
						paid++
					} else if o.Status.Phase != v1alpha1.OrderPending {
						others++
					}
				}
				return paid == 1 && others == 0 && len(s.Orders()) <= 2, nil
			})
		})
	}
}

// TestBackAfterPayment: Stripe's page takes no second payment, and leads to the same return page.
func TestBackAfterPayment(t *testing.T) {
	s := newFixture(t)
	tab := chromium.Tab(t, browser.View{})
	s.goToStripe(tab)
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.AwaitAddress(s.base + billingPath)
	tab.See("Thank you for your purchase")
	browser.Ask[bool](tab, "history.back() ?? true")
	tab.AwaitAddress(s.Stripe.URL() + "/c/pay/")
	browser.Ask[bool](tab, "history.forward() ?? true")
	tab.AwaitAddress(s.base + billingPath)
	tab.See("Thank you for your purchase")
	expectState(t, tab, "paid")
	s.expectPaidOnce()
	s.awaitPhases(v1alpha1.OrderPaid)
}

// TestTwoTabs: two tabs submit the same session, and wait for its one payment.
func TestTwoTabs(t *testing.T) {
	s := newFixture(t)
	s.holdWebhooks()
	one, other := chromium.Tab(t, browser.View{}), chromium.Tab(t, browser.View{Screen: browser.Phone})
	s.goToStripe(one)
	other.Open(one.Address())
	for _, tab := range []*browser.Tab{one, other} {
		fillIn(tab)
		tab.Fill("Card number", stripesim.Card4242)
	}
	for _, tab := range []*browser.Tab{one, other} {
		tab.Click("button", payButton)
		tab.AwaitAddress(s.base + billingPath)
		tab.See("Confirming your payment")
	}
	s.releaseWebhooks(stripesim.Plan{})
	for _, tab := range []*browser.Tab{one, other} {
		tab.See("Thank you for your purchase")
	}
	if a, b := sessionOf(one), sessionOf(other); a != b || a == "" {
		t.Errorf("got the sessions %s and %s in two tabs, want one", a, b)
	}
	s.expectPaidOnce()
	s.awaitPhases(v1alpha1.OrderPaid)
}

// TestTwoBuyers: two buyers of one product at a time have two orders.
func TestTwoBuyers(t *testing.T) {
	s := newFixture(t)
	one, other := chromium.Tab(t, browser.View{}), chromium.Tab(t, browser.View{Screen: browser.Phone})
	s.goToStripe(one)
	s.goToStripe(other)
	fillIn(other)
	payByCard(other, stripesim.Card4242)
	other.See("Thank you for your purchase")
	s.expectPaidOnce()
	s.awaitPhases(v1alpha1.OrderPending, v1alpha1.OrderPaid)
	fillIn(one)
	payByCard(one, stripesim.Card4242)
	one.See("Thank you for your purchase")
	s.awaitPhases(v1alpha1.OrderPaid, v1alpha1.OrderPaid)
}
