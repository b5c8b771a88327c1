package sale_test

import (
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

const chargeRefunded = "charge.refunded"

// TestTwoPartialRefundsSwappedAndRedelivered: each event has the total refunded so far, so the largest is right and a sum is
// not.
func TestTwoPartialRefundsSwappedAndRedelivered(t *testing.T) {
	s := newClient(t)
	o := s.CreateReady("in-parts")
	session := s.Pay(o.Status.CheckoutURL)
	s.AwaitPhase(o, v1alpha1.OrderPaid)
	s.PlanDelivery(stripesim.Plan{Drop: stripesim.DropTypes(chargeRefunded)})
	const last = "" // made by its step
	first, second := refundEvent(s, session, 5000), refundEvent(s, session, 3000)
	for _, step := range []struct {
		event    string
		phase    v1alpha1.OrderPhase
		refunded int64
	}{
		{second, v1alpha1.OrderPaid, 8000},
		{first, v1alpha1.OrderPaid, 8000},
		{second, v1alpha1.OrderPaid, 8000},
		{first, v1alpha1.OrderPaid, 8000},
		{last, v1alpha1.OrderRefunded, testclient.Price},
		{first, v1alpha1.OrderRefunded, testclient.Price},
		{second, v1alpha1.OrderRefunded, testclient.Price},
	} {
		if step.event == last {
			step.event = refundEvent(s, session, 0)
		}
		resend(s, step.event)
		if now := s.Read(o); now.Status.Phase != step.phase || now.Status.AmountRefunded != step.refunded || !testclient.NeedsNoAttention(now) {
			t.Fatalf("got %+v, want %s with %d refunded", now.Status, step.phase, step.refunded)
		}
	}
}

// refundEvent refunds an amount of a payment, or the rest where it is 0, and returns the id of the event.
func refundEvent(s *testclient.Client, session stripesim.Session, amount int64) string {
	s.T.Helper()
	known := len(s.Stripe.Events())
	s.Refund(session, amount)
	for _, e := range s.Stripe.Events()[known:] {
		if e.Type == chargeRefunded {
			return e.ID
		}
	}
	s.T.Fatal("got no event of the refund, want one")
	return ""
}

// TestRefundOfTheDuplicatePayment: an order that was paid twice is refunded once, whichever of the two payments it is.
func TestRefundOfTheDuplicatePayment(t *testing.T) {
	for name, refunded := range map[string]int{"the second": 1, "the first": 0} {
		t.Run(name, func(t *testing.T) {
			s := newClient(t)
			o := s.CreateReady("twice")
			sessions := []stripesim.Session{s.Pay(o.Status.CheckoutURL), s.Pay(o.Status.CheckoutURL)}
			s.AwaitDelivered()
			if twice := s.Read(o); twice.Status.Phase != v1alpha1.OrderPaid || !testclient.NeedsAttention(v1alpha1.ReasonDuplicatePayment)(twice) {
				t.Fatalf("got %+v, want Paid and a duplicate", twice.Status)
			}
			refundEvent(s, sessions[refunded], 0)
			s.AwaitDelivered()
			o = s.Await(o, "in need of no attention", testclient.NeedsNoAttention)
			rest := sessions[1-refunded]
			if o.Status.Phase != v1alpha1.OrderPaid || o.Status.ProviderOrderID != rest.ID || o.Status.ProviderCaptureID != s.PaymentIntent(rest.ID) || o.Status.AmountRefunded != 0 {
				t.Errorf("got %+v, want Paid by %s", o.Status, rest.ID)
			}
			refundEvent(s, rest, 0)
			s.AwaitPhase(o, v1alpha1.OrderRefunded)
		})
	}
}
