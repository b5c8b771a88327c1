package checkout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stack"
)

func TestAShopsOwnIDs(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create", "get")
	for _, id := range []string{"1", "-", "_-_", "A" + s.Namespace, strings.Repeat("a", 150) + s.Namespace[len(s.Namespace)-8:], "capture-" + s.Namespace} {
		if len(id) < 4 {
			id += s.Namespace[len(s.Namespace)-8:]
		}
		a := b.asks(call{body: s.wants("lifetime", fmt.Sprintf(`"orderId":%q`, id))})
		o := a.order(t, 201)
		if o.OrderID != id || reference(t, o.CheckoutURL) != id || a.header.Get("Location") != ordersPath+"/"+id {
			t.Errorf("an order of the id %s is %+v at %s", id, o, a.header.Get("Location"))
		}
		if read := s.ask(call{path: a.header.Get("Location"), token: b.token}).order(t, 200); read != o {
			t.Errorf("and is read as %+v", read)
		}
	}
}

// A shop's id of a customer is kept as it is, whatever it is made of.
func TestAShopsCustomers(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create")
	for i, customer := range []string{"customer-7", strings.Repeat("ñ", 200), strings.Repeat("👩‍🚀", 66), "\\\" <b>&amp;</b> \u2028", "\x00\t\x1f", "ﬃ"} {
		body, err := json.Marshal(map[string]string{"paymentLink": "lifetime", "namespace": s.Namespace, "customerId": customer})
		if err != nil {
			t.Fatal(err)
		}
		c := call{body: string(body), header: with(fmt.Sprintf("idem-%s-%d", s.Namespace, i))}
		o := b.buys(c)
		if kept := s.orderOf(o.OrderID).Spec.CustomerID; kept != customer {
			t.Errorf("customer %q is kept as %q", customer, kept)
		}
		if again := b.buys(c); again.OrderID != o.OrderID {
			t.Errorf("the key of customer %q made two orders", customer)
		}
	}
}

// An id names one order in all namespaces: it is what Stripe sends back.
func TestAnIDIsTakenInAllNamespaces(t *testing.T) {
	s := openShop(t)
	other := openShop(t)
	b := s.hire("backend", "create", "get")
	theirs := other.hire("backend", "create", "get")
	id := fmt.Sprintf(`"orderId":%q`, s.Namespace)
	o := b.buys(call{body: s.wants("lifetime", id)})
	before := s.balance()
	if p := theirs.asks(call{body: other.wants("lifetime", id)}).problem(t, 409); p.fields() != "orderId" || p.OrderID != "" {
		t.Errorf("an id that another namespace has is answered %+v", p)
	}
	s.unchanged(before)
	theirs.reads(o.OrderID).problem(t, 404)
	// An order that goes by its uid can be named in no request: it would be somebody else's.
	unnamed := b.buys(call{})
	b.asks(call{body: s.wants("lifetime", fmt.Sprintf(`"orderId":%q`, unnamed.OrderID))}).problem(t, 409)
}

// Of several orders that are asked for with one id at the same time, one can be paid.
func TestOneOfManyOrdersOfAnIDCanBePaid(t *testing.T) {
	s := openShop(t)
	second := s.another("second-id", stack.WebhookServer{})
	b := s.hire("backend", "create", "get")
	for i := range 5 {
		id := fmt.Sprintf("%s-%d", s.Namespace, i)
		promised := 0
		for _, a := range b.repeated(10, call{body: s.wants("lifetime", fmt.Sprintf(`"orderId":%q`, id))}, paylink.Webhook, second) {
			if a.status == 201 {
				promised++
				if o := a.order(t, 201); o.OrderID != id || reference(t, o.CheckoutURL) != id {
					t.Errorf("the order %s is answered as %+v", id, o)
				}
				continue
			}
			if p := a.problem(t, 409); p.fields() != "orderId" {
				t.Errorf("an id that is taken is answered %+v", p)
			}
		}
		if promised == 0 {
			t.Errorf("nobody was given the id %s", id)
		}
		s.Eventually("one order of the id can be paid", func(context.Context) (bool, error) {
			ready, judged, all := 0, 0, 0
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
					judged++
				}
			}
			return ready == 1 && ready+judged == all, nil
		})
		b.asks(call{body: s.wants("lifetime", fmt.Sprintf(`"orderId":%q`, id))}).problem(t, 409)
		s.Pay(b.reads(id).order(t, 200).CheckoutURL)
		s.Eventually("it is paid", func(context.Context) (bool, error) {
			return b.reads(id).order(t, 200).Status == "paid", nil
		})
	}
}
