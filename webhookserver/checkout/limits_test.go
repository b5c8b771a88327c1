package checkout_test

import (
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

// TestLimits: the orders of one client are limited, of all PaymentLinks together, and those of one PaymentLink, of all clients together.
func TestLimits(t *testing.T) {
	const other, beyond = "/buy/shop/other", "/buy/annex/lifetime"
	anything := fakeshop.Anything
	for name, row := range map[string]struct {
		limits  checkout.Limits
		after   string
		steps   []step
		limited map[string]float64
		orders  int
	}{
		"per address": {limits(ratelimit.Rate{Events: 4, Per: time.Hour, Burst: 2}, anything, 1000), "900", []step{
			{0, "192.0.2.1", "/buy/shop/none", 404}, // counts against no limit
			{0, "192.0.2.1", forSale, 303}, {0, "192.0.2.1", other, 303}, {0, "192.0.2.1", forSale, 429}, {0, "192.0.2.1", other, 429},
			{0, "192.0.2.2", forSale, 303}, {0, "2001:db8::1", forSale, 303}, {0, "2001:db8::2", forSale, 303}, {0, "2001:db8::3", forSale, 429},
			{15 * time.Minute, "192.0.2.1", forSale, 303}, {0, "192.0.2.1", forSale, 429},
		}, map[string]float64{"buy_address": 4}, 6},
		"per link": {limits(anything, ratelimit.Rate{Events: 3, Per: time.Minute, Burst: 2}, 1000), "20", []step{
			{0, "192.0.2.1", forSale, 303}, {0, "192.0.2.2", forSale, 303}, {0, "192.0.2.3", forSale, 429}, {0, "192.0.2.1", other, 303},
			{20 * time.Second, "192.0.2.4", forSale, 303}, {0, "192.0.2.5", forSale, 429},
		}, map[string]float64{"buy_link": 2}, 4},
		"per link of one name in two namespaces": {limits(anything, ratelimit.Rate{Events: 1, Per: time.Hour, Burst: 1}, 1), "3600", []step{
			{0, "192.0.2.1", forSale, 303}, {0, "192.0.2.1", beyond, 303}, {0, "192.0.2.1", forSale, 429},
		}, map[string]float64{"buy_link": 1}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inAnnex := fakeshop.Link("lifetime", inAnnex)
			s := newShop(t, fakeshop.Options{Proxies: "10.0.0.1", Limits: row.limits}, fakeshop.Link("other"), inAnnex)
			walk(t, s, row.after, row.steps)
			check.Equal(t, row.limited, s.Limited(), "refusals by limit")
			check.Equal(t, row.orders, len(s.Orders()), "orders")
			r := bought(t, forSale, "X-Forwarded-For", "192.0.2.1")
			r.RemoteAddr = "10.0.0.1:1234"
			wantNotice(t, s.Send(r), http.StatusTooManyRequests, page.TooManyRequests)
		})
	}
}

// TestPageIsNotLimited: a request for the page counts against no limit of orders.
func TestPageIsNotLimited(t *testing.T) {
	once := ratelimit.Rate{Events: 1, Per: time.Hour, Burst: 1}
	s := newShop(t, fakeshop.Options{Limits: limits(once, once, 1)})
	for range 5 {
		check.Equal(t, http.StatusOK, s.Send(fakeshop.Request(t, http.MethodGet, forSale, "")).Code, "status")
	}
	wantBuys(t, s, forSale, 303)
}

// TestDefaultLimits: the defaults are valid, and those of the flags.
func TestDefaultLimits(t *testing.T) {
	want := checkout.Limits{
		PerAddress: ratelimit.Rate{Events: 30, Per: time.Hour, Burst: 10}, PerLink: ratelimit.Rate{Events: 600, Per: time.Minute, Burst: 100}, Open: 1000, Expiry: 24 * time.Hour,
	}
	check.Equal(t, want, checkout.DefaultLimits(), "limits")
	check.NoError(t, checkout.DefaultLimits().Check())
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
		o := onlyOpen(1)
		o.Limits.Expiry = expiry
		s := newShop(t, o)
		wantBuys(t, s, forSale, 303)
		check.Equal(t, expiry, s.Orders()[0].Spec.ExpiresAfter.Duration, "expiry")
	}
}
