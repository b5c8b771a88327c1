package buyer_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
)

// exhaust sends requests until one is refused.
func (s *fixture) exhaust(method, address string) {
	s.T.Helper()
	for range 200 {
		status, _, err := s.send(method, address)
		s.Must(err)
		if status == http.StatusTooManyRequests {
			return
		}
	}
	s.T.Fatalf("got no 429 for %s %s, want a limit", method, address)
}

// openOverLimit opens a page over its limit. The limit refills by one a second, so it may take several attempts.
func (s *fixture) openOverLimit(tab *browser.Tab, address string) {
	s.T.Helper()
	s.Eventually("the page is over its limit", func(context.Context) (bool, error) {
		s.exhaust(http.MethodGet, address)
		return tab.Open(address) == http.StatusTooManyRequests, nil
	})
}

// TestPageOverLimit: the page over its limit reloads by itself.
func TestPageOverLimit(t *testing.T) {
	s := newFixture(t)
	session := s.Pay(s.createOrder())
	s.AwaitDelivered()
	base := startIngress(t, keyed, "")
	t.Run("shown", func(t *testing.T) {
		tab := chromium.Tab(t, browser.View{})
		tab.ExpectProblem("429 (Too Many Requests)")
		tab.RunBefore("window.fetch = () => new Promise(() => {})") // the page does not change
		s.openOverLimit(tab, base+billingPath+session.ID)
		tab.See("One moment, please")
		tab.Inspect("billing-limited")
	})
	for name, scripts := range map[string]bool{"goes on": true, "goes on without scripts": false} {
		t.Run(name, func(t *testing.T) {
			tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
			tab.ExpectProblem("429 (Too Many Requests)")
			if !scripts {
				tab.DisableScripts()
			}
			s.openOverLimit(tab, base+billingPath+session.ID)
			tab.See("Thank you for your purchase")
		})
	}
}

func TestBuyOverLimit(t *testing.T) {
	s := newFixture(t)
	base := startIngress(t, keyed, "")
	s.exhaust(http.MethodPost, base+s.buyPath("lifetime"))
	tab := chromium.Tab(t, browser.View{})
	tab.ExpectProblem("429 (Too Many Requests)")
	tab.Open(base + s.buyPath("lifetime"))
	before := len(s.Orders())
	tab.Click("button", "Buy Lifetime")
	tab.See("One moment, please")
	tab.Inspect("notice-limited")
	check.Equal(t, before, len(s.Orders()), "orders")
}
