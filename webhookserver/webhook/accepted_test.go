package webhook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// TestAccepted: every kind of delivery that is answered 200. Stripe sends the bodies one after another. The test compares the
// count of the last one, and the objects in the API server.
func TestAccepted(t *testing.T) {
	fromStripe := func(sample string, changes ...stripeevents.Change) []byte {
		return stripeevents.FromStripe(t, sample, changes...)
	}
	ordered := []client.Object{order()}
	session, refund, withoutReference := fromStripe(stripeevents.SessionPaid), fromStripe(stripeevents.ChargeRefunded),
		fromStripe(stripeevents.SessionPaid, stripeevents.Set("data.object.client_reference_id", nil), stripeevents.Set("data.object.payment_link", nil))
	const completed = "checkout.session.completed"
	for name, row := range map[string]struct {
		objects []client.Object
		bodies  [][]byte
		// eventType and result are the labels of the last body.
		eventType, result string
		phase             v1alpha1.OrderPhase
		parked            int
	}{
		"paid":                   {ordered, [][]byte{session}, completed, "applied", v1alpha1.OrderPaid, 0},
		"paid, sent twice":       {ordered, [][]byte{session, session}, completed, "unchanged", v1alpha1.OrderPaid, 0},
		"debit pending":          {ordered, [][]byte{fromStripe(stripeevents.SessionUnpaid)}, completed, "applied", v1alpha1.OrderFailed, 0},
		"debit paid":             {ordered, [][]byte{fromStripe(stripeevents.SessionUnpaid), fromStripe(stripeevents.SessionAsyncSucceeded)}, "checkout.session.async_payment_succeeded", "applied", v1alpha1.OrderPaid, 0},
		"debit failed":           {ordered, [][]byte{fromStripe(stripeevents.SessionAsyncFailed)}, "checkout.session.async_payment_failed", "applied", v1alpha1.OrderFailed, 0},
		"another price":          {ordered, [][]byte{fromStripe(stripeevents.SessionOfAnotherPrice)}, completed, "applied", v1alpha1.OrderPending, 0},
		"the other mode":         {ordered, [][]byte{fromStripe(stripeevents.SessionPaid, stripeevents.Set("livemode", true))}, completed, "applied", v1alpha1.OrderPending, 0},
		"refunded":               {ordered, [][]byte{session, refund}, "charge.refunded", "applied", v1alpha1.OrderRefunded, 0},
		"refunded in part":       {ordered, [][]byte{session, fromStripe(stripeevents.ChargePartlyRefunded)}, "charge.refunded", "applied", v1alpha1.OrderPaid, 0},
		"refund failed":          {ordered, [][]byte{session, fromStripe(stripeevents.RefundFailed)}, "refund.failed", "applied", v1alpha1.OrderPaid, 0},
		"disputed":               {ordered, [][]byte{session, fromStripe(stripeevents.DisputeCreated)}, "charge.dispute.created", "applied", v1alpha1.OrderPaid, 0},
		"refund before payment":  {ordered, [][]byte{refund}, "charge.refunded", "parked", "", 1},
		"order unknown":          {nil, [][]byte{session}, completed, "parked", "", 1},
		"parked twice":           {nil, [][]byte{session, session}, completed, "unchanged", "", 1},
		"no reference":           {ordered, [][]byte{withoutReference}, completed, "ignored", "", 0},
		"of a connected account": {ordered, [][]byte{stripeevents.Newer(t, stripeevents.SessionPaid, stripeevents.Set("account", "acct_1Example"))}, completed, "ignored", "", 0},
		"of no interest":         {ordered, [][]byte{fromStripe(stripeevents.SessionExpired)}, "other", "ignored", "", 0},
		"of an unknown type":     {ordered, [][]byte{fromStripe(stripeevents.SessionPaid, stripeevents.Set("type", "mandate.updated"))}, "other", "ignored", "", 0},
		"thin":                   {ordered, [][]byte{[]byte(`{"id":"evt_thin","type":"v1.checkout.session.completed","created":"2026-10-09T08:54:21.000Z"}`)}, "other", "unusable", "", 0},
		"thin, of interest":      {ordered, [][]byte{[]byte(`{"id":"evt_thin","type":"charge.refunded","created":"2026-10-09T08:54:21.000Z"}`)}, "charge.refunded", "unusable", "", 0},
		"an empty object":        {ordered, [][]byte{[]byte(`{}`)}, "other", "unusable", "", 0},
		"null":                   {ordered, [][]byte{[]byte(`null`)}, "other", "unusable", "", 0},
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
			check.Equal(t, before+1, f.sample(kind), "%s", kind)
			if len(row.objects) > 0 {
				check.Equal(t, row.phase, f.api.Order(orderName).Status.Phase, "phase")
			}
			if got := f.api.StripeEvents(); len(got) != row.parked {
				t.Errorf("got StripeEvents %+v, want %d", got, row.parked)
			}
			f.wantSample("last_event_timestamp_seconds", float64(now.Unix()))
			f.wantSample("duration_seconds_count", float64(len(row.bodies)))
			f.wantSample("in_flight", 0)
		})
	}
}

// TestPaidOrder compares the status of a paid order.
func TestPaidOrder(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, order())
	wantAccepted(t, f.deliver(paid(t)))
	got := f.api.Order(orderName).Status
	if got.ProviderOrderID != session || got.ProviderCaptureID != intent || got.PaidAt.Unix() != 1760000061 || len(got.Payments) != 1 {
		t.Errorf("got status %+v, want the session, intent and time of the sample", got)
	}
}

// TestTypeLabel: unknown event types share a label, since each value of a label takes memory.
func TestTypeLabel(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, order())
	for _, eventType := range []string{"mandate.updated", "customer.created", "", "a.b.c", "checkout.session.completed.twice", strings.Repeat("x", 1000)} {
		wantAccepted(t, f.deliver(stripeevents.Hostile(t, stripeevents.SessionPaid, stripeevents.Set("type", eventType))))
	}
	f.wantCounts(map[string]float64{`events{result="ignored",type="other"}`: 6})
}

// TestDeliveryLag: the lag is the time from the event's creation to its write, and not negative. An event that is not written
// has none.
func TestDeliveryLag(t *testing.T) {
	for name, row := range map[string]struct {
		body       []byte
		twice      bool
		late       time.Duration
		count, sum float64
	}{
		"39 s":                    {paid(t), false, 0, 1, 39},
		"after an outage":         {paid(t), false, 8 * time.Hour, 1, 8*3600 + 39},
		"a redelivery":            {paid(t), true, 0, 1, 39},
		"Stripe's clock is ahead": {paid(t, stripeevents.Set("created", now.Unix()+60)), false, 0, 1, 0},
		"no creation time":        {stripeevents.Hostile(t, stripeevents.SessionPaid, stripeevents.Drop("created")), false, 0, 0, 0},
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
			f.wantSample("delivery_lag_seconds_count", row.count)
			f.wantSample("delivery_lag_seconds_sum", row.sum)
		})
	}
}
