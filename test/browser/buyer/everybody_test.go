package buyer_test

import (
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestKeyboard buys by keyboard, and returns to the shop.
func TestKeyboard(t *testing.T) {
	s := newFixture(t)
	for name, start := range map[string]string{"in the shop": site.URL(), "on the buy page": s.base + s.buyPath("lifetime")} {
		t.Run(name, func(t *testing.T) {
			tab := chromium.Tab(t, browser.View{})
			tab.Open(start)
			tab.Press(browser.TabKey)
			expectFocus(t, tab, "button Buy Lifetime")
			tab.Press(browser.EnterKey)
			tab.AwaitAddress(s.Stripe.URL() + "/c/pay/")
			fillIn(tab)
			payByCard(tab, stripesim.Card4242)
			tab.AwaitAddress(s.base + billingPath)
			tab.See("Thank you for your purchase")
			tab.Press(browser.TabKey)
			expectFocus(t, tab, "link Continue to "+siteName())
			tab.Press(browser.EnterKey)
			tab.AwaitAddress(site.URL() + "/")
		})
	}
}

// expectFocus checks the focused element, and that its outline is visible.
func expectFocus(t *testing.T, tab *browser.Tab, want string) {
	t.Helper()
	if got := tab.Focused(); got != want {
		t.Fatalf("got the focus on %q, want %q", got, want)
	}
	check.Equal(t, "solid 3px", browser.Ask[string](tab, `(s => s.outlineStyle + " " + s.outlineWidth)(getComputedStyle(document.activeElement))`), "outline of the focused element")
}

// TestFocusAfterUpdate: the focus moves to the new text when its element is removed.
func TestFocusAfterUpdate(t *testing.T) {
	s := newFixture(t)
	s.holdWebhooks()
	session := s.Pay(s.createOrder())
	tab := chromium.Tab(t, browser.View{})
	tab.Open(s.base + billingPath + session.ID)
	tab.See("Confirming your payment")
	tab.Press(browser.TabKey)
	expectFocus(t, tab, "link Continue to "+siteName())
	s.releaseWebhooks(stripesim.Plan{})
	tab.See("Thank you for your purchase")
	if got := tab.Focused(); !strings.HasPrefix(got, "status") {
		t.Errorf("got the focus on %q, want the status", got)
	}
	tab.Press(browser.TabKey)
	expectFocus(t, tab, "link Continue to "+siteName())
}

// TestScreenReader: a screen reader announces the new state, without the session id.
func TestScreenReader(t *testing.T) {
	s := newFixture(t)
	s.holdWebhooks()
	session := s.Pay(s.createOrder())
	tab := chromium.Tab(t, browser.View{})
	tab.Open(s.base + billingPath + session.ID)
	tab.SeeAnnounced("Confirming your payment")
	browser.Ask[bool](tab, `Boolean(window.paylinkTestsRegion = document.querySelector("[role=status]"))`)
	s.releaseWebhooks(stripesim.Plan{})
	tab.SeeAnnounced("Thank you for your purchase", "Your payment is confirmed.")
	if announced := tab.Announced(); strings.Contains(announced, "Confirming") || strings.Contains(announced, session.ID) {
		t.Errorf("got %q announced, want the new state alone", announced)
	}
	if !browser.Ask[bool](tab, "paylinkTestsRegion.isConnected") {
		t.Error("got another live region, want the same one")
	}
}

// TestScreenReaderAtTheEnd: a screen reader announces the end of polling.
func TestScreenReaderAtTheEnd(t *testing.T) {
	s := newFixture(t)
	s.holdWebhooks()
	session := s.Pay(s.createOrder())
	tab := chromium.Tab(t, browser.View{})
	tab.SpeedUp(3000)
	tab.Open(s.base + billingPath + session.ID)
	tab.SeeAnnounced("Not confirmed yet.", "This page has stopped checking.")
	if announced := tab.Announced(); strings.Contains(announced, "checks by itself") {
		t.Errorf("got %q announced, want the new state alone", announced)
	}
}
