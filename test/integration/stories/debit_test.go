package stories_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestLateFailureAfterPaid: a bank says no days later, and the news of it may take days more.
func TestLateFailureAfterPaid(t *testing.T) {
	t.Run("of an earlier visit", func(t *testing.T) {
		s := openShop(t, paylink.Stripe)
		o := s.Sell("paid-after-all")
		s.Deliver(stripesim.Plan{Drop: stripesim.DropTypes("checkout.session.async_payment_failed")})
		first, err := s.Stripe.Buyer().PayByDebit(s.Ctx, o.Status.CheckoutURL)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Stripe.SettleDebit(first.ID, false); err != nil {
			t.Fatal(err)
		}
		second := s.Pay(o.Status.CheckoutURL)
		before := s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))

		resend(s, event(s, first.ID, "checkout.session.async_payment_failed"))
		after := s.Await(o, "told of the failure", knows(first.ID, v1alpha1.OutcomeFailed))
		// Only the list of payments has grown.
		if before.Status.ProviderOrderID != second.ID || !knows(second.ID, v1alpha1.OutcomePaid)(after) {
			t.Errorf("the order was paid by %s, and is now %+v", second.ID, after.Status)
		}
		after.Status.Payments = before.Status.Payments
		if diff := cmp.Diff(before.Status, after.Status); diff != "" {
			t.Errorf("the failure changed the order: %s", diff)
		}
	})
	t.Run("of the visit that paid", func(t *testing.T) {
		s := openShop(t, paylink.Stripe)
		o := s.Sell("failed-and-succeeded")
		h := handmade{t, o}
		for _, body := range [][]byte{
			h.session(stripeevents.SessionUnpaid, "A"), h.session(stripeevents.SessionAsyncSucceeded, "A", stripeevents.Set("created", second+86400)),
		} {
			if status := s.Post(body); status != 200 {
				t.Fatalf("answered %d", status)
			}
		}
		before := s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
		for _, created := range []int{second + 86399, second + 86400, second + 3*86400} {
			if status := s.Post(h.session(stripeevents.SessionAsyncFailed, "A", stripeevents.Set("created", created))); status != 200 {
				t.Errorf("a failure of %d is answered %d", created, status)
			}
			unchanged(s, before)
		}
		// The API server refuses such an order too, but then the event would be kept, and wait for somebody.
		if kept := s.KeptThat(func(e v1alpha1.StripeEventFact) bool { return e.PaymentIntentID == h.intent("A") }); len(kept) > 0 {
			t.Errorf("kept: %+v", kept)
		}
	})
}

// knows says that an order has been told of a session, and that it got so far.
func knows(sessionID string, outcome v1alpha1.Outcome) func(*v1alpha1.Order) bool {
	return func(o *v1alpha1.Order) bool {
		for _, p := range o.Status.Payments {
			if p.SessionID == sessionID {
				return p.Outcome == outcome
			}
		}
		return false
	}
}
