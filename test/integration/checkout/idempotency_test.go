package checkout_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stack"
)

// with is a call's header of an Idempotency-Key.
func with(key string) map[string]string { return map[string]string{"Idempotency-Key": key} }

// repeated makes a call many times at once over several servers, and returns the answers.
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
			if answers[i], err = send(b.Ctx, c); err != nil {
				b.T.Error(err)
			}
		})
	}
	close(start)
	callers.Wait()
	return answers
}

func TestOneKeyIsOneOrder(t *testing.T) {
	s := openShop(t)
	second := s.another("second", stack.WebhookServer{})
	b := s.hire("backend", "create", "get")
	for i, body := range []string{s.wants("lifetime"), s.wants("lifetime", fmt.Sprintf(`"orderId":"%s"`, s.Namespace), `"customerId":"customer-7"`)} {
		t.Run(fmt.Sprintf("body %d", i), func(t *testing.T) {
			before := len(s.Orders())
			replayed := 0
			var first answer
			for i, a := range b.repeated(20, call{body: body, header: with(fmt.Sprintf("idem-%s-%d", s.Namespace, i))}, paylink.Webhook, second) {
				a.order(t, 201)
				if i == 0 {
					first = a
				}
				if a.body != first.body || a.header.Get("Location") != first.header.Get("Location") {
					t.Errorf("one key is answered\n%s and\n%s", first.body, a.body)
				}
				if a.header.Get("Idempotent-Replayed") == "true" {
					replayed++
				}
			}
			if now := len(s.Orders()); now != before+1 || replayed != 19 {
				t.Errorf("20 requests of one key made %d orders, and %d were replays", now-before, replayed)
			}
		})
	}
}

// An order that is asked for twenty times is written as often as any other, but for creations that are refused.
func TestAKeysOrderIsWrittenTwice(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create")
	var o order
	for _, a := range b.repeated(20, call{header: with("idem-" + s.Namespace)}, paylink.Webhook) {
		o = a.order(t, 201)
	}
	done, refused := s.writesTo(o.Name)
	if len(done) != 2 {
		t.Errorf("the order and its checkout URL are two writes, not %+v", done)
	}
	for _, e := range refused {
		if e.Verb != "create" || e.Code != 409 {
			t.Errorf("refused: %+v", e)
		}
	}
}

func TestAKeyIsForOneBody(t *testing.T) {
	s := openShop(t)
	second := s.another("second-body", stack.WebhookServer{})
	s.offer(s.paymentLink("yearly"))
	other := openShop(t)
	b := s.hire("backend", "create")
	b.allow(other.Namespace, rights("create"))
	id := func(n string) string { return fmt.Sprintf(`"orderId":"%s-%s"`, s.Namespace, n) }
	key := with("idem-" + s.Namespace)
	body := s.wants("lifetime", id("1"), `"customerId":"customer-7"`)
	o := b.buys(call{body: body, header: key})
	b.awaitReplay(second, call{body: body, header: key})

	before := s.balance()
	for what, body := range map[string]string{
		"another link":        s.wants("yearly", id("1"), `"customerId":"customer-7"`),
		"another namespace":   other.wants("lifetime", id("1"), `"customerId":"customer-7"`),
		"another id":          s.wants("lifetime", id("2"), `"customerId":"customer-7"`),
		"no id":               s.wants("lifetime", `"customerId":"customer-7"`),
		"another customer":    s.wants("lifetime", id("1"), `"customerId":"customer-8"`),
		"no customer":         s.wants("lifetime", id("1")),
		"a link that is none": s.wants("none", id("1"), `"customerId":"customer-7"`),
		"nothing in common":   other.wants("lifetime"),
	} {
		t.Run(what, func(t *testing.T) {
			for _, server := range []*stack.Server{paylink.Webhook, second} {
				if p := b.asks(call{to: server, body: body, header: key}).problem(t, 409); p.fields() != "Idempotency-Key" || p.OrderID != "" {
					t.Errorf("the refusal is %+v", p)
				}
			}
		})
	}
	s.unchanged(before)
	// The same in other words.
	body = fmt.Sprintf("{\n \"customerId\": \"customer\\u002d7\", \"namespace\":%q, %s, \"paymentLink\":\"lifetime\" }", s.Namespace, id("1"))
	if again := b.buys(call{body: body, header: key}); again != o {
		t.Errorf("the same body in other words is answered %+v, not %+v", again, o)
	}
	s.unchanged(before)
}

