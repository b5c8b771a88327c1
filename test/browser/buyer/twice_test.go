package buyer_test

import (
	"context"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// paidOnce checks that Stripe has taken the price once.
func (s *shop) paidOnce() {
	s.T.Helper()
	s.Settled()
	if amount, payments := s.received(); amount != seller.Price || payments != 1 {
		s.T.Errorf("Stripe has %d in %d payments", amount, payments)
	}
}

// TestADoubleClickOnBuy may make two orders; only one of them is shown, and can be paid.
func TestADoubleClickOnBuy(t *testing.T) {
	for _, screen := range []browser.Screen{browser.Desktop, browser.Phone} {
		view := browser.View{Screen: screen}
		t.Run(view.String(), func(t *testing.T) {
			s := openShop(t)
			tab := chromium.Tab(t, view)
			tab.Open(site.URL())
			tab.DoubleClick("button", "Buy Lifetime")
			tab.Arrive(s.Stripe.URL() + "/c/pay/")
			fillIn(tab)
			tab.Fill("Card number", stripesim.Card4242)
			tab.DoubleClick("button", payButton)
			tab.Arrive(s.base + billingPath)
			tab.See("Thank you for your purchase")
			s.paidOnce()
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

// TestBackAfterPaying finds Stripe's page, which takes nothing more, and leads to the same end again.
func TestBackAfterPaying(t *testing.T) {
	s := openShop(t)
	tab := chromium.Tab(t, browser.View{})
	s.goToStripe(tab)
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.Arrive(s.base + billingPath)
	tab.See("Thank you for your purchase")
	browser.Ask[bool](tab, "history.back() ?? true")
	tab.Arrive(s.Stripe.URL() + "/c/pay/")
	browser.Ask[bool](tab, "history.forward() ?? true")
	tab.Arrive(s.base + billingPath)
	tab.See("Thank you for your purchase")
	expectState(t, tab, "paid")
	s.paidOnce()
	s.awaitPhases(v1alpha1.OrderPaid)
}

// TestTwoTabs: the same payment page is open twice, and both are sent; then both wait for the one payment.
func TestTwoTabs(t *testing.T) {
	s := openShop(t)
	s.hold()
	one, other := chromium.Tab(t, browser.View{}), chromium.Tab(t, browser.View{Screen: browser.Phone})
	s.goToStripe(one)
	other.Open(one.Address())
	for _, tab := range []*browser.Tab{one, other} {
		fillIn(tab)
		tab.Fill("Card number", stripesim.Card4242)
	}
	for _, tab := range []*browser.Tab{one, other} {
		tab.Click("button", payButton)
		tab.Arrive(s.base + billingPath)
		tab.See("Confirming your payment")
	}
	s.release(stripesim.Plan{})
	for _, tab := range []*browser.Tab{one, other} {
		tab.See("Thank you for your purchase")
	}
	if a, b := sessionOf(one), sessionOf(other); a != b || a == "" {
		t.Errorf("the tabs show the payments %s and %s", a, b)
	}
	s.paidOnce()
	s.awaitPhases(v1alpha1.OrderPaid)
}

// TestTwoPeople buy the same thing at the same time, and each has an order of his own.
func TestTwoPeople(t *testing.T) {
	s := openShop(t)
	one, other := chromium.Tab(t, browser.View{}), chromium.Tab(t, browser.View{Screen: browser.Phone})
	s.goToStripe(one)
	s.goToStripe(other)
	fillIn(other)
	payByCard(other, stripesim.Card4242)
	other.See("Thank you for your purchase")
	s.paidOnce()
	s.awaitPhases(v1alpha1.OrderPending, v1alpha1.OrderPaid)
	fillIn(one)
	payByCard(one, stripesim.Card4242)
	one.See("Thank you for your purchase")
	s.awaitPhases(v1alpha1.OrderPaid, v1alpha1.OrderPaid)
}
