package stripeevent

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// TestOrphan: the status of payments without an order.
func TestOrphan(t *testing.T) {
	free := orphan("1")
	free.Session.Amount = 0
	pending := fakeapi.MakeSession("1", "").Unpaid().PaymentLink("plink_1").Obj()
	lostReference := fakeapi.MakeSession("1", "unheard-of").PaymentLink("plink_1").Obj()
	full, part := fakeapi.MakeRefund("1", 19900).FullyRefunded().Obj(), fakeapi.MakeRefund("1", 100).Obj()
	assign := func(name string) func(*v1alpha1.StripeEvent) {
		return func(e *v1alpha1.StripeEvent) {
			e.Spec.Resolution.AssignTo = &v1alpha1.OrderReference{Namespace: "shop", Name: name}
		}
	}
	phase := func(p v1alpha1.StripeEventPhase) func(*v1alpha1.StripeEvent) {
		return func(e *v1alpha1.StripeEvent) { e.Status.Phase = p }
	}
	const parked, orphaned, closed, applied = v1alpha1.StripeEventParked, v1alpha1.StripeEventOrphaned, v1alpha1.StripeEventClosed, v1alpha1.StripeEventApplied
	for name, row := range map[string]struct {
		fact    payment.Fact
		age     int // minutes
		also    []payment.Fact
		change  func(*v1alpha1.StripeEvent)
		phase   v1alpha1.StripeEventPhase
		says    string
		events  int
		comesIn int // minutes; 0 for any
	}{
		"names no order":               {orphan("1"), 0, nil, nil, orphaned, "Money without an Order: 199.00 USD in session cs_1 (pi_1) came through a PaymentLink, and it names no Order. Set spec.resolution.assignTo", 2, 60},
		"after three days":             {orphan("1"), 73 * 60, nil, nil, orphaned, "names no Order", 2, 60},
		"after forty days":             {orphan("1"), 40 * 24 * 60, nil, phase(orphaned), orphaned, "names no Order", 0, 60},
		"given up before":              {orphan("1"), 73 * 60, nil, phase(v1alpha1.StripeEventExpired), orphaned, "names no Order", 2, 60},
		"an unknown order, just now":   {lostReference, 0, nil, nil, parked, "has the reference unheard-of", 0, 0},
		"an unknown order":             {lostReference, 1, nil, nil, orphaned, "no Order has its reference unheard-of", 2, 60},
		"through another link":         {fakeapi.MakeSession("1", "unheard-of").PaymentLink("plink_2").Obj(), 60, nil, nil, parked, "has the reference", 0, 0},
		"the link is deleted":          {fakeapi.MakeSession("1", "unheard-of").PaymentLink("plink_2").Obj(), 60, nil, phase(orphaned), orphaned, "no Order has its reference", 0, 60},
		"costs nothing":                {free, 60, nil, nil, parked, "without naming an Order", 0, 0},
		"not paid yet":                 {pending, 60, nil, nil, parked, "without naming an Order", 0, 0},
		"refunded in part":             {orphan("1"), 60, []payment.Fact{part}, nil, orphaned, "names no Order", 2, 60},
		"refunded":                     {orphan("1"), 60, []payment.Fact{full}, nil, closed, "An orphan payment, refunded in full: 199.00 USD in session cs_1 (pi_1).", 0, 0},
		"acknowledged":                 {orphan("1"), 60, nil, func(e *v1alpha1.StripeEvent) { e.Spec.Resolution.Acknowledged = true }, closed, "An orphan payment, acknowledged: 199.00 USD", 0, 0},
		"closed, and the link deleted": {fakeapi.MakeSession("1", "").PaymentLink("plink_2").Obj(), 60, []payment.Fact{full}, phase(closed), closed, "refunded in full", 0, 0},
		"assigned":                     {orphan("1"), 60, nil, assign("o1"), applied, "Applied to Order shop/o1.", 0, 24 * 60},
		"assigned to no order":         {orphan("1"), 60, nil, assign("o9"), orphaned, "spec.resolution.assignTo: there is no Order shop/o9 that was given its checkout URL", 2, 60},
		"assigned to one not ready":    {orphan("1"), 60, nil, assign("o2"), orphaned, "spec.resolution.assignTo: there is no Order shop/o2 that was given its checkout URL", 2, 60},
		"assigned, of no link of ours": {fakeapi.MakeSession("1", "").PaymentLink("plink_2").Obj(), 60, nil, assign("o1"), applied, "Applied to Order shop/o1.", 0, 24 * 60},
		"assigned elsewhere":           {fakeapi.MakeSession("1", "o3-uid").PaymentLink("plink_1").Obj(), 60, nil, assign("o1"), applied, "Applied to Order shop/o1.", 0, 24 * 60},
	} {
		t.Run(name, func(t *testing.T) {
			e := fakeapi.MakeStripeEvent(row.fact).Age(minute * time.Duration(row.age)).Obj()
			if row.change != nil {
				row.change(e)
			}
			objects := []client.Object{e, fakeapi.MakePaymentLink("l").Ready().Obj(), readyOrder("o1"), fakeapi.MakeOrder("o2").Obj(), fakeapi.MakeOrder("o3").Ready().Obj()}
			for _, fact := range row.also {
				objects = append(objects, fakeapi.MakeStripeEvent(fact).Obj())
			}
			f := newFixture(t, interceptor.Funcs{}, objects...)
			result, after := f.reconcileEvent(e)
			if after == nil {
				t.Fatal("it was removed")
			}
			if after.Status.Phase != row.phase || !strings.Contains(after.Status.Message, row.says) {
				t.Errorf("%+v", after.Status)
			}
			events := f.events()
			if len(events) != row.events {
				t.Errorf("Events: got %q", events)
			}
			for _, line := range events {
				if !strings.HasPrefix(line, "Warning OrphanPayment ") {
					t.Errorf("Events: got %q", line)
				}
			}
			if row.comesIn != 0 && result.RequeueAfter != minute*time.Duration(row.comesIn) {
				t.Errorf("RequeueAfter: got %s", result.RequeueAfter)
			}
			// The next reconciliation changes nothing, and raises no Event.
			writes := f.api.Calls().StatusWrites
			if _, again := f.reconcileEvent(e); cmp.Diff(after, again) != "" || len(f.events()) != 0 || f.api.Calls().StatusWrites != writes {
				t.Error(cmp.Diff(after, again))
			}
		})
	}
}

