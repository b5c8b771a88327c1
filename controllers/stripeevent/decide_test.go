package stripeevent

import (
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// TestDecide: the next status and the next reconciliation are a function of the event and of the inputs.
func TestDecide(t *testing.T) {
	const parked, applied, expired, orphaned, isClosed = v1alpha1.StripeEventParked, v1alpha1.StripeEventApplied, v1alpha1.StripeEventExpired, v1alpha1.StripeEventOrphaned, v1alpha1.StripeEventClosed
	event := func() *fakeapi.StripeEventBuilder {
		return fakeapi.MakeStripeEvent(throughLink("1", "unknown").Obj()).Age(hour)
	}
	refund := fakeapi.MakeStripeEvent(fakeapi.MakeRefund("1", 19900).FullyRefunded().Obj()).Age(hour)
	unknown := inputs{recordErr: ledger.ErrUnknown}
	rejected := inputs{recordErr: apierrors.NewInvalid(schema.GroupKind{Kind: "Order"}, "o1", nil)}
	recorded := inputs{order: readyOrder("o1")}
	related := func(events ...*v1alpha1.StripeEvent) inputs {
		in := inputs{recordErr: ledger.ErrUnknown, links: []v1alpha1.PaymentLink{{}}}
		for _, e := range events {
			in.related = append(in.related, *e)
		}
		return in
	}
	for name, row := range map[string]struct {
		event   *fakeapi.StripeEventBuilder
		in      inputs
		phase   v1alpha1.StripeEventPhase
		message string
		requeue time.Duration // 0: removed
	}{
		"recorded":                 {event(), recorded, applied, "Applied to Order shop/o1.", day},
		"applied, recorded again":  {event().Phase(applied), recorded, applied, "", 23 * hour},
		"applied, order deleted":   {event().Phase(applied), unknown, applied, "", 23 * hour},
		"applied, long ago":        {event().Phase(applied).Age(day), recorded, applied, "", 0},
		"rejected":                 {event(), rejected, parked, "The API server refuses the order's new status", hour},
		"unknown, new":             {event().Age(0), unknown, parked, "No Order that was given its checkout URL", 5 * time.Second},
		"unknown":                  {event().Age(minute), unknown, parked, "No Order that was given its checkout URL", minute},
		"unknown, expires":         {event().Age(3 * day), unknown, expired, "No Order that was given its checkout URL", hour},
		"unknown, before removal":  {event().Age(30*day - minute), unknown, expired, "No Order", minute},
		"unknown, removed":         {event().Age(30 * day), unknown, expired, "No Order", 0},
		"orphan, in grace":         {event().Age(minute - time.Second), related(), parked, "No Order", minute - time.Second},
		"orphan":                   {event(), related(), orphaned, "Money without an Order", hour},
		"orphan, old":              {event().Age(400 * day), related(), orphaned, "Money without an Order", hour},
		"orphan, link deleted":     {event().Phase(orphaned), unknown, orphaned, "Money without an Order", hour},
		"orphan, acknowledged":     {event().Acknowledged(), related(), isClosed, "An orphan payment, acknowledged", hour},
		"orphan, refunded":         {event(), related(refund.Obj()), isClosed, "An orphan payment, refunded in full", hour},
		"refund, unknown payment":  {refund, unknown, parked, "No Order has the payment pi_1", hour},
		"refund, orphaned payment": {refund, related(event().Phase(orphaned).Obj()), orphaned, "Follows the orphan payment in StripeEvent ", hour},
		"refund, closed payment":   {refund, related(event().Phase(isClosed).Obj()), isClosed, "Follows the orphan payment in StripeEvent ", hour},
		"refund, foreign payment":  {refund, inputs{recordErr: ledger.ErrUnknown, owner: foreign}, parked, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			row.in.now = now
			got := decide(row.event.Obj(), row.in, DefaultRetention())
			if got.status.Phase != row.phase || !strings.HasPrefix(got.status.Message, row.message) {
				t.Errorf("status: got %+v, want %s and %q", got.status, row.phase, row.message)
			}
			if got.requeueAfter != row.requeue {
				t.Errorf("requeueAfter: got %s, want %s", got.requeueAfter, row.requeue)
			}
			if (got.status.ExpiredAt != nil) != (row.phase == expired) {
				t.Errorf("expiredAt: got %v in phase %s", got.status.ExpiredAt, row.phase)
			}
		})
	}
}
