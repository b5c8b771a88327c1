package checkout_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

// limits are those of a small shop.
func limits(perAddress, perLink ratelimit.Rate, open int) checkout.Limits {
	return checkout.Limits{PerAddress: perAddress, PerLink: perLink, Open: open, Expiry: time.Hour}
}

// step is a purchase, some time after the one before.
type step struct {
	passes        time.Duration
	address, path string
	want          int
}

// walk makes purchases one after another, through a proxy.
func walk(t *testing.T, s *fakeshop.Shop, after string, steps []step) {
	t.Helper()
	for i, step := range steps {
		s.Clock.SetTime(s.Clock.Now().Add(step.passes))
		r := fakeshop.Request(t, http.MethodPost, step.path, "", "X-Forwarded-For", step.address)
		r.RemoteAddr = "10.0.0.1:1234"
		answer := s.Send(r)
		check.Equal(t, step.want, answer.Code, "step %d", i)
		if got := answer.Header().Get("Retry-After"); answer.Code != http.StatusSeeOther && answer.Code != http.StatusNotFound && got != after {
			t.Errorf("step %d: got Retry-After %q, want %q", i, got, after)
		}
	}
}

// TestPerAddress: the orders of one client are limited, of all PaymentLinks together.
func TestPerAddress(t *testing.T) {
	few := ratelimit.Rate{Events: 4, Per: time.Hour, Burst: 2}
	s := fakeshop.New(t, fakeshop.Options{Proxies: "10.0.0.1", Limits: limits(few, fakeshop.Anything, 1000)}, fakeshop.Link("lifetime"), fakeshop.Link("other"))
	walk(t, s, "900", []step{
		{0, "192.0.2.1", "/buy/shop/none", 404}, // costs nothing
		{0, "192.0.2.1", forSale, 303}, {0, "192.0.2.1", "/buy/shop/other", 303}, {0, "192.0.2.1", forSale, 429}, {0, "192.0.2.1", "/buy/shop/other", 429},
		{0, "192.0.2.2", forSale, 303}, {0, "2001:db8::1", forSale, 303}, {0, "2001:db8::2", forSale, 303}, {0, "2001:db8::3", forSale, 429},
		{15 * time.Minute, "192.0.2.1", forSale, 303}, {0, "192.0.2.1", forSale, 429},
	})
	check.Equal(t, map[string]float64{"buy_address": 4}, s.Limited(), "refusals by limit")
	check.Equal(t, 6, len(s.Orders()), "orders")
	r := bought(t, forSale, "X-Forwarded-For", "192.0.2.1")
	r.RemoteAddr = "10.0.0.1:1234"
	wantNotice(t, s.Send(r), http.StatusTooManyRequests, page.TooManyRequests)
}

// TestPerLink: the orders of one PaymentLink are limited, of all clients together.
func TestPerLink(t *testing.T) {
	few := ratelimit.Rate{Events: 3, Per: time.Minute, Burst: 2}
	s := fakeshop.New(t, fakeshop.Options{Proxies: "10.0.0.1", Limits: limits(fakeshop.Anything, few, 1000)}, fakeshop.Link("lifetime"), fakeshop.Link("other"))
	walk(t, s, "20", []step{
		{0, "192.0.2.1", forSale, 303}, {0, "192.0.2.2", forSale, 303}, {0, "192.0.2.3", forSale, 429}, {0, "192.0.2.1", "/buy/shop/other", 303},
		{20 * time.Second, "192.0.2.4", forSale, 303}, {0, "192.0.2.5", forSale, 429},
	})
	check.Equal(t, map[string]float64{"buy_link": 2}, s.Limited(), "refusals by limit")
}

// TestLinksOfOneName: PaymentLinks of one name in two namespaces have a limit each.
func TestLinksOfOneName(t *testing.T) {
	once := ratelimit.Rate{Events: 1, Per: time.Hour, Burst: 1}
	beyond := fakeshop.Link("lifetime")
	beyond.Namespace = "annex"
	s := fakeshop.New(t, fakeshop.Options{Proxies: "10.0.0.1", Limits: limits(fakeshop.Anything, once, 1)}, fakeshop.Link("lifetime"), beyond)
	walk(t, s, "3600", []step{{0, "192.0.2.1", forSale, 303}, {0, "192.0.2.1", "/buy/annex/lifetime", 303}, {0, "192.0.2.1", forSale, 429}})
}