// TestOrphanIsAssigned with the other events of its payment: a second one of the session, and a refund.
func TestOrphanIsAssigned(t *testing.T) {
	first, twin, refund := fakeapi.MakeStripeEvent(orphan("1")).Age(hour).Obj(), fakeapi.MakeStripeEvent(orphan("1")).Age(hour).Obj(), fakeapi.MakeStripeEvent(fakeapi.MakeRefund("1", 19900).FullyRefunded().Obj()).Age(hour).Obj()
	twin.Name, twin.UID, twin.Spec.Fact.EventID = "evt-twin", "twin", "evt_twin"
	refund.Spec.Fact.Refund.Full, refund.Spec.Fact.Refund.AmountRefunded = false, 100
	f := newFixture(t, interceptor.Funcs{}, first, twin, refund, fakeapi.MakePaymentLink("l").Ready().Obj(), readyOrder("o1"))
	all := []*v1alpha1.StripeEvent{first, twin, refund}
	for _, e := range all {
		if _, after := f.reconcileEvent(e); after.Status.Phase != v1alpha1.StripeEventOrphaned {
			t.Fatalf("%+v", after.Status)
		}
	}
	if events := f.events(); len(events) != 4 { // one for each event of the session, and one for its link
		t.Errorf("Events: got %q", events)
	}
	f.api.Read(first)
	first.Spec.Resolution.AssignTo = &v1alpha1.OrderReference{Namespace: "shop", Name: "o1"}
	f.must(f.api.Direct.Update(t.Context(), first))
	f.reconcileEvent(first)
	enqueued := names(f.reconciler.eventsAwaiting(t.Context(), f.api.Order("o1")))
	if len(enqueued) != 3 {
		t.Errorf("enqueued: got %v, want 3", enqueued)
	}
	for _, e := range all {
		if _, after := f.reconcileEvent(e); after.Status.Phase != v1alpha1.StripeEventApplied {
			t.Errorf("%+v", after.Status)
		}
	}
	got := f.api.Order("o1").Status
	if got.Phase != v1alpha1.OrderPaid || got.AmountRefunded != 100 || len(got.Payments) != 1 {
		t.Errorf("order: got %+v", got)
	}
	// Later events of the session go there too, whichever order they name.
	late := orphan("1")
	late.EventID = "evt_late"
	if _, wrote, err := f.ledger.Record(t.Context(), late, nil); err != nil || wrote {
		t.Errorf("%v, %v", wrote, err)
	}
}

