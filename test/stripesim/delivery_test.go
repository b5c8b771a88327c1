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

	"github.com/google/go-cmp/cmp"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// attempted waits for the n-th attempt.
func attempted(t *testing.T, sim *stripesim.Simulator, n int) {
	t.Helper()
	if err := sim.WaitAttempts(t.Context(), n); err != nil {
		t.Fatal(err)
	}
}

// completed is an endpoint for the one event that a payment surely makes.
var completed = []string{"checkout.session.completed"}

func numbers(attempts []stripesim.Attempt) (all []int) {
	for _, made := range attempts {
		all = append(all, made.Number)
	}
	return all
}

func TestRetriesUntilAccepted(t *testing.T) {
	for name, failure := range map[string]int{"redirect": 302, "refusal": 404, "overload": 503, "bad gateway": 502} {
		t.Run(name, func(t *testing.T) {
			sim := start(t, stripesim.Options{})
			var calls atomic.Int32
			shop := newShop(t, func(received) int {
				if calls.Add(1) <= 3 {
					return failure
				}
				return http.StatusNoContent
			})
			sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
			pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
			delivered(t, sim)
			attempts := sim.Attempts()
			if got := numbers(attempts); !slices.Equal(got, []int{1, 2, 3, 4}) {
				t.Fatalf("attempts %v", got)
			}
			if attempts[2].Status != failure || attempts[2].Delivered() || !attempts[3].Delivered() {
				t.Errorf("the attempts are %+v", attempts)
			}
			if n := len(shop.received()); n != 4 {
				t.Errorf("%d requests for 4 attempts: a redirect was followed", n)
			}
		})
	}
}

func TestGivesUp(t *testing.T) {
	sim := start(t, stripesim.Options{Retry: stripesim.Backoff{Initial: time.Microsecond, Max: time.Microsecond, MaxAttempts: 3}})
	endpoint := sim.AddEndpoint(stripesim.EndpointParams{URL: "http://127.0.0.1:1/nobody", Events: completed})
	session := pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	delivered(t, sim)
	attempts := sim.Attempts()
	if got := numbers(attempts); !slices.Equal(got, []int{1, 2, 3}) {
		t.Fatalf("attempts %v", got)
	}
	if last := attempts[2]; last.Status != 0 || last.Error == nil || last.Endpoint != endpoint.ID || last.ObjectID != session.ID {
		t.Errorf("the last attempt is %+v", last)
	}
	c := newCaller(t, sim, stripesim.TestKey)
	if failed := ids(c.get("/v1/events", "delivery_success=false")); len(failed) != 1 || failed[0] != attempts[0].EventID {
		t.Errorf("undelivered events: %v", failed)
	}
}

func TestBackoffGrowsToItsMaximum(t *testing.T) {
	backoff := stripesim.Backoff{Initial: time.Second, Factor: 3, Max: 20 * time.Second}
	for i, want := range []time.Duration{time.Second, 3 * time.Second, 9 * time.Second, 20 * time.Second, 20 * time.Second} {
		if wait := stripesim.Wait(backoff, i+1); wait != want {
			t.Errorf("after %d failures it waits %v, not %v", i+1, wait, want)
		}
	}
}

func TestBackoffByTheClock(t *testing.T) {
	fake := testingclock.NewFakeClock(time.Unix(1760000000, 0))
	sim := start(t, stripesim.Options{Clock: fake, Retry: stripesim.Backoff{Initial: time.Minute, Factor: 3, Max: 5 * time.Minute, MaxAttempts: 5}})
	shop := newShop(t, func(received) int { return 500 })
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	waits := []time.Duration{time.Minute, 3 * time.Minute, 5 * time.Minute, 5 * time.Minute}
	for i, wait := range waits {
		attempted(t, sim, i+1)
		fake.Step(wait)
	}
	delivered(t, sim)
	attempts := sim.Attempts()
	for i, wait := range waits {
		if gap := attempts[i+1].At.Sub(attempts[i].At); gap != wait {
			t.Errorf("attempt %d came after %v, not %v", i+2, gap, wait)
		}
	}
	if len(attempts) != 5 {
		t.Errorf("%d attempts", len(attempts))
	}
}

func TestDuplicates(t *testing.T) {
	for name, plan := range map[string]stripesim.Plan{
		"one after another": {Copies: 5},
		"at once":           {Copies: 5, Concurrent: true},
	} {
		t.Run(name, func(t *testing.T) {
			sim := start(t, stripesim.Options{Workers: 1})
			var inside atomic.Int32
			all := make(chan struct{})
			shop := newShop(t, func(received) int {
				if plan.Concurrent {
					if inside.Add(1) == 5 {
						close(all)
					}
					<-all // all five must be here together, or none leaves
				}
				return http.StatusOK
			})
			sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
			sim.Delivery(plan)
			pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
			delivered(t, sim)
			got := shop.received()
			if len(got) != 5 {
				t.Fatalf("%d copies", len(got))
			}
			for _, copied := range got {
				if copied.id != got[0].id {
					t.Errorf("a copy has id %s, not %s", copied.id, got[0].id)
				}
			}
		})
	}
}

func TestTwinEvents(t *testing.T) {
	sim := start(t, stripesim.Options{})
	shop := newShop(t, nil)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
	sim.Delivery(stripesim.Plan{TwinEvents: true})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	delivered(t, sim)
	got := shop.received()
	if len(got) != 2 || got[0].id == got[1].id || got[0].object != got[1].object {
		t.Fatalf("twins of one thing: %+v", got)
	}
	if diff := cmp.Diff(got[0].event["data"], got[1].event["data"]); diff != "" {
		t.Errorf("they differ in more than their id:\n%s", diff)
	}
}

