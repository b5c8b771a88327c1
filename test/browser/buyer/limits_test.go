package buyer_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
)

// exhaust asks until it is refused.
func (s *shop) exhaust(method, address string) {
	s.T.Helper()
	for range 200 {
		status, _, err := s.ask(method, address)
		if err != nil {
			s.T.Fatal(err)
		}
		if status == http.StatusTooManyRequests {
			return
		}
	}
	s.T.Fatalf("%s %s has no limit", method, address)
}

// openTooOften opens a page that a buyer has opened too often. What is allowed grows again by one a second, so it may
// take more than one attempt.
func (s *shop) openTooOften(tab *browser.Tab, address string) {
	s.T.Helper()
	s.Eventually("too much is too much", func(context.Context) (bool, error) {
		s.exhaust(http.MethodGet, address)
		return tab.Open(address) == http.StatusTooManyRequests, nil
	})
}

// TestTooManyLooks: the page says so, and goes on by itself.
func TestTooManyLooks(t *testing.T) {
	s := openShop(t)
	session := s.Pay(s.order())
	s.Settled()
	base := gateway(t, keyed, "")
	t.Run("shown", func(t *testing.T) {
		tab := chromium.Tab(t, browser.View{})
		tab.Pardon("429 (Too Many Requests)")
		tab.Before("window.fetch = () => new Promise(() => {})") // it stays as it is
		s.openTooOften(tab, base+billingPath+session.ID)
		tab.See("One moment, please")
		tab.Inspect("billing-limited")
	})
	for name, scripts := range map[string]bool{"goes on": true, "goes on without scripts": false} {
		t.Run(name, func(t *testing.T) {
			tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
			tab.Pardon("429 (Too Many Requests)")
			if !scripts {
				tab.SwitchOffScripts()
			}
			s.openTooOften(tab, base+billingPath+session.ID)
			tab.See("Thank you for your purchase")
		})
	}
}

func TestTooManyOrders(t *testing.T) {
	s := openShop(t)
	base := gateway(t, keyed, "")
	s.exhaust(http.MethodPost, base+s.buyPath("lifetime"))
	tab := chromium.Tab(t, browser.View{})
	tab.Pardon("429 (Too Many Requests)")
	tab.Open(base + s.buyPath("lifetime"))
	before := len(s.Orders())
	tab.Click("button", "Buy Lifetime")
	tab.See("One moment, please")
	tab.Inspect("notice-limited")
	if n := len(s.Orders()); n != before {
		t.Errorf("one more order was made: %d", n)
	}
}
