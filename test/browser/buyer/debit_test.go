package buyer_test

import (
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// underWay buys by bank debit, and leaves the buyer on the page that says it is under way.
func underWay(t *testing.T, s *shop, tab *browser.Tab) (session string) {
	t.Helper()
	tab.Hurry(10) // for days, the page asks every 15 s
	s.goToStripe(tab)
	fillIn(tab)
	payByDebit(tab)
	tab.Arrive(s.base + billingPath)
	tab.See("Your bank is processing the payment")
	tab.Mark()
	s.awaitCaptures(tab, 5)
	expectState(t, tab, "processing")
	return sessionOf(tab)
}

func TestABankDebitThatIsPaid(t *testing.T) {
	s := openShop(t)
	tab := chromium.Tab(t, browser.View{})
	session := underWay(t, s, tab)
	if err := s.Stripe.SettleDebit(session, true); err != nil {
		t.Fatal(err)
	}
	tab.See("Thank you for your purchase")
	if !tab.Marked() {
		t.Error("the page was loaded again")
	}
	s.awaitPhases(v1alpha1.OrderPaid)
}

// TestABankDebitThatFails leaves a way to pay again that works, for the same order.
func TestABankDebitThatFails(t *testing.T) {
	s := openShop(t)
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	failed := underWay(t, s, tab)
	if err := s.Stripe.SettleDebit(failed, false); err != nil {
		t.Fatal(err)
	}
	tab.See("The payment did not go through")
	if !tab.Marked() {
		t.Error("the page was loaded again")
	}
	s.awaitPhases(v1alpha1.OrderFailed)
	tab.Click("link", "Go to the payment page")
	tab.Arrive(s.Stripe.URL() + "/c/pay/")
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.Arrive(s.base + billingPath)
	tab.See("Thank you for your purchase")
	s.awaitPhases(v1alpha1.OrderPaid)

	// Whoever still has the first page open learns of it too.
	tab.Open(s.base + billingPath + failed)
	tab.See("Thank you for your purchase")
}
