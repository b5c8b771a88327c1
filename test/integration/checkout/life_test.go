package checkout_test

import (
	"fmt"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/cluster"
)

// TestWritesOfAnOrder: an order costs three writes, whether it is created through the API or by the buy button, and whether
// or not the buyer captures it.
func TestWritesOfAnOrder(t *testing.T) {
	for _, c := range []struct {
		buyer string
		order func(s *fixture) string // returns the checkout URL
	}{
		{"of a shop with a backend", func(s *fixture) string {
			b := s.newBackend("backend", "create", "get")
			key := idempotencyKey("idem-" + s.Namespace)
			o := b.mustCreate(call{header: key})
			b.mustCreate(call{header: key})
			b.get(o.OrderID).order(s.T, 200)
			return o.CheckoutURL
		}},
		{"of a plain page", func(s *fixture) string { return s.buy(nil).header.Get("Location") }},
	} {
		t.Run(c.buyer, func(t *testing.T) {
			s := newFixture(t)
			url := c.order(s)
			session := s.Pay(url)
			if a := s.send(captureCall(nil, session.ID)); a.status != 200 { // of any outcome: the webhook is on its way
				t.Errorf("got %d %s from the capture API, want 200", a.status, a.body)
			}
			s.AwaitDelivered()
			o := s.await(reference(t, url), v1alpha1.OrderPaid)
			s.awaitOutcome(paylink.Webhook, session.ID, "paid: paid, final, known order")
			check.Equal(t, "create patch/status patch/status", s.writeVerbs(o.Name), "writes")
			_, err := paylink.Stripe.Refund(o.Status.ProviderCaptureID, 0)
			s.Must(err)
			s.AwaitDelivered()
			s.await(reference(t, url), v1alpha1.OrderRefunded)
			check.Equal(t, "create patch/status patch/status patch/status", s.writeVerbs(o.Name), "writes after a refund")
		})
	}
}

// writeVerbs are the verbs of the writes to an order, and of the refused ones.
func (s *fixture) writeVerbs(name string) string {
	s.T.Helper()
	done, refused := s.WritesTo(name)
	var text string
	for i, e := range append(append([]cluster.AuditEvent{}, done...), refused...) {
		if i > 0 {
			text += " "
		}
		if text += e.Verb; e.Subresource != "" {
			text += "/" + e.Subresource
		}
		if e.Code >= 300 {
			text += fmt.Sprintf(" refused %d", e.Code)
		}
	}
	return text
}
