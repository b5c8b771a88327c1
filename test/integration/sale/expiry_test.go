package sale_test

import (
	"context"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/test/stripesim"
)

const sessionExpired = "checkout.session.expired"

// TestSessionExpiringADayAfterPayment: the buyer opened two sessions and paid in one. The other expires a day later.
func TestSessionExpiringADayAfterPayment(t *testing.T) {
	// At this Stripe the sessions are from yesterday, but deliveries are signed now: the server refuses old signatures.
	clock := testingclock.NewFakeClock(time.Now().Add(-23 * time.Hour))
	visited := clock.Now()
	stripe := startStripe(t, stripesim.Options{Clock: clock})
	stripe.AddEndpoint(stripesim.EndpointParams{URL: paylink.Endpoint.URL, Secret: paylink.Endpoint.Secret})
	s := newClientAt(t, stripe)
	o := s.CreateReady("two-tabs")
	s.PlanDelivery(stripesim.Plan{Hold: true})
	left := s.Visit(o.Status.CheckoutURL)
	bought := s.Pay(o.Status.CheckoutURL)
	clock.SetTime(time.Now())
	stripe.Delivery(stripesim.Plan{})
	s.AwaitDelivered()
	before := s.AwaitPhase(o, v1alpha1.OrderPaid)

	t.Run("another session", func(t *testing.T) {
		stripe.Delivery(stripesim.Plan{Hold: true})
		clock.SetTime(visited.Add(24 * time.Hour))
		s.Eventually("the session has expired", func(context.Context) (bool, error) {
			session, ok := stripe.Session(left.ID)
			return ok && session.Status == "expired", nil
		})
		clock.SetTime(time.Now())
		stripe.Delivery(stripesim.Plan{})
		s.AwaitDelivered()
		if made := attempts(s, eventOf(s, left.ID, sessionExpired)); len(made) != 1 || made[0].Status != 200 {
			t.Errorf("got the attempts %+v, want one with status 200", made)
		}
		expectUnchanged(s, before)
	})
	// Stripe does not send this one. Code that trusts the last event would undo the sale.
	t.Run("the session that paid", func(t *testing.T) {
		body := handmade{t, o}.session(stripeevents.SessionExpired, "",
			stripeevents.Set("data.object.id", bought.ID), stripeevents.Set("data.object.payment_intent", s.PaymentIntent(bought.ID)),
			stripeevents.Set("created", visited.Add(24*time.Hour).Unix()))
		check.Equal(t, 200, s.Post(body), "status")
		expectUnchanged(s, before)
	})
	if kept := s.StripeEvents(func(e v1alpha1.StripeEventFact) bool { return e.Type == sessionExpired }); len(kept) > 0 {
		t.Errorf("got the StripeEvents %+v, want none", kept)
	}
}
