package stories_test

import (
	"fmt"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestConcurrentCopies: two payments and two refunds of an order come at the same moment, in copies, each also as a
// second event with an id of its own, to two servers.
func TestConcurrentCopies(t *testing.T) {
	s := openShop(t, paylink.Stripe)
	second, endpoint, err := paylink.AddWebhookServer(s.Ctx, "webhookserver-2")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stripe.RemoveEndpoint(endpoint.ID)
		if err := second.Stop(); err != nil {
			t.Error(err)
		}
	})
	orders := make([]*v1alpha1.Order, 10)        // whose writes cross is chance: of ten, some do
	sessions := map[string][]stripesim.Session{} // by order
	s.Deliver(stripesim.Plan{Hold: true, Copies: 2, Concurrent: true, TwinEvents: true, Shuffle: true, Seed: 1})
	for i := range orders {
		o := s.Sell(fmt.Sprintf("copies-%d", i))
		orders[i], sessions[o.Name] = o, []stripesim.Session{s.Pay(o.Status.CheckoutURL), s.Pay(o.Status.CheckoutURL)}
		for i, session := range sessions[o.Name] {
			if _, err := s.Stripe.Refund(s.Intent(session.ID), int64(1000*(i+1))); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Stripe.Delivery(stripesim.Plan{})
	s.Settled()
	for _, o := range orders {
		// A refund that came before its payment was known is kept, and applied by the controller.
		now := s.Await(o, "told of both refunds", func(o *v1alpha1.Order) bool {
			refunded := map[string]int64{}
			for _, p := range o.Status.Payments {
				refunded[p.SessionID] = p.AmountRefunded
			}
			return refunded[sessions[o.Name][0].ID] == 1000 && refunded[sessions[o.Name][1].ID] == 2000
		})
		if now.Status.Phase != v1alpha1.OrderPaid || len(now.Status.Payments) != 2 || !seller.NeedsAttention(v1alpha1.ReasonDuplicatePayment)(now) {
			t.Errorf("two payments in many copies make %+v", now.Status)
		}
		if got, want := held(now), heldAt(s.Stripe, now.Status.ClientReferenceID); got != want {
			t.Errorf("order %s holds %d, and Stripe %d", o.Name, got, want)
		}
	}
}

// held is the money that an order has, by its own books.
func held(o *v1alpha1.Order) (sum int64) {
	for _, p := range o.Status.Payments {
		sum += p.Amount - p.AmountRefunded
	}
	return sum
}

// heldAt is the money that Stripe has for an order.
func heldAt(stripe *stripesim.Simulator, reference string) (sum int64) {
	for _, entry := range stripe.Books() {
		if entry.Session.ClientReferenceID == reference {
			sum += entry.Received - entry.Refunded
		}
	}
	return sum
}
