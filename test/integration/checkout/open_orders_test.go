package checkout_test

import (
	"context"
	"net/http"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stack"
)

// open are the public orders that are not paid.
func (s *fixture) open() []v1alpha1.Order {
	s.T.Helper()
	var open []v1alpha1.Order
	for _, o := range s.Orders() {
		if o.Labels[v1alpha1.LabelCheckout] == v1alpha1.CheckoutPublic && o.Status.Phase == v1alpha1.OrderPending {
			open = append(open, o)
		}
	}
	return open
}

// fillOpenOrders buys until there are so many open orders, and the server refuses another.
func (s *fixture) fillOpenOrders(server *stack.Server, most int) {
	s.T.Helper()
	s.Eventually("the open orders reach their limit", func(context.Context) (bool, error) {
		a := s.buy(server)
		if n := len(s.open()); n > most {
			s.T.Fatalf("got %d open orders, want at most %d", n, most)
		}
		return a.status == http.StatusServiceUnavailable && len(s.open()) == most, nil
	})
	if a := s.buy(server); a.problem(s.T, http.StatusServiceUnavailable).OrderID != "" || a.header.Get("Retry-After") != "60" {
		s.T.Errorf("got %d %s %v over the limit, want 503 for 60 s", a.status, a.body, a.header)
	}
}

// awaitRoom waits until the server creates another order.
func (s *fixture) awaitRoom(server *stack.Server, why string) {
	s.T.Helper()
	s.Eventually("there is room for an order: one "+why, func(context.Context) (bool, error) {
		return s.buy(server).status == http.StatusSeeOther, nil
	})
}

func TestLimitOfOpenOrders(t *testing.T) {
	s := newFixture(t)
	s.createLink(s.paymentLink("yearly"))
	b := s.newBackend("backend", "create")
	flags := []string{"--public-orders-open=3", "--public-orders-per-link=100000"}
	server := s.addServer("open", stack.WebhookServer{Flags: flags})
	second := s.addServer("open-too", stack.WebhookServer{Flags: flags})

	statuses, _ := s.sendMany(100, 100, func(int) call { return s.buyCall(server, "") })
	if n := len(s.open()); n > 3 || n != statuses[303] || statuses[303]+statuses[503] != 100 {
		t.Errorf("got %d orders of a hundred buyers at once, and the statuses %v, want at most 3", n, statuses)
	}
	s.fillOpenOrders(server, 3)
	s.fillOpenOrders(second, 3)
	b.mustCreate(call{to: server}) // orders of the API do not count
	if a := s.send(call{to: server, method: http.MethodPost, path: buyPath(s.Namespace, "yearly")}); a.status != http.StatusSeeOther {
		t.Errorf("got %d %s for another link, want 303", a.status, a.body)
	}

	yearly := func(o v1alpha1.Order) bool { return o.Spec.PaymentLinkRef.Name == "yearly" }
	first := func() *v1alpha1.Order {
		for _, o := range s.open() {
			if !yearly(o) {
				return &o
			}
		}
		t.Fatal("got no open order, want one")
		return nil
	}
	s.Pay(first().Status.CheckoutURL)
	s.awaitRoom(server, "was paid")
	s.fillOpenOrders(server, 4) // one of which is of the other link
	s.Delete(first())
	s.awaitRoom(second, "was deleted")
	s.fillOpenOrders(second, 4)
	if s.metric(second, `paylink_checkout_limited_total{limit="buy_open"}`) == "" {
		t.Error("got no limited request counted")
	}
}

func TestExpiryOfOpenOrders(t *testing.T) {
	s := newFixture(t)
	server := s.addServer("expiry", stack.WebhookServer{Flags: []string{"--public-orders-open=2", "--public-order-expiry=3s"}})
	var ids []string
	for range 2 {
		a := s.buy(server)
		if a.status != http.StatusSeeOther {
			t.Fatalf("%d %s", a.status, a.body)
		}
		ids = append(ids, reference(t, a.header.Get("Location")))
	}
	s.awaitRoom(server, "has expired")
	for _, id := range ids {
		o := s.await(id, v1alpha1.OrderFailed)
		c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionPaid)
		if c == nil || c.Reason != v1alpha1.ReasonExpired || o.Status.ExpiredAt == nil {
			t.Errorf("got %+v, want an expired order", o.Status)
		}
		s.Eventually("its checkout URL is removed", func(context.Context) (bool, error) {
			return s.orderOf(id).Status.CheckoutURL == "", nil
		})
	}
}