// TestEventsOfSamePayment: a refund enqueues the session of its payment, and a session its refunds.
func TestEventsOfSamePayment(t *testing.T) {
	session, refund, other := fakeapi.MakeStripeEvent(orphan("1")).Obj(), fakeapi.MakeStripeEvent(fakeapi.MakeRefund("1", 1).Obj()).Obj(), fakeapi.MakeStripeEvent(fakeapi.MakeRefund("2", 1).Obj()).Obj()
	nothingDue := fakeapi.MakeStripeEvent(fakeapi.MakeSession("3", "").Obj()).Obj()
	nothingDue.Spec.Fact.PaymentIntentID = ""
	f := newFixture(t, interceptor.Funcs{}, session, refund, other, nothingDue)
	for _, row := range []struct {
		of   client.Object
		want []string
	}{
		{session, []string{client.ObjectKeyFromObject(refund).String()}},
		{refund, []string{client.ObjectKeyFromObject(session).String()}},
		{other, []string{}},
		{nothingDue, []string{}},
		{fakeapi.MakePaymentLink("l").Ready().Obj(), []string{}},
	} {
		if diff := cmp.Diff(row.want, append([]string{}, names(f.reconciler.eventsOfSamePayment(t.Context(), row.of))...)); diff != "" {
			t.Errorf("%s: %s", row.of.GetName(), diff)
		}
	}
}

// TestClosedIsRemoved like an unresolved event, and an orphan never.
func TestClosedIsRemoved(t *testing.T) {
	closed, open := fakeapi.MakeStripeEvent(orphan("1")).Age(30*day).Obj(), fakeapi.MakeStripeEvent(orphan("2")).Age(400*day).Obj()
	closed.Spec.Resolution.Acknowledged = true
	f := newFixture(t, interceptor.Funcs{}, closed, open, fakeapi.MakePaymentLink("l").Ready().Obj())
	if _, after := f.reconcileEvent(closed); after != nil {
		t.Errorf("%+v", after.Status)
	}
	if _, after := f.reconcileEvent(open); after == nil || after.Status.Phase != v1alpha1.StripeEventOrphaned {
		t.Errorf("%+v", after)
	}
}

// TestAssignedMismatch: an assigned payment counts by the same rules as others.
func TestAssignedMismatch(t *testing.T) {
	fact := orphan("1")
	fact.Session.Amount = 100
	e := fakeapi.MakeStripeEvent(fact).Age(hour).Obj()
	e.Spec.Resolution.AssignTo = &v1alpha1.OrderReference{Namespace: "shop", Name: "o1"}
	f := newFixture(t, interceptor.Funcs{}, e, readyOrder("o1"))
	f.reconcileEvent(e)
	o := f.api.Order("o1")
	var reason string
	for _, c := range o.Status.Conditions {
		if c.Type == v1alpha1.ConditionNeedsAttention && c.Status == metav1.ConditionTrue {
			reason = c.Reason
		}
	}
	if o.Status.Phase == v1alpha1.OrderPaid || reason != v1alpha1.ReasonPaymentMismatch {
		t.Errorf("%+v", o.Status)
	}
}
