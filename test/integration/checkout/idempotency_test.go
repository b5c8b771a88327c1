package checkout_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/testclient"
)

// idempotencyKey is a call's header.
func idempotencyKey(key string) map[string]string { return map[string]string{"Idempotency-Key": key} }

// repeated sends a call many times at once to several servers, and returns the answers.
func (b *backend) repeated(times int, c call, servers ...*stack.Server) []answer {
	b.T.Helper()
	answers := make([]answer, times)
	start := make(chan struct{})
	var callers sync.WaitGroup
	for i := range answers {
		callers.Go(func() {
			c := b.order(c)
			c.to = servers[i%len(servers)]
			<-start
			var err error
			if answers[i], err = trySend(b.Ctx, c); err != nil {
				b.T.Error(err)
			}
		})
	}
	close(start)
	callers.Wait()
	return answers
}

func TestOneKeyIsOneOrder(t *testing.T) {
	s := newFixture(t)
	second := s.addServer("second", stack.WebhookServer{})
	b := s.newBackend("backend", "create", "get")
	for i, body := range []string{s.orderBody("lifetime"), s.orderBody("lifetime", fmt.Sprintf(`"orderId":"%s"`, s.Namespace), `"customerId":"customer-7"`)} {
		t.Run(fmt.Sprintf("body %d", i), func(t *testing.T) {
			before := len(s.Orders())
			replayed := 0
			var first answer
			for i, a := range b.repeated(20, call{body: body, header: idempotencyKey(fmt.Sprintf("idem-%s-%d", s.Namespace, i))}, paylink.Webhook, second) {
				a.order(t, 201)
				if i == 0 {
					first = a
				}
				if a.body != first.body || a.header.Get("Location") != first.header.Get("Location") {
					t.Errorf("got for one key\n%s and\n%s", first.body, a.body)
				}
				if a.header.Get("Idempotent-Replayed") == "true" {
					replayed++
				}
			}
			if now := len(s.Orders()); now != before+1 || replayed != 19 {
				t.Errorf("got %d orders and %d replays for 20 requests of one key, want 1 and 19", now-before, replayed)
			}
		})
	}
}

// TestWritesOfRepeatedRequests: an order that is requested 20 times costs two writes, and refused creations.
func TestWritesOfRepeatedRequests(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create")
	var o order
	for _, a := range b.repeated(20, call{header: idempotencyKey("idem-" + s.Namespace)}, paylink.Webhook) {
		o = a.order(t, 201)
	}
	done, refused := s.WritesTo(o.Name)
	if len(done) != 2 {
		t.Errorf("got the writes %+v, want the order and its checkout URL", done)
	}
	for _, e := range refused {
		if e.Verb != "create" || e.Code != 409 {
			t.Errorf("got the refused request %+v, want creations alone", e)
		}
	}
}

func TestAKeyIsForOneBody(t *testing.T) {
	s := newFixture(t)
	second := s.addServer("second-body", stack.WebhookServer{})
	other := newFixture(t)
	b := s.newBackend("backend", "create")
	b.allow(other.Namespace, rights("create"))
	id := func(n string) string { return fmt.Sprintf(`"orderId":"%s-%s"`, s.Namespace, n) }
	key := idempotencyKey("idem-" + s.Namespace)
	body := s.orderBody("lifetime", id("1"), `"customerId":"customer-7"`)
	o := b.mustCreate(call{body: body, header: key})
	b.awaitKnown(second, call{body: body, header: key})

	before := s.recordDelivered()
	for what, body := range map[string]string{
		"another customer":  s.orderBody("lifetime", id("1"), `"customerId":"customer-8"`),
		"no customer":       s.orderBody("lifetime", id("1")),
		"nothing in common": other.orderBody("lifetime"),
	} {
		t.Run(what, func(t *testing.T) {
			for _, server := range []*stack.Server{paylink.Webhook, second} {
				if p := b.create(call{to: server, body: body, header: key}).problem(t, 409); p.fields() != "Idempotency-Key" || p.OrderID != "" {
					t.Errorf("got %+v, want the field Idempotency-Key alone", p)
				}
			}
		})
	}
	s.expectUnchanged(before)
	// The same body in another notation.
	body = fmt.Sprintf("{\n \"customerId\": \"customer\\u002d7\", \"namespace\":%q, %s, \"paymentLink\":\"lifetime\" }", s.Namespace, id("1"))
	if again := b.mustCreate(call{body: body, header: key}); again != o {
		t.Errorf("got %+v for the same body in another notation, want %+v", again, o)
	}
	s.expectUnchanged(before)
}

