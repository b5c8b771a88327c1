package webhook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// TestTaken is every delivery that is answered with 200: the events that Stripe sends one after another, how the last
// is counted, and what the API server holds then.
func TestTaken(t *testing.T) {
	fromStripe := func(sample string, changes ...stripeevents.Change) []byte {
		return stripeevents.FromStripe(t, sample, changes...)
	}
	mine := []client.Object{order()}
	session, refund, nobodys := fromStripe(stripeevents.SessionPaid), fromStripe(stripeevents.ChargeRefunded),
		fromStripe(stripeevents.SessionPaid, stripeevents.Set("data.object.client_reference_id", nil), stripeevents.Set("data.object.payment_link", nil))
	const completed = "checkout.session.completed"
	for name, row := range map[string]struct {
		objects []client.Object
		bodies  [][]byte
		// eventType and result are those of the last body's count.
		eventType, result string
		phase             v1alpha1.OrderPhase
		parked            int
	}{
		"paid":                   {mine, [][]byte{session}, completed, "applied", v1alpha1.OrderPaid, 0},
		"paid, sent twice":       {mine, [][]byte{session, session}, completed, "unchanged", v1alpha1.OrderPaid, 0},
		"debit under way":        {mine, [][]byte{fromStripe(stripeevents.SessionUnpaid)}, completed, "applied", v1alpha1.OrderFailed, 0},
		"debit arrived":          {mine, [][]byte{fromStripe(stripeevents.SessionUnpaid), fromStripe(stripeevents.SessionAsyncSucceeded)}, "checkout.session.async_payment_succeeded", "applied", v1alpha1.OrderPaid, 0},
		"debit bounced":          {mine, [][]byte{fromStripe(stripeevents.SessionAsyncFailed)}, "checkout.session.async_payment_failed", "applied", v1alpha1.OrderFailed, 0},
		"another price":          {mine, [][]byte{fromStripe(stripeevents.SessionOfAnotherPrice)}, completed, "applied", v1alpha1.OrderPending, 0},
		"the other mode":         {mine, [][]byte{fromStripe(stripeevents.SessionPaid, stripeevents.Set("livemode", true))}, completed, "applied", v1alpha1.OrderPending, 0},
		"refunded":               {mine, [][]byte{session, refund}, "charge.refunded", "applied", v1alpha1.OrderRefunded, 0},
		"refunded in part":       {mine, [][]byte{session, fromStripe(stripeevents.ChargePartlyRefunded)}, "charge.refunded", "applied", v1alpha1.OrderPaid, 0},
		"refund failed":          {mine, [][]byte{session, fromStripe(stripeevents.RefundFailed)}, "refund.failed", "applied", v1alpha1.OrderPaid, 0},
		"disputed":               {mine, [][]byte{session, fromStripe(stripeevents.DisputeCreated)}, "charge.dispute.created", "applied", v1alpha1.OrderPaid, 0},
		"refund before payment":  {mine, [][]byte{refund}, "charge.refunded", "parked", "", 1},
		"order unknown":          {nil, [][]byte{session}, completed, "parked", "", 1},
		"parked twice":           {nil, [][]byte{session, session}, completed, "unchanged", "", 1},
		"somebody else's":        {mine, [][]byte{nobodys}, completed, "ignored", "", 0},
		"of a connected account": {mine, [][]byte{stripeevents.Newer(t, stripeevents.SessionPaid, stripeevents.Set("account", "acct_1Example"))}, completed, "ignored", "", 0},
		"of no interest":         {mine, [][]byte{fromStripe(stripeevents.SessionExpired)}, "other", "ignored", "", 0},
		"of an unknown type":     {mine, [][]byte{fromStripe(stripeevents.SessionPaid, stripeevents.Set("type", "mandate.updated"))}, "other", "ignored", "", 0},
		"thin":                   {mine, [][]byte{[]byte(`{"id":"evt_thin","type":"v1.checkout.session.completed","created":"2026-10-09T08:54:21.000Z"}`)}, "other", "unusable", "", 0},
		"thin, of interest":      {mine, [][]byte{[]byte(`{"id":"evt_thin","type":"charge.refunded","created":"2026-10-09T08:54:21.000Z"}`)}, "charge.refunded", "unusable", "", 0},
		"an empty object":        {mine, [][]byte{[]byte(`{}`)}, "other", "unusable", "", 0},
		"null":                   {mine, [][]byte{[]byte(`null`)}, "other", "unusable", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, interceptor.Funcs{}, row.objects...)
			last := len(row.bodies) - 1
			for _, body := range row.bodies[:last] {
				wantAccepted(t, f.deliver(body))
			}
			kind := fmt.Sprintf("events_total{result=%q,type=%q}", row.result, row.eventType)
			before := f.sample(kind)
			wantAccepted(t, f.deliver(row.bodies[last]))
			if got := f.sample(kind); got != before+1 {
				t.Errorf("%s was %v and is %v", kind, before, got)
			}
			if len(row.objects) > 0 {
				if got := f.api.Order(orderName).Status.Phase; got != row.phase {
					t.Errorf("the order is %q, not %q", got, row.phase)
				}
			}
			if kept := f.api.StripeEvents(); len(kept) != row.parked {
				t.Errorf("kept: %+v", accepting)
			}
			if at := f.sample("last_event_timestamp_seconds"); at != float64(now.Unix()) {
				t.Errorf("the last event came at %v", at)
			}
			if n := f.sample("duration_seconds_count"); n != float64(len(row.bodies)) {
				t.Errorf("the duration of %v was measured", n)
			}
			if n := f.sample("in_flight"); n != 0 {
				t.Errorf("%v in flight", n)
			}
		})
	}
}