// awaitReplay waits until a server knows of an order that another has created with a key.
func (b *backend) awaitReplay(server *stack.Server, c call) {
	b.T.Helper()
	c = b.order(c)
	c.to = server
	b.Eventually("the server knows of the order", func(ctx context.Context) (bool, error) {
		a, err := send(ctx, c)
		return err == nil && a.status == 201, err
	})
}

func TestAnotherCallersKeyIsAnother(t *testing.T) {
	s := openShop(t)
	key := with("idem-shared")
	one, two := s.hire("one", "create"), s.hire("two", "create")
	a, b := one.buys(call{header: key}), two.buys(call{header: key})
	if a.OrderID == b.OrderID {
		t.Error("two callers with one key share an order")
	}
	for caller, o := range map[*backend]order{one: a, two: b} {
		again := caller.asks(call{header: key})
		if again.order(t, 201).OrderID != o.OrderID || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("a caller's key is answered with another order: %s", again.body)
		}
	}
	if renewed := one.buys(call{token: one.newToken(), header: key}); renewed.OrderID != a.OrderID {
		t.Error("a caller with a new token is another caller")
	}
	if n := len(s.Orders()); n != 2 {
		t.Errorf("there are %d orders, want 2", n)
	}
}

// A key stands for its order through all of its life, and over restarts of the server.
func TestAKeyFollowsItsOrder(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create", "get")
	key := with("idem-" + s.Namespace)
	server := s.another("restarted", stack.WebhookServer{})
	o := b.buys(call{to: server, header: key})
	replay := func(want string) order {
		t.Helper()
		var now order
		s.Eventually("the replay is "+want, func(ctx context.Context) (bool, error) {
			a, err := send(ctx, b.order(call{to: server, header: key}))
			if err != nil {
				return false, err
			}
			now = a.order(t, 201)
			return now.Status == want && a.header.Get("Idempotent-Replayed") == "true", nil
		})
		if now.OrderID != o.OrderID || now.Amount != o.Amount {
			t.Errorf("the replay is %+v of %+v", now, o)
		}
		return now
	}
	s.Pay(o.CheckoutURL)
	if now := replay("paid"); now.PaidAt == nil || now.CheckoutURL != o.CheckoutURL {
		t.Errorf("a paid order is replayed as %+v", now)
	}
	if err := stop(server); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(s.Ctx); err != nil {
		t.Fatal(err)
	}
	replay("paid")
	paid := s.await(o.OrderID, v1alpha1.OrderPaid)
	if _, err := paylink.Stripe.Refund(paid.Status.ProviderCaptureID, 0); err != nil {
		t.Fatal(err)
	}
	if now := replay("refunded"); now.AmountRefunded != seller.Price {
		t.Errorf("a refunded order is replayed as %+v", now)
	}
	if n := len(s.Orders()); n != 1 {
		t.Errorf("there are %d orders, want 1", n)
	}

	// The key is free again once the order is gone.
	if err := paylink.Client.Delete(s.Ctx, paid); err != nil {
		t.Fatal(err)
	}
	s.Eventually("the key makes another order", func(ctx context.Context) (bool, error) {
		a, err := send(ctx, b.order(call{to: server, header: key}))
		return err == nil && a.status == 201 && !strings.Contains(a.body, o.OrderID), err
	})
}
