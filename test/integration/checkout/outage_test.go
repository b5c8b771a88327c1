package checkout_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
)

// TestOrdersWithoutController: without the controller no order becomes Ready, and the answer is 503. A retry with the same
// Idempotency-Key gets the same order.
func TestOrdersWithoutController(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	before := b.mustCreate(call{header: idempotencyKey("idem-before-" + s.Namespace)})
	s.Must(paylink.Controller.Stop())
	back := func() {
		t.Helper()
		s.Must(paylink.Controller.Start(s.Ctx))
	}
	restarted := false
	t.Cleanup(func() {
		if !restarted {
			back()
		}
	})
	// All at once: each waits for its timeout.
	own := fmt.Sprintf(`"orderId":"own-%s"`, s.Namespace)
	calls := []call{
		b.order(call{header: idempotencyKey("idem-a-" + s.Namespace)}),
		b.order(call{header: idempotencyKey("idem-b-" + s.Namespace), body: s.orderBody("lifetime", own)}),
		b.order(call{}),
		s.buyCall(nil, ""),
	}
	ids := make([]string, len(calls))
	var callers sync.WaitGroup
	for i, c := range calls {
		callers.Go(func() {
			a, err := trySend(s.Ctx, c)
			if err != nil {
				t.Error(err)
				return
			}
			p := a.problem(t, 503)
			if ids[i] = p.OrderID; p.OrderID == "" || len(p.Errors) > 0 {
				t.Errorf("got %s for an order that is not ready, want its id alone", a.body)
			}
		})
	}
	// A ready order is answered at once.
	if again := b.mustCreate(call{header: idempotencyKey("idem-before-" + s.Namespace)}); again != before {
		t.Errorf("got %+v for a ready order, want %+v", again, before)
	}
	b.get(before.OrderID).order(t, 200)
	callers.Wait()
	check.Equal(t, 1+len(calls), len(s.Orders()), "orders")
	for _, id := range ids[:3] { // an order can be read before it is ready
		if o := b.get(id).order(t, 200); o.Status != "pending" || o.CheckoutURL != "" || o.OrderID != id {
			t.Errorf("got %+v for an order that is not ready, want it pending", o)
		}
	}

	back()
	restarted = true
	for i, c := range calls[:2] {
		a := s.send(c)
		if o := a.order(t, 201); o.OrderID != ids[i] || reference(t, o.CheckoutURL) != ids[i] || a.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("got %+v for the key of %s, want a replay", o, ids[i])
		}
	}
	check.Equal(t, 1+len(calls), len(s.Orders()), "orders")
	for _, id := range ids {
		s.Eventually("the order is ready: "+id, func(context.Context) (bool, error) { return s.orderOf(id).Status.CheckoutURL != "", nil })
		s.Pay(s.orderOf(id).Status.CheckoutURL)
		s.await(id, v1alpha1.OrderPaid)
	}
}

// TestOrdersWithoutAPIServer: an order that is requested while the API server is killed exists once, or not at all.
func TestOrdersWithoutAPIServer(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	known := b.mustCreate(call{})
	paid := s.Pay(known.CheckoutURL)
	s.AwaitDelivered()
	s.awaitOutcome(paylink.Webhook, paid.ID, "paid: paid, final, known order")

	const keys = 200
	key := func(i int) map[string]string { return idempotencyKey(fmt.Sprintf("idem-%s-%d", s.Namespace, i)) }
	created := s.interrupted(keys, func(i int) call { return b.order(call{header: key(i)}) }, paylink.Cluster.KillAPIServer)
	for name, c := range map[string]struct {
		call   call
		status int
	}{
		"order":       {b.order(call{header: key(0)}), 503},
		"read":        {call{path: ordersPath + "/" + known.OrderID, token: b.token}, 503},
		"press":       {s.buyCall(nil, ""), 503},
		"capture":     {captureCall(nil, paid.ID), 200},
		"no token":    {call{path: ordersPath, body: s.orderBody("lifetime")}, 401},
		"wrong field": {call{path: capturePath, body: "{}"}, 400},
		"button":      {call{path: buyPath(s.Namespace, "lifetime")}, 200},
	} {
		a := s.send(c.call)
		if a.status != c.status {
			t.Errorf("%s: got %d %s without the API server, want %d", name, a.status, a.body, c.status)
		}
		if c.status >= 400 {
			a.problem(t, c.status)
		}
	}
	s.Must(paylink.Cluster.StartAPIServer())

	// Every call is sent again, with the same key.
	ids := map[string]bool{}
	for i := range keys {
		s.Eventually(fmt.Sprintf("key %d is answered with its order", i), func(ctx context.Context) (bool, error) {
			a, err := trySend(ctx, b.order(call{header: key(i)}))
			if err != nil || a.status == 503 {
				return false, err
			}
			o := a.order(t, 201)
			if created[i] != "" && created[i] != o.OrderID {
				t.Errorf("got order %s for key %d, want %s as before", o.OrderID, i, created[i])
			}
			ids[o.OrderID] = true
			return reference(t, o.CheckoutURL) == o.OrderID, nil
		})
	}
	if n := len(s.Orders()); len(ids) != keys || n != 1+keys {
		t.Errorf("got %d orders for %d keys, and %d in all, want one for each key and one more", len(ids), keys, n)
	}
	for _, o := range s.Orders() {
		if !strings.HasPrefix(o.Status.CheckoutURL, s.Link.URL) {
			t.Errorf("got order %s without a checkout URL: %+v", o.Name, o.Status)
		}
	}
}

// interrupted sends n calls, 16 in parallel, and calls do after half of them. It returns the ids of the orders in the
// answers.
func (s *fixture) interrupted(n int, of func(i int) call, do func() error) (created []string) {
	s.T.Helper()
	created = make([]string, n)
	next := make(chan int)
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for i := range next {
				a, err := trySend(s.Ctx, of(i))
				switch {
				case err != nil:
					s.T.Error(err)
				case a.status == 201:
					created[i] = a.order(s.T, 201).OrderID
				default: // the order may exist all the same
					created[i] = a.problem(s.T, 503).OrderID
				}
			}
		})
	}
	for i := range n {
		if i == n/2 {
			check.NoError(s.T, do())
		}
		next <- i
	}
	close(next)
	callers.Wait()
	return created
}