// TestTakenOrder looks at all of a paid order.
func TestTakenOrder(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, order())
	wantAccepted(t, f.deliver(paid(t)))
	got := f.api.Order(orderName).Status
	if got.ProviderOrderID != session || got.ProviderCaptureID != intent || got.PaidAt.Unix() != 1760000061 || len(got.Payments) != 1 {
		t.Errorf("the order is %+v", got)
	}
}

// TestTypesShareALabel: whoever can sign can make up types, and a label for each would fill the memory.
func TestTypesShareALabel(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, order())
	for _, eventType := range []string{"mandate.updated", "customer.created", "", "a.b.c", "checkout.session.completed.twice", strings.Repeat("x", 1000)} {
		wantAccepted(t, f.deliver(stripeevents.Hostile(t, stripeevents.SessionPaid, stripeevents.Set("type", eventType))))
	}
	f.wantCounts(map[string]float64{`events{result="ignored",type="other"}`: 6})
}

// TestDeliveryLag is from Stripe's making of the event to its being written: not where nothing was, and never less
// than nothing.
func TestDeliveryLag(t *testing.T) {
	for name, row := range map[string]struct {
		body        []byte
		twice       bool
		late        time.Duration
		count, lags float64
	}{
		"39 s":                    {paid(t), false, 0, 1, 39},
		"after a bad night":       {paid(t), false, 8 * time.Hour, 1, 8*3600 + 39},
		"a redelivery":            {paid(t), true, 0, 1, 39},
		"Stripe's clock is ahead": {paid(t, stripeevents.Set("created", now.Unix()+60)), false, 0, 1, 0},
		"not said":                {stripeevents.Hostile(t, stripeevents.SessionPaid, stripeevents.Drop("created")), false, 0, 0, 0},
		"of no interest":          {stripeevents.FromStripe(t, stripeevents.SessionExpired), false, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, interceptor.Funcs{}, order())
			f.clock.SetTime(now.Add(row.late))
			deliveries := 1
			if row.twice {
				deliveries = 2
			}
			for range deliveries {
				wantAccepted(t, f.send(request(t.Context(), row.body, stripeevents.Signature(secret, f.clock.Now(), row.body))))
			}
			if n := f.sample("delivery_lag_seconds_count"); n != row.count {
				t.Errorf("measured %v times", n)
			}
			if sum := f.sample("delivery_lag_seconds_sum"); sum != row.lags {
				t.Errorf("%v s", sum)
			}
		})
	}
}
