package stories_test

import (
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

const chargeRefunded = "charge.refunded"

// TestTwoPartialRefundsSwappedAndRedelivered: each event says how much was refunded so far, so the largest is right
// and a sum of them is not.
func TestTwoPartialRefundsSwappedAndRedelivered(t *testing.T) {
	s := openShop(t, paylink.Stripe)
	o := s.Sell("in-parts")
	session := s.Pay(o.Status.CheckoutURL)
	s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
	s.Deliver(stripesim.Plan{Drop: stripesim.DropTypes(chargeRefunded)})
	const last = "" // made when it is its turn
	first, second := refund(s, session, 5000), refund(s, session, 3000)
	for _, step := range []struct {
		event string
		phase v1alpha1.OrderPhase
		back  int64
	}{
		{second, v1alpha1.OrderPaid, 8000},
		{first, v1alpha1.OrderPaid, 8000},
		{second, v1alpha1.OrderPaid, 8000},
		{first, v1alpha1.OrderPaid, 8000},
		{last, v1alpha1.OrderRefunded, seller.Price},
		{first, v1alpha1.OrderRefunded, seller.Price},
		{second, v1alpha1.OrderRefunded, seller.Price},
	} {
		if step.event == last {
			step.event = refund(s, session, 0)
		}
		resend(s, step.event)
		if now := s.Read(o); now.Status.Phase != step.phase || now.Status.AmountRefunded != step.back || !seller.NeedsNobody(now) {
			t.Fatalf("the order is %+v, want %s with %d refunded", now.Status, step.phase, step.back)
		}
	}
}

// refund gives back an amount of a payment, or all that is left where it is 0, and returns the id of its event.
func refund(s *seller.Seller, session stripesim.Session, amount int64) string {
	s.T.Helper()
	known := len(s.Stripe.Events())
	if _, err := s.Stripe.Refund(s.Intent(session.ID), amount); err != nil {
		s.T.Fatal(err)
	}
	for _, e := range s.Stripe.Events()[known:] {
		if e.Type == chargeRefunded {
			return e.ID
		}
	}
	s.T.Fatal("the refund made no event")
	return ""
}

// TestRefundOfTheDuplicatePayment: what was paid twice is given back once, whichever of the two it is.
func TestRefundOfTheDuplicatePayment(t *testing.T) {
	for name, back := range map[string]int{"the second": 1, "the first": 0} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, paylink.Stripe)
			o := s.Sell("twice")
			sessions := []stripesim.Session{s.Pay(o.Status.CheckoutURL), s.Pay(o.Status.CheckoutURL)}
			s.Settled()
			if twice := s.Read(o); twice.Status.Phase != v1alpha1.OrderPaid || !seller.NeedsAttention(v1alpha1.ReasonDuplicatePayment)(twice) {
				t.Fatalf("an order that was paid twice is %+v", twice.Status)
			}
			refund(s, sessions[back], 0)
			s.Settled()
			o = s.Await(o, "in need of nobody", seller.NeedsNobody)
			stays := sessions[1-back]
			if o.Status.Phase != v1alpha1.OrderPaid || o.Status.ProviderOrderID != stays.ID || o.Status.ProviderCaptureID != s.Intent(stays.ID) || o.Status.AmountRefunded != 0 {
				t.Errorf("without its duplicate the order is %+v, want Paid by %s", o.Status, stays.ID)
			}
			// The one that stays is a sale like any other.
			refund(s, stays, 0)
			s.Await(o, "Refunded", seller.InPhase(v1alpha1.OrderRefunded))
		})
	}
}
