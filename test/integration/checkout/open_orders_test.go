package checkout_test

import (
	"context"
	"net/http"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stack"
)

// open are the shop's orders that buyers have made and not paid.
func (s *shop) open() []v1alpha1.Order {
	s.T.Helper()
	var open []v1alpha1.Order
	for _, o := range s.Orders() {
		if o.Labels[v1alpha1.LabelCheckout] == v1alpha1.CheckoutPublic && o.Status.Phase == v1alpha1.OrderPending {
			open = append(open, o)
		}
	}
	return open
}

// sellOut has buyers come until a link has so many open orders, and the server says that there are enough.
func (s *shop) sellOut(server *stack.Server, most int) {
	s.T.Helper()
	s.Eventually("there are as many open orders as there may be", func(context.Context) (bool, error) {
		a := s.buys(server)
		if n := len(s.open()); n > most {
			s.T.Fatalf("there are %d open orders, and may be %d", n, most)
		}
		return a.status == http.StatusServiceUnavailable && len(s.open()) == most, nil
	})
	if a := s.buys(server); a.problem(s.T, http.StatusServiceUnavailable).OrderID != "" || a.header.Get("Retry-After") != "60" {
		s.T.Errorf("a buyer too many is answered %d %s %v", a.status, a.body, a.header)
	}
}

// sellsAgain waits until the server makes another order.
func (s *shop) sellsAgain(server *stack.Server, why string) {
	s.T.Helper()
	s.Eventually("there is room for an order: one "+why, func(context.Context) (bool, error) {
		return s.buys(server).status == http.StatusSeeOther, nil
	})
}

func TestALinkHasSoManyOpenOrders(t *testing.T) {
	s := openShop(t)
	s.offer(s.paymentLink("yearly"))
	b := s.hire("backend", "create")
	flags := []string{"--public-orders-open=3", "--public-orders-per-link=100000"}
	server := s.another("open", stack.WebhookServer{Flags: flags})
	second := s.another("open-too", stack.WebhookServer{Flags: flags})

	statuses, _ := s.crowd(100, 100, func(int) call { return s.press(server, "") })
	if n := len(s.open()); n > 3 || n != statuses[303] || statuses[303]+statuses[503] != 100 {
		t.Errorf("a hundred buyers at once made %d orders, and may make 3; they were answered %v", n, statuses)
	}
	s.sellOut(server, 3)
	s.sellOut(second, 3)
	b.buys(call{to: server}) // orders of those with a token are not counted
	if a := s.ask(call{to: server, method: http.MethodPost, path: buyPath(s.Namespace, "yearly")}); a.status != http.StatusSeeOther {
		t.Errorf("a buyer of another link is answered %d %s", a.status, a.body)
	}

	yearly := func(o v1alpha1.Order) bool { return o.Spec.PaymentLinkRef.Name == "yearly" }
	first := func() *v1alpha1.Order {
		for _, o := range s.open() {
			if !yearly(o) {
				return &o
			}
		}
		t.Fatal("there is no open order")
		return nil
	}
	s.Pay(first().Status.CheckoutURL)
	s.sellsAgain(server, "was paid")
	s.sellOut(server, 4) // one of which is of the other link
	if err := paylink.Client.Delete(s.Ctx, first()); err != nil {
		t.Fatal(err)
	}
	s.sellsAgain(second, "was deleted")
	s.sellOut(second, 4)
	if s.metric(second, `paylink_checkout_limited_total{limit="buy_open"}`) == "" {
		t.Error("nothing was counted")
	}
}

func TestAnOpenOrderExpires(t *testing.T) {
	s := openShop(t)
	server := s.another("expiry", stack.WebhookServer{Flags: []string{"--public-orders-open=2", "--public-order-expiry=3s"}})
	var ids []string
	for range 2 {
		a := s.buys(server)
		if a.status != http.StatusSeeOther {
			t.Fatalf("%d %s", a.status, a.body)
		}
		ids = append(ids, reference(t, a.header.Get("Location")))
	}
	s.sellsAgain(server, "has expired")
	for _, id := range ids {
		o := s.await(id, v1alpha1.OrderFailed)
		c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionPaid)
		if c == nil || c.Reason != v1alpha1.ReasonExpired || o.Status.ExpiredAt == nil {
			t.Errorf("an order that nobody paid is %+v", o.Status)
		}
		s.Eventually("its checkout URL is taken back", func(context.Context) (bool, error) {
			return s.orderOf(id).Status.CheckoutURL == "", nil
		})
	}
}
