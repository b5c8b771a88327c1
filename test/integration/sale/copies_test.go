package sale_test

import (
	"fmt"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// TestConcurrentCopies: two payments and two refunds of an order arrive at two servers at the same moment. Each comes in
// copies, and as a second event with another id.
func TestConcurrentCopies(t *testing.T) {
	s := newClient(t)
	addWebhookServer(t)
	orders := make([]*v1alpha1.Order, 10)        // enough for some writes to conflict
	sessions := map[string][]stripesim.Session{} // by order
	s.PlanDelivery(stripesim.Plan{Hold: true, Copies: 2, Concurrent: true, TwinEvents: true, Shuffle: true, Seed: 1})
	for i := range orders {
		o := s.CreateReady(fmt.Sprintf("copies-%d", i))
		orders[i], sessions[o.Name] = o, []stripesim.Session{s.Pay(o.Status.CheckoutURL), s.Pay(o.Status.CheckoutURL)}
		for i, session := range sessions[o.Name] {
			s.Refund(session, int64(1000*(i+1)))
		}
	}
	s.Stripe.Delivery(stripesim.Plan{})
	s.AwaitDelivered()
	for _, o := range orders {
		// The controller applies a refund that came before its payment.
		now := s.Await(o, "refunded twice", func(o *v1alpha1.Order) bool {
			refunded := map[string]int64{}
			for _, p := range o.Status.Payments {
				refunded[p.SessionID] = p.AmountRefunded
			}
			return refunded[sessions[o.Name][0].ID] == 1000 && refunded[sessions[o.Name][1].ID] == 2000
		})
		if now.Status.Phase != v1alpha1.OrderPaid || len(now.Status.Payments) != 2 || !testclient.NeedsAttention(v1alpha1.ReasonDuplicatePayment)(now) {
			t.Errorf("got %+v, want Paid by two payments, one a duplicate", now.Status)
		}
		if got, want := held(now), heldAt(s.Stripe, now.Status.ClientReferenceID); got != want {
			t.Errorf("got %d held by order %s, want %d as at Stripe", got, o.Name, want)
		}
	}
}

// held is the amount that was paid and not refunded, by the order.
func held(o *v1alpha1.Order) (sum int64) {
	for _, p := range o.Status.Payments {
		sum += p.Amount - p.AmountRefunded
	}
	return sum
}

// heldAt is the amount that was paid and not refunded, by Stripe.
func heldAt(stripe *stripesim.Simulator, reference string) (sum int64) {
	for _, entry := range stripe.Books() {
		if entry.Session.ClientReferenceID == reference {
			sum += entry.Received - entry.Refunded
		}
	}
	return sum
}
