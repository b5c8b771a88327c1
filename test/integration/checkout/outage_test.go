package checkout_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// Without the controller no order can be paid, and whoever asks is told so. With a key nothing is lost by asking again.
func TestOrdersWithoutTheController(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create", "get")
	before := b.buys(call{header: with("idem-before-" + s.Namespace)})
	if err := paylink.Controller.Stop(); err != nil {
		t.Fatal(err)
	}
	back := func() {
		t.Helper()
		if err := paylink.Controller.Start(s.Ctx); err != nil {
			t.Fatal(err)
		}
	}
	restarted := false
	t.Cleanup(func() {
		if !restarted {
			back()
		}
	})
	// All at once: each waits as long as it may.
	own := fmt.Sprintf(`"orderId":"own-%s"`, s.Namespace)
	calls := []call{
		b.order(call{header: with("idem-a-" + s.Namespace)}),
		b.order(call{header: with("idem-b-" + s.Namespace), body: s.wants("lifetime", own)}),
		b.order(call{}),
		s.press(nil, ""),
	}
	ids := make([]string, len(calls))
	var callers sync.WaitGroup
	for i, c := range calls {
		callers.Go(func() {
			a, err := send(s.Ctx, c)
			if err != nil {
				t.Error(err)
				return
			}
			p := a.problem(t, 503)
			if ids[i] = p.OrderID; p.OrderID == "" || len(p.Errors) > 0 {
				t.Errorf("an order that cannot be paid yet is answered %s", a.body)
			}
		})
	}
	// What is known already is answered at once.
	if again := b.buys(call{header: with("idem-before-" + s.Namespace)}); again != before {
		t.Errorf("an order of before is answered %+v, not %+v", again, before)
	}
	b.reads(before.OrderID).order(t, 200)
	callers.Wait()
	if n := len(s.Orders()); n != 1+len(calls) {
		t.Errorf("there are %d orders, want %d", n, 1+len(calls))
	}
	for _, id := range ids[:3] { // while it waits, an order can be read
		if o := b.reads(id).order(t, 200); o.Status != "pending" || o.CheckoutURL != "" || o.OrderID != id {
			t.Errorf("an order that cannot be paid yet is %+v", o)
		}
	}

	back()
	restarted = true
	for i, c := range calls[:2] {
		a := s.ask(c)
		if o := a.order(t, 201); o.OrderID != ids[i] || reference(t, o.CheckoutURL) != ids[i] || a.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("the key of %s is answered %+v", ids[i], o)
		}
	}
	if n := len(s.Orders()); n != 1+len(calls) {
		t.Errorf("there are %d orders, want %d", n, 1+len(calls))
	}
	for _, id := range ids {
		s.Eventually("the order can be paid: "+id, func(context.Context) (bool, error) { return s.orderOf(id).Status.CheckoutURL != "", nil })
		s.Pay(s.orderOf(id).Status.CheckoutURL)
		s.await(id, v1alpha1.OrderPaid)
	}
}

// Orders that are under way when the API server dies are there once, or not at all.
func TestOrdersWhileTheAPIServerIsAway(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create", "get")
	known := b.buys(call{})
	paid := s.Pay(known.CheckoutURL)
	s.Settled()
	s.told(paylink.Webhook, paid.ID, "paid: paid, final, known order")

	const keys = 200
	key := func(i int) map[string]string { return with(fmt.Sprintf("idem-%s-%d", s.Namespace, i)) }
	promised := s.interrupted(keys, func(i int) call { return b.order(call{header: key(i)}) }, paylink.Cluster.KillAPIServer)
	for name, c := range map[string]struct {
		call   call
		status int
	}{
		"order":       {b.order(call{header: key(0)}), 503},
		"read":        {call{path: ordersPath + "/" + known.OrderID, token: b.token}, 503},
		"press":       {s.press(nil, ""), 503},
		"capture":     {look(nil, paid.ID), 200},
		"nobody":      {call{path: ordersPath, body: s.wants("lifetime")}, 401},
		"wrong field": {call{path: capturePath, body: "{}"}, 400},
		"button":      {call{path: buyPath(s.Namespace, "lifetime")}, 200},
	} {
		a := s.ask(c.call)
		if a.status != c.status {
			t.Errorf("without the API server %s is answered %d %s, want %d", name, a.status, a.body, c.status)
		}
		if c.status >= 400 {
			a.problem(t, c.status)
		}
	}
	if err := paylink.Cluster.StartAPIServer(); err != nil {
		t.Fatal(err)
	}

	// Whoever was not answered asks again, with the same key.
	ids := map[string]bool{}
	for i := range keys {
		s.Eventually(fmt.Sprintf("key %d is answered with its order", i), func(ctx context.Context) (bool, error) {
			a, err := send(ctx, b.order(call{header: key(i)}))
			if err != nil || a.status == 503 {
				return false, err
			}
			o := a.order(t, 201)
			if promised[i] != "" && promised[i] != o.OrderID {
				t.Errorf("key %d was promised order %s, and is order %s", i, promised[i], o.OrderID)
			}
			ids[o.OrderID] = true
			return reference(t, o.CheckoutURL) == o.OrderID, nil
		})
	}
	if n := len(s.Orders()); len(ids) != keys || n != 1+keys {
		t.Errorf("%d keys are %d orders; there are %d, want one more, that of before", keys, len(ids), n)
	}
	for _, o := range s.Orders() {
		if !strings.HasPrefix(o.Status.CheckoutURL, s.Link.URL) {
			t.Errorf("order %s was left half made: %+v", o.Name, o.Status)
		}
	}
}

// interrupted makes n calls, 16 at a time, and does something once half of them are answered. It returns the orders that
// were promised.
func (s *shop) interrupted(n int, of func(i int) call, do func() error) (promised []string) {
	s.T.Helper()
	promised = make([]string, n)
	next := make(chan int)
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for i := range next {
				a, err := send(s.Ctx, of(i))
				switch {
				case err != nil:
					s.T.Error(err)
				case a.status == 201:
					promised[i] = a.order(s.T, 201).OrderID
				default: // which may name the order that was made all the same
					promised[i] = a.problem(s.T, 503).OrderID
				}
			}
		})
	}
	for i := range n {
		if i == n/2 {
			if err := do(); err != nil {
				s.T.Error(err)
			}
		}
		next <- i
	}
	close(next)
	callers.Wait()
	return promised
}