// TestPageIsNotLimited: a request for the page counts against no limit of orders.
func TestPageIsNotLimited(t *testing.T) {
	once := ratelimit.Rate{Events: 1, Per: time.Hour, Burst: 1}
	s := fakeshop.New(t, fakeshop.Options{Limits: limits(once, once, 1)}, fakeshop.Link("lifetime"))
	for range 5 {
		check.Equal(t, http.StatusOK, s.Send(fakeshop.Request(t, http.MethodGet, forSale, "")).Code, "status")
	}
	check.Equal(t, http.StatusSeeOther, s.Send(fakeshop.Request(t, http.MethodPost, forSale, "")).Code, "status")
}

// TestDefaultLimits: the defaults are valid, and those of the flags.
func TestDefaultLimits(t *testing.T) {
	want := checkout.Limits{
		PerAddress: ratelimit.Rate{Events: 30, Per: time.Hour, Burst: 10}, PerLink: ratelimit.Rate{Events: 600, Per: time.Minute, Burst: 100}, Open: 1000, Expiry: 24 * time.Hour,
	}
	check.Equal(t, want, checkout.DefaultLimits(), "limits")
	if err := checkout.DefaultLimits().Check(); err != nil {
		t.Error(err)
	}
}

// TestCheck: an invalid limit is an error that names its flag.
func TestCheck(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*checkout.Limits)
		want   string
	}{
		"none open":        {func(l *checkout.Limits) { l.Open = 0 }, "--public-orders-open must be at least 1"},
		"less than none":   {func(l *checkout.Limits) { l.Open = -1 }, "--public-orders-open must be at least 1"},
		"one open":         {func(l *checkout.Limits) { l.Open = 1 }, ""},
		"never":            {func(l *checkout.Limits) { l.Expiry = 0 }, "--public-order-expiry must be from 1s to 87600h"},
		"in the past":      {func(l *checkout.Limits) { l.Expiry = -time.Hour }, "--public-order-expiry must be from 1s to 87600h, as spec.expiresAfter of an Order, not -1h0m0s"},
		"the shortest":     {func(l *checkout.Limits) { l.Expiry = time.Second }, ""},
		"shorter":          {func(l *checkout.Limits) { l.Expiry = time.Second - 1 }, "from 1s to 87600h"},
		"the longest":      {func(l *checkout.Limits) { l.Expiry = 87600 * time.Hour }, ""},
		"longer":           {func(l *checkout.Limits) { l.Expiry = 87600*time.Hour + time.Second }, "from 1s to 87600h"},
		"half a second":    {func(l *checkout.Limits) { l.Expiry = 1500 * time.Millisecond }, "--public-order-expiry must be in whole seconds, not 1.5s"},
		"none per address": {func(l *checkout.Limits) { l.PerAddress.Events = 0 }, "--public-orders-per-address must be at least 1, not 0"},
		"none per link":    {func(l *checkout.Limits) { l.PerLink.Events = -5 }, "--public-orders-per-link must be at least 1, not -5"},
	} {
		t.Run(name, func(t *testing.T) {
			l := checkout.DefaultLimits()
			row.change(&l)
			if err := l.Check(); (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
				t.Errorf("got error %v, want %q", err, row.want)
			}
		})
	}
}

// TestExpiry: an order expires after the time of the limits.
func TestExpiry(t *testing.T) {
	for _, expiry := range []time.Duration{time.Second, 90 * time.Minute} {
		l := limits(fakeshop.Anything, fakeshop.Anything, 1)
		l.Expiry = expiry
		s := fakeshop.New(t, fakeshop.Options{Limits: l}, fakeshop.Link("lifetime"))
		s.Send(fakeshop.Request(t, http.MethodPost, forSale, ""))
		check.Equal(t, expiry.String(), fmt.Sprint(s.Orders()[0].Spec.ExpiresAfter.Duration), "expiry")
	}
}
