package checkout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
)

// TestCustomerIDs: a customerId of any characters is stored unchanged.
func TestCustomerIDs(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create")
	for i, customer := range []string{"customer-7", strings.Repeat("ñ", 200), strings.Repeat("👩‍🚀", 66), "\\\" <b>&amp;</b> \u2028", "\x00\t\x1f", "ﬃ"} {
		body, err := json.Marshal(map[string]string{"paymentLink": "lifetime", "namespace": s.Namespace, "customerId": customer})
		check.Must(t, err)
		c := call{body: string(body), header: idempotencyKey(fmt.Sprintf("idem-%s-%d", s.Namespace, i))}
		o := b.mustCreate(c)
		check.Equal(t, customer, s.orderOf(o.OrderID).Spec.CustomerID, "customerId")
		if again := b.mustCreate(c); again.OrderID != o.OrderID {
			t.Errorf("got a second order for the key of customer %q", customer)
		}
	}
}

// TestOrderIDOfOtherNamespace: an orderId is unique in all namespaces, because Stripe sends it back.
func TestOrderIDOfOtherNamespace(t *testing.T) {
	s := newFixture(t)
	other := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	theirs := other.newBackend("backend", "create", "get")
	id := fmt.Sprintf(`"orderId":%q`, s.Namespace)
	o := b.mustCreate(call{body: s.orderBody("lifetime", id)})
	before := s.recordDelivered()
	if p := theirs.create(call{body: other.orderBody("lifetime", id)}).problem(t, 409); p.fields() != "orderId" || p.OrderID != "" {
		t.Errorf("got %+v for an orderId of another namespace, want the field alone", p)
	}
	s.expectUnchanged(before)
	theirs.get(o.OrderID).problem(t, 404)
	// A request cannot name the uid of an order.
	unnamed := b.mustCreate(call{})
	b.create(call{body: s.orderBody("lifetime", fmt.Sprintf(`"orderId":%q`, unnamed.OrderID))}).problem(t, 409)
}

// TestConcurrentOrderIDs: of several orders requested with one orderId at once, one is Ready.
func TestConcurrentOrderIDs(t *testing.T) {
	s := newFixture(t)
	second := s.addServer("second-id", stack.WebhookServer{})
	b := s.newBackend("backend", "create", "get")
	for _, prefix := range []string{"1", "-", "_-_", "A", "capture-"} {
		id := prefix + s.Namespace
		created := 0
		for _, a := range b.repeated(10, call{body: s.orderBody("lifetime", fmt.Sprintf(`"orderId":%q`, id))}, paylink.Webhook, second) {
			if a.status == 201 {
				created++
				if o := a.order(t, 201); o.OrderID != id || reference(t, o.CheckoutURL) != id || a.header.Get("Location") != ordersPath+"/"+id {
					t.Errorf("got %+v for the orderId %s", o, id)
				}
				continue
			}
			if p := a.problem(t, 409); p.fields() != "orderId" {
				t.Errorf("got %+v for a used orderId, want its field", p)
			}
		}
		if created == 0 {
			t.Errorf("got no order of the orderId %s, want one", id)
		}
		s.Eventually("one order of the orderId is ready", func(context.Context) (bool, error) {
			ready, duplicates, all := 0, 0, 0
			for _, o := range s.Orders() {
				if o.Spec.OrderID != id {
					continue
				}
				all++
				c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionReady)
				switch {
				case c == nil:
				case c.Reason == v1alpha1.ReasonCheckoutReady:
					ready++
				case c.Reason == v1alpha1.ReasonDuplicateOrderID:
					duplicates++
				}
			}
			return ready == 1 && ready+duplicates == all, nil
		})
		b.create(call{body: s.orderBody("lifetime", fmt.Sprintf(`"orderId":%q`, id))}).problem(t, 409)
		s.Pay(b.get(id).order(t, 200).CheckoutURL)
		s.Eventually("it is paid", func(context.Context) (bool, error) {
			return b.get(id).order(t, 200).Status == "paid", nil
		})
	}
}
