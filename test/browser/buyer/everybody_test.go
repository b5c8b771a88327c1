package buyer_test

import (
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestTheKeyboardAlone buys, and goes on to the shop in the end.
func TestTheKeyboardAlone(t *testing.T) {
	s := openShop(t)
	for name, start := range map[string]string{"in the shop": site.URL(), "on the buy page": s.base + s.buyPath("lifetime")} {
		t.Run(name, func(t *testing.T) {
			tab := chromium.Tab(t, browser.View{})
			tab.Open(start)
			tab.Press(browser.TabKey)
			expectFocus(t, tab, "button Buy Lifetime")
			tab.Press(browser.EnterKey)
			tab.Arrive(s.Stripe.URL() + "/c/pay/")
			fillIn(tab)
			payByCard(tab, stripesim.Card4242)
			tab.Arrive(s.base + billingPath)
			tab.See("Thank you for your purchase")
			tab.Press(browser.TabKey)
			expectFocus(t, tab, "link Continue to "+siteName())
			tab.Press(browser.EnterKey)
			tab.Arrive(site.URL() + "/")
		})
	}
}

// expectFocus checks what the focus is on, and that it is to be seen.
func expectFocus(t *testing.T, tab *browser.Tab, want string) {
	t.Helper()
	if got := tab.Focused(); got != want {
		t.Fatalf("the focus is on %q, not on %q", got, want)
	}
	if got := browser.Ask[string](tab, `(s => s.outlineStyle + " " + s.outlineWidth)(getComputedStyle(document.activeElement))`); got != "solid 3px" {
		t.Errorf("around what the focus is on, the outline is %s", got)
	}
}

// TestTheFocusIsNotLost when what it is on goes with the old text.
func TestTheFocusIsNotLost(t *testing.T) {
	s := openShop(t)
	s.hold()
	session := s.Pay(s.order())
	tab := chromium.Tab(t, browser.View{})
	tab.Open(s.base + billingPath + session.ID)
	tab.See("Confirming your payment")
	tab.Press(browser.TabKey)
	expectFocus(t, tab, "link Continue to "+siteName())
	s.release(stripesim.Plan{})
	tab.See("Thank you for your purchase")
	if got := tab.Focused(); !strings.HasPrefix(got, "status") {
		t.Errorf("the focus is on %q", got)
	}
	tab.Press(browser.TabKey)
	expectFocus(t, tab, "link Continue to "+siteName())
}

// TestAScreenReaderHearsTheNews, and is not told of numbers that nobody can follow by ear.
func TestAScreenReaderHearsTheNews(t *testing.T) {
	s := openShop(t)
	s.hold()
	session := s.Pay(s.order())
	tab := chromium.Tab(t, browser.View{})
	tab.Open(s.base + billingPath + session.ID)
	tab.Hear("Confirming your payment")
	browser.Ask[bool](tab, `Boolean(window.paylinkTestsRegion = document.querySelector("[role=status]"))`)
	s.release(stripesim.Plan{})
	tab.Hear("Thank you for your purchase", "Your payment is confirmed.")
	if heard := tab.Heard(); strings.Contains(heard, "Confirming") || strings.Contains(heard, session.ID) {
		t.Errorf("what is heard is %q", heard)
	}
	if !browser.Ask[bool](tab, "paylinkTestsRegion.isConnected") {
		t.Error("the region is another one, of which no screen reader would have heard")
	}
}

// TestAScreenReaderHearsTheEnd of asking.
func TestAScreenReaderHearsTheEnd(t *testing.T) {
	s := openShop(t)
	s.hold()
	session := s.Pay(s.order())
	tab := chromium.Tab(t, browser.View{})
	tab.Hurry(3000)
	tab.Open(s.base + billingPath + session.ID)
	tab.Hear("Not confirmed yet.", "This page has stopped checking.")
	if heard := tab.Heard(); strings.Contains(heard, "checks by itself") {
		t.Errorf("what is heard is %q", heard)
	}
}
