package checkout_test

import (
	"fmt"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/cluster"
)

// A normal life is three writes: the order, its checkout URL, and that it was paid. It is no more for having been asked for
// through the API, or by a button, and looked at by a buyer who cannot wait.
func TestANormalLifeIsThreeWrites(t *testing.T) {
	for _, c := range []struct {
		buyer string
		order func(s *shop) string // returns the checkout URL
	}{
		{"of a shop with a backend", func(s *shop) string {
			b := s.hire("backend", "create", "get")
			key := with("idem-" + s.Namespace)
			o := b.buys(call{header: key})
			b.buys(call{header: key})
			b.reads(o.OrderID).order(s.T, 200)
			return o.CheckoutURL
		}},
		{"of a plain page", func(s *shop) string { return s.buys(nil).header.Get("Location") }},
	} {
		t.Run(c.buyer, func(t *testing.T) {
			s := openShop(t)
			url := c.order(s)
			session := s.Pay(url)
			if a := s.ask(look(nil, session.ID)); a.status != 200 { // whatever it says: the webhook is on its way
				t.Errorf("the return route answers %d %s", a.status, a.body)
			}
			s.Settled()
			o := s.await(reference(t, url), v1alpha1.OrderPaid)
			s.told(paylink.Webhook, session.ID, "paid: paid, final, known order")
			if seen := s.lives(o.Name); seen != "create patch/status patch/status" {
				t.Errorf("a normal life is %s", seen)
			}
			if _, err := paylink.Stripe.Refund(o.Status.ProviderCaptureID, 0); err != nil {
				t.Fatal(err)
			}
			s.Settled()
			s.await(reference(t, url), v1alpha1.OrderRefunded)
			if seen := s.lives(o.Name); seen != "create patch/status patch/status patch/status" {
				t.Errorf("with a refund it is %s", seen)
			}
		})
	}
}

// lives are the writes to an order, and those that were refused.
func (s *shop) lives(name string) string {
	s.T.Helper()
	done, refused := s.writesTo(name)
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
