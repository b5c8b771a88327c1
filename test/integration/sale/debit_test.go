package sale_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestLateFailureAfterPaid: a bank returns a debit days later, and the event may arrive later still.
func TestLateFailureAfterPaid(t *testing.T) {
	t.Run("of an earlier session", func(t *testing.T) {
		s := newClient(t)
		o := s.CreateReady("paid-after-all")
		s.PlanDelivery(stripesim.Plan{Drop: stripesim.DropTypes("checkout.session.async_payment_failed")})
		first := s.PayByDebit(o.Status.CheckoutURL)
		s.SettleDebit(first, false)
		second := s.Pay(o.Status.CheckoutURL)
		before := s.AwaitPhase(o, v1alpha1.OrderPaid)

		resend(s, eventOf(s, first.ID, "checkout.session.async_payment_failed"))
		after := s.Await(o, "Failed for the first session", hasPayment(first.ID, v1alpha1.OutcomeFailed))
		if before.Status.ProviderOrderID != second.ID || !hasPayment(second.ID, v1alpha1.OutcomePaid)(after) {
			t.Errorf("got %+v, want Paid by %s", after.Status, second.ID)
		}
		after.Status.Payments = before.Status.Payments
		if diff := cmp.Diff(before.Status, after.Status); diff != "" {
			t.Errorf("the failure changed more than the payments (-before +after):\n%s", diff)
		}
	})
	t.Run("of the session that paid", func(t *testing.T) {
		s := newClient(t)
		o := s.CreateReady("failed-and-succeeded")
		h := handmade{t, o}
		for _, body := range [][]byte{
			h.session(stripeevents.SessionUnpaid, "A"), h.session(stripeevents.SessionAsyncSucceeded, "A", stripeevents.Set("created", second+86400)),
		} {
			if status := s.Post(body); status != 200 {
				t.Fatalf("got status %d, want 200", status)
			}
		}
		before := s.AwaitPhase(o, v1alpha1.OrderPaid)
		for _, created := range []int{second + 86399, second + 86400, second + 3*86400} {
			if status := s.Post(h.session(stripeevents.SessionAsyncFailed, "A", stripeevents.Set("created", created))); status != 200 {
				t.Errorf("got status %d for a failure of %d, want 200", status, created)
			}
			expectUnchanged(s, before)
		}
		// The API server refuses such an order too, but then the event would be parked.
		if kept := s.StripeEvents(func(e v1alpha1.StripeEventFact) bool { return e.PaymentIntentID == h.intent("A") }); len(kept) > 0 {
			t.Errorf("got the StripeEvents %+v, want none", kept)
		}
	})
}

// hasPayment reports whether an order has a payment of this session and outcome.
func hasPayment(sessionID string, outcome v1alpha1.Outcome) func(*v1alpha1.Order) bool {
	return func(o *v1alpha1.Order) bool {
		for _, p := range o.Status.Payments {
			if p.SessionID == sessionID {
				return p.Outcome == outcome
			}
		}
		return false
	}
}