// awaitKnown waits until a server knows an order that another has created with a key.
func (b *backend) awaitKnown(server *stack.Server, c call) {
	b.T.Helper()
	c = b.order(c)
	c.to = server
	b.Eventually("the server knows the order", func(ctx context.Context) (bool, error) {
		a, err := trySend(ctx, c)
		return err == nil && a.status == 201, err
	})
}

func TestKeysOfOtherCallers(t *testing.T) {
	s := newFixture(t)
	key := idempotencyKey("idem-shared")
	one, two := s.newBackend("one", "create"), s.newBackend("two", "create")
	a, b := one.mustCreate(call{header: key}), two.mustCreate(call{header: key})
	if a.OrderID == b.OrderID {
		t.Error("got one order for one key of two callers, want two")
	}
	for caller, o := range map[*backend]order{one: a, two: b} {
		again := caller.create(call{header: key})
		if again.order(t, 201).OrderID != o.OrderID || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("got %s, want a replay of %s", again.body, o.OrderID)
		}
	}
	if renewed := one.mustCreate(call{token: one.newToken(), header: key}); renewed.OrderID != a.OrderID {
		t.Error("got another order for a new token of the same caller")
	}
	check.Equal(t, 2, len(s.Orders()), "orders")
}

// TestReplayFollowsOrder: a key stands for its order until the order is deleted, also after a restart of the server.
func TestReplayFollowsOrder(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	key := idempotencyKey("idem-" + s.Namespace)
	server := s.addServer("restarted", stack.WebhookServer{})
	o := b.mustCreate(call{to: server, header: key})
	replay := func(want string) order {
		t.Helper()
		var now order
		s.Eventually("the replay is "+want, func(ctx context.Context) (bool, error) {
			a, err := trySend(ctx, b.order(call{to: server, header: key}))
			if err != nil {
				return false, err
			}
			now = a.order(t, 201)
			return now.Status == want && a.header.Get("Idempotent-Replayed") == "true", nil
		})
		if now.OrderID != o.OrderID || now.Amount != o.Amount {
			t.Errorf("got the replay %+v of %+v", now, o)
		}
		return now
	}
	s.Pay(o.CheckoutURL)
	if now := replay("paid"); now.PaidAt == nil || now.CheckoutURL != o.CheckoutURL {
		t.Errorf("got %+v for a paid order, want its time and checkout URL", now)
	}
	s.Must(stop(server))
	s.Must(server.Start(s.Ctx))
	replay("paid")
	paid := s.await(o.OrderID, v1alpha1.OrderPaid)
	_, err := paylink.Stripe.Refund(paid.Status.ProviderCaptureID, 0)
	s.Must(err)
	if now := replay("refunded"); now.AmountRefunded != testclient.Price {
		t.Errorf("got %+v for a refunded order, want the amount refunded", now)
	}
	check.Equal(t, 1, len(s.Orders()), "orders")

	// The key is free once the order is deleted.
	s.Delete(paid)
	s.Eventually("the key makes another order", func(ctx context.Context) (bool, error) {
		a, err := trySend(ctx, b.order(call{to: server, header: key}))
		return err == nil && a.status == 201 && !strings.Contains(a.body, o.OrderID), err
	})
}
