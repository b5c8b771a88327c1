package stripesim_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// completed names the event that each payment makes once.
var completed = []string{"checkout.session.completed"}

// attempted waits for the n-th attempt.
func attempted(t *testing.T, sim *stripesim.Simulator, n int) {
	t.Helper()
	if err := sim.WaitAttempts(t.Context(), n); err != nil {
		t.Fatal(err)
	}
}

// failFirst answers with a status until an endpoint has had n requests.
func failFirst(n int32, status int) func(received) int {
	var calls atomic.Int32
	return func(received) int {
		if calls.Add(1) <= n {
			return status
		}
		return http.StatusNoContent
	}
}

// TestPlans delivers one payment's event by each plan.
func TestPlans(t *testing.T) {
	together, inside := make(chan struct{}), atomic.Int32{}
	for name, row := range map[string]struct {
		plan     stripesim.Plan
		answer   func(received) int
		requests int   // that reach the endpoint
		ids      int   // different events
		attempts []int // their numbers
	}{
		"once":       {plan: stripesim.Plan{}, requests: 1, ids: 1, attempts: []int{1}},
		"refused":    {answer: failFirst(3, 404), requests: 4, ids: 1, attempts: []int{1, 2, 3, 4}},
		"overloaded": {answer: failFirst(3, 503), requests: 4, ids: 1, attempts: []int{1, 2, 3, 4}},
		"redirected": {answer: failFirst(3, 302), requests: 4, ids: 1, attempts: []int{1, 2, 3, 4}}, // and not followed
		"given up":   {answer: failFirst(99, 500), requests: 8, ids: 1, attempts: []int{1, 2, 3, 4, 5, 6, 7, 8}},
		"copies":     {plan: stripesim.Plan{Copies: 5}, requests: 5, ids: 1, attempts: []int{1, 1, 1, 1, 1}},
		"lost":       {plan: stripesim.Plan{Loss: stripesim.LoseFirst(2)}, requests: 1, ids: 1, attempts: []int{1, 2, 3}},
		"dropped":    {plan: stripesim.Plan{Drop: stripesim.DropTypes(completed...)}},
		"two ids":    {plan: stripesim.Plan{TwinEvents: true}, requests: 2, ids: 2, attempts: []int{1, 1}},
		"at random":  {plan: stripesim.Plan{Shuffle: true, Seed: 3, Delay: 5 * time.Millisecond}, requests: 1, ids: 1, attempts: []int{1}},
		"copies at once": {plan: stripesim.Plan{Copies: 5, Concurrent: true}, requests: 5, ids: 1, attempts: []int{1, 1, 1, 1, 1}, answer: func(received) int {
			if inside.Add(1) == 5 {
				close(together)
			}
			<-together // no copy is answered before all have come
			return http.StatusOK
		}},
	} {
		t.Run(name, func(t *testing.T) {
			sim := start(t, stripesim.Options{Workers: 1})
			shop := newShop(t, row.answer)
			sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
			sim.Delivery(row.plan)
			session := pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
			delivered(t, sim)
			ids := map[string]bool{}
			for _, got := range shop.received() {
				ids[got.id] = true
				if got.object != session.ID {
					t.Errorf("got an event about %s, want %s", got.object, session.ID)
				}
			}
			if n := len(shop.received()); n != row.requests || len(ids) != row.ids {
				t.Errorf("got %d requests of %d events, want %d of %d", n, len(ids), row.requests, row.ids)
			}
			var numbers []int
			for _, attempt := range sim.Attempts() {
				numbers = append(numbers, attempt.Number)
				if lost := row.plan.Loss != nil && attempt.Number <= 2; errors.Is(attempt.Error, stripesim.ErrLost) != lost {
					t.Errorf("got attempt %+v, want it lost: %t", attempt, lost)
				}
			}
			if !slices.Equal(numbers, row.attempts) {
				t.Errorf("got attempts %v, want %v", numbers, row.attempts)
			}
		})
	}
}

// TestOrder: all events of a payment arrive in order, or in an order that depends on the seed alone.
func TestOrder(t *testing.T) {
	arrival := func(plans ...stripesim.Plan) (types []string) {
		sim := start(t, stripesim.Options{})
		shop := newShop(t, nil)
		sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL})
		sim.Delivery(plans[0])
		pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
		if n := len(shop.received()); plans[0].Hold && n != 0 {
			t.Errorf("got %d held events, want none", n)
		}
		for _, next := range plans[1:] {
			sim.Delivery(next)
		}
		delivered(t, sim)
		for _, got := range shop.received() {
			types = append(types, got.eventType)
		}
		return types
	}
	want := strings.Fields(`product.created price.created payment_link.created payment_intent.created
		charge.succeeded payment_intent.succeeded checkout.session.completed`)
	if got := arrival(stripesim.Plan{InSequence: true}); !slices.Equal(got, want) {
		t.Errorf("got order %v, want %v", got, want)
	}
	hold := stripesim.Plan{Hold: true}
	shuffled := func(seed uint64) []string {
		return arrival(hold, stripesim.Plan{InSequence: true, Shuffle: true, Seed: seed})
	}
	one, again, other := shuffled(1), shuffled(1), shuffled(2)
	if !slices.Equal(one, again) || slices.Equal(one, other) {
		t.Errorf("got %v and %v of one seed, and %v of another", one, again, other)
	}
	if slices.Sort(one); !slices.Equal(one, slices.Sorted(slices.Values(want))) {
		t.Errorf("got %v, want each event once", one)
	}
}

