package stories_test

import (
	"context"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/test/stripesim"
)

const sessionExpired = "checkout.session.expired"

// TestSessionExpiringADayAfterPayment: the buyer opened the page twice and paid in one of them. The other ends a day
// later, when the goods are long delivered.
func TestSessionExpiringADayAfterPayment(t *testing.T) {
	// At this Stripe the visits were yesterday, but what it sends is signed now: too old a signature is refused.
	clock := testingclock.NewFakeClock(time.Now().Add(-23 * time.Hour))
	visited := clock.Now()
	stripe := startStripe(t, stripesim.Options{Clock: clock}, paylink.Webhook.URL+"/api/webhooks/stripe", paylink.Endpoint.Secret)
	s := openShop(t, stripe)
	o := s.Sell("two-tabs")
	s.Deliver(stripesim.Plan{Hold: true})
	left, err := stripe.Buyer().Visit(s.Ctx, o.Status.CheckoutURL)
	if err != nil {
		t.Fatal(err)
	}
	bought := s.Pay(o.Status.CheckoutURL)
	clock.SetTime(time.Now())
	stripe.Delivery(stripesim.Plan{})
	s.Settled()
	before := s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))

	t.Run("another visit", func(t *testing.T) {
		stripe.Delivery(stripesim.Plan{Hold: true})
		clock.SetTime(visited.Add(24 * time.Hour))
		s.Eventually("the visit has expired", func(context.Context) (bool, error) {
			session, ok := stripe.Session(left.ID)
			return ok && session.Status == "expired", nil
		})
		clock.SetTime(time.Now())
		stripe.Delivery(stripesim.Plan{})
		s.Settled()
		if made := attempts(s, event(s, left.ID, sessionExpired)); len(made) != 1 || made[0].Status != 200 {
			t.Errorf("the event was answered %+v", made)
		}
		unchanged(s, before)
	})
	// Stripe does not send this one; somebody's code that is driven by the last event would undo the sale by it.
	t.Run("the visit that paid", func(t *testing.T) {
		body := handmade{t, o}.session(stripeevents.SessionExpired, "",
			stripeevents.Set("data.object.id", bought.ID), stripeevents.Set("data.object.payment_intent", s.Intent(bought.ID)),
			stripeevents.Set("created", visited.Add(24*time.Hour).Unix()))
		if status := s.Post(body); status != 200 {
			t.Errorf("the event was answered %d", status)
		}
		unchanged(s, before)
	})
	if kept := s.KeptThat(func(e v1alpha1.StripeEventFact) bool { return e.Type == sessionExpired }); len(kept) > 0 {
		t.Errorf("kept: %+v", kept)
	}
}