func types(got []received) (all []string) {
	for _, one := range got {
		all = append(all, one.eventType)
	}
	return all
}

func TestInSequence(t *testing.T) {
	sim := start(t, stripesim.Options{})
	shop := newShop(t, nil)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL})
	sim.Delivery(stripesim.Plan{InSequence: true})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	delivered(t, sim)
	want := strings.Fields(`product.created price.created payment_link.created payment_intent.created
		charge.succeeded payment_intent.succeeded checkout.session.completed`)
	if diff := cmp.Diff(want, types(shop.received())); diff != "" {
		t.Errorf("events arrived in another order:\n%s", diff)
	}
}

func TestShuffle(t *testing.T) {
	arrival := func(seed uint64) []string {
		sim := start(t, stripesim.Options{})
		shop := newShop(t, nil)
		sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL})
		sim.Delivery(stripesim.Plan{Hold: true})
		pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
		if n := len(shop.received()); n != 0 {
			t.Errorf("%d events arrived while they were held", n)
		}
		sim.Delivery(stripesim.Plan{InSequence: true, Shuffle: true, Seed: seed})
		delivered(t, sim)
		return types(shop.received())
	}
	one, again, other := arrival(1), arrival(1), arrival(2)
	if !slices.Equal(one, again) {
		t.Errorf("one seed, two orders: %v, %v", one, again)
	}
	if slices.Equal(one, other) {
		t.Errorf("two seeds, one order: %v", one)
	}
	if slices.Sort(one); len(one) != 7 || len(slices.Compact(one)) != 7 {
		t.Errorf("not each event once: %v", one)
	}
}

// TestShuffleWithoutHold: each event still arrives, once.
func TestShuffleWithoutHold(t *testing.T) {
	sim := start(t, stripesim.Options{})
	shop := newShop(t, nil)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL})
	sim.Delivery(stripesim.Plan{Shuffle: true, Seed: 3, Delay: 5 * time.Millisecond})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	delivered(t, sim)
	if n := len(shop.received()); n != 7 {
		t.Errorf("%d of 7 events", n)
	}
}

func TestDelay(t *testing.T) {
	fake := testingclock.NewFakeClock(time.Unix(1760000000, 0))
	sim := start(t, stripesim.Options{Clock: fake})
	shop := newShop(t, nil)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
	sim.Delivery(stripesim.Plan{Delay: time.Hour})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	fake.Step(time.Hour)
	delivered(t, sim)
	if at := sim.Attempts()[0].At; at.Before(time.Unix(1760000000, 0).Add(time.Hour)) {
		t.Errorf("it was sent at %v", at)
	}
}

func TestLoss(t *testing.T) {
	sim := start(t, stripesim.Options{})
	shop := newShop(t, nil)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
	sim.Delivery(stripesim.Plan{Loss: stripesim.LoseFirst(2)})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	delivered(t, sim)
	attempts := sim.Attempts()
	if len(attempts) != 3 || !errors.Is(attempts[1].Error, stripesim.ErrLost) || !attempts[2].Delivered() {
		t.Errorf("the attempts are %+v", attempts)
	}
	if n := len(shop.received()); n != 1 {
		t.Errorf("%d requests reached the endpoint", n)
	}
}

// TestDropAndRetry: what was never sent can be found and sent by the API.
func TestDropAndRetry(t *testing.T) {
	sim := start(t, stripesim.Options{})
	shop, second := newShop(t, nil), newShop(t, nil)
	endpoint := sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
	sim.AddEndpoint(stripesim.EndpointParams{URL: second.URL, Events: completed})
	sim.Delivery(stripesim.Plan{Drop: stripesim.DropTypes(completed...)})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	delivered(t, sim)
	if n := len(shop.received()) + len(second.received()); n != 0 {
		t.Fatalf("%d dropped events arrived", n)
	}
	c := newCaller(t, sim, stripesim.TestKey)
	missed := ids(c.get("/v1/events", "delivery_success=false&types[0]=checkout.session.completed"))
	if len(missed) != 1 {
		t.Fatalf("missed: %v", missed)
	}
	if shown := c.post("/v1/events/"+missed[0]+"/retry", "webhook_endpoint="+endpoint.ID); shown["pending_webhooks"] != 2.0 {
		t.Errorf("pending_webhooks is %v while both wait", shown["pending_webhooks"])
	}
	delivered(t, sim)
	if shown := c.get("/v1/events/"+missed[0], ""); shown["pending_webhooks"] != 1.0 {
		t.Errorf("pending_webhooks is %v after one endpoint accepted", shown["pending_webhooks"])
	}
	c.post("/v1/events/"+missed[0]+"/retry", "")
	delivered(t, sim)
	if one, other := len(shop.received()), len(second.received()); one != 2 || other != 1 {
		t.Errorf("the endpoints got %d and %d copies", one, other)
	}
	if left := ids(c.get("/v1/events", "delivery_success=false&type=checkout.session.completed")); len(left) != 0 {
		t.Errorf("still undelivered: %v", left)
	}
}

func TestBoundedWorkers(t *testing.T) {
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
		t.Errorf("%d webhooks at once by 2 workers", most.Load())
	}
}

// TestCloseForgets: a simulator ends at once, whatever is still under way.
func TestCloseForgets(t *testing.T) {
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
		t.Errorf("the wait ended with %v", err)
	}
	close(release)
}