// TestBackoff: retries come by the clock, after waits that grow to a maximum. A delay comes before the first attempt.
func TestBackoff(t *testing.T) {
	backoff := stripesim.Backoff{Initial: time.Second, Factor: 3, Max: 20 * time.Second}
	for i, want := range []time.Duration{time.Second, 3 * time.Second, 9 * time.Second, 20 * time.Second, 20 * time.Second} {
		if got := stripesim.Wait(backoff, i+1); got != want {
			t.Errorf("after %d failures: got wait %v, want %v", i+1, got, want)
		}
	}
	begin := time.Unix(1760000000, 0)
	clock := testingclock.NewFakeClock(begin)
	sim := start(t, stripesim.Options{Clock: clock, Retry: stripesim.Backoff{Initial: time.Minute, Factor: 3, Max: 5 * time.Minute, MaxAttempts: 4}})
	sim.AddEndpoint(stripesim.EndpointParams{URL: "http://127.0.0.1:1/nobody", Events: completed})
	sim.Delivery(stripesim.Plan{Delay: time.Hour})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	at := begin
	for i, wait := range []time.Duration{time.Hour, time.Minute, 3 * time.Minute, 5 * time.Minute} {
		clock.Step(wait)
		attempted(t, sim, i+1)
		at = at.Add(wait)
		if got := sim.Attempts()[i]; !got.At.Equal(at) || got.Error == nil || got.Status != 0 {
			t.Errorf("got attempt %+v, want a failure at %v", got, at)
		}
	}
	delivered(t, sim)
	failed := newCaller(t, sim, stripesim.TestKey).get("/v1/events", "delivery_success=false")
	if got := ids(failed); len(got) != 1 || got[0] != sim.Attempts()[0].EventID {
		t.Errorf("got undelivered events %v", got)
	}
}

// TestDropAndRetry: the API lists a dropped event, and can send it.
func TestDropAndRetry(t *testing.T) {
	sim := start(t, stripesim.Options{})
	first, second := newShop(t, nil), newShop(t, nil)
	endpoint := sim.AddEndpoint(stripesim.EndpointParams{URL: first.URL, Events: completed})
	sim.AddEndpoint(stripesim.EndpointParams{URL: second.URL, Events: completed})
	sim.Delivery(stripesim.Plan{Drop: stripesim.DropTypes(completed...)})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	delivered(t, sim)
	c := newCaller(t, sim, stripesim.TestKey)
	missed := ids(c.get("/v1/events", "delivery_success=false&types[0]=checkout.session.completed"))
	if len(missed) != 1 {
		t.Fatalf("got undelivered events %v, want one", missed)
	}
	for _, step := range []struct {
		form                   string
		first, second, pending int // afterwards
	}{
		{"webhook_endpoint=" + endpoint.ID, 1, 0, 1},
		{"", 2, 1, 0},
	} {
		c.post("/v1/events/"+missed[0]+"/retry", step.form)
		delivered(t, sim)
		if one, other := len(first.received()), len(second.received()); one != step.first || other != step.second {
			t.Errorf("retry %q: got %d and %d copies, want %d and %d", step.form, one, other, step.first, step.second)
		}
		if got := c.get("/v1/events/"+missed[0], "")["pending_webhooks"]; got != float64(step.pending) {
			t.Errorf("retry %q: got pending_webhooks %v, want %d", step.form, got, step.pending)
		}
	}
}

// TestWorkers: no more attempts are in flight than there are workers.
func TestWorkers(t *testing.T) {
	sim := start(t, stripesim.Options{Workers: 2})
	var now, most atomic.Int32
	shop := newShop(t, func(received) int {
		n := now.Add(1)
		defer now.Add(-1)
		for {
			if seen := most.Load(); n <= seen || most.CompareAndSwap(seen, n) {
				return http.StatusOK
			}
		}
	})
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100})
	for range 10 {
		pay(t, sim, link)
	}
	delivered(t, sim)
	if most.Load() > 2 {
		t.Errorf("got %d webhooks at once, want at most 2", most.Load())
	}
}

// TestClose: Close does not wait for an endpoint that hangs, or for retries.
func TestClose(t *testing.T) {
	sim := start(t, stripesim.Options{Retry: stripesim.Backoff{Initial: time.Hour, Max: time.Hour}})
	release, inside := make(chan struct{}), make(chan struct{}, 16)
	shop := newShop(t, func(received) int { inside <- struct{}{}; <-release; return http.StatusOK })
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	<-inside
	waited := make(chan error)
	go func() { waited <- sim.WaitDelivered(context.WithoutCancel(t.Context())) }()
	if err := sim.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waited; !errors.Is(err, stripesim.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	close(release)
}
