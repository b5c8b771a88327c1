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
)

// orphan is money that came through the link plink_1 and names no order.
func orphan(session string) payment.Fact { return throughLink("plink_1", paid("", session)) }

// TestOrphan: which payments without an order are orphans, and what becomes of them.
func TestOrphan(t *testing.T) {
	free := orphan("1")
	free.Session.Amount = 0
	onItsWay := throughLink("plink_1", unpaid("", "1"))
	lostReference := throughLink("plink_1", paid("unheard-of", "1"))
	full, part := refunded("1", 19900, true), refunded("1", 100, false)
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
		told    int
		comesIn int // minutes; 0 for any
	}{
		"names no order":               {orphan("1"), 0, nil, nil, orphaned, "Money without an Order: 199.00 USD in session cs_1 (pi_1) came through a PaymentLink, and it names no Order. Set spec.resolution.assignTo", 2, 60},
		"after three days":             {orphan("1"), 73 * 60, nil, nil, orphaned, "names no Order", 2, 60},
		"after forty days":             {orphan("1"), 40 * 24 * 60, nil, phase(orphaned), orphaned, "names no Order", 0, 60},
		"given up before":              {orphan("1"), 73 * 60, nil, phase(v1alpha1.StripeEventExpired), orphaned, "names no Order", 2, 60},
		"an unknown order, just now":   {lostReference, 0, nil, nil, parked, "has the reference unheard-of", 0, 0},
		"an unknown order":             {lostReference, 1, nil, nil, orphaned, "no Order has its reference unheard-of", 2, 60},
		"through another link":         {throughLink("plink_2", paid("unheard-of", "1")), 60, nil, nil, parked, "has the reference", 0, 0},
		"the link is deleted":          {throughLink("plink_2", paid("unheard-of", "1")), 60, nil, phase(orphaned), orphaned, "no Order has its reference", 0, 60},
		"costs nothing":                {free, 60, nil, nil, parked, "without naming an Order", 0, 0},
		"not paid yet":                 {onItsWay, 60, nil, nil, parked, "without naming an Order", 0, 0},
		"refunded in part":             {orphan("1"), 60, []payment.Fact{part}, nil, orphaned, "names no Order", 2, 60},
		"refunded":                     {orphan("1"), 60, []payment.Fact{full}, nil, closed, "An orphan payment, refunded in full: 199.00 USD in session cs_1 (pi_1).", 0, 0},
		"acknowledged":                 {orphan("1"), 60, nil, func(e *v1alpha1.StripeEvent) { e.Spec.Resolution.Acknowledged = true }, closed, "An orphan payment, acknowledged: 199.00 USD", 0, 0},
		"closed, and the link deleted": {throughLink("plink_2", paid("", "1")), 60, []payment.Fact{full}, phase(closed), closed, "refunded in full", 0, 0},
		"assigned":                     {orphan("1"), 60, nil, assign("o1"), applied, "Applied to Order shop/o1.", 0, 24 * 60},
		"assigned to no order":         {orphan("1"), 60, nil, assign("o9"), orphaned, "spec.resolution.assignTo: there is no Order shop/o9 that was given its checkout URL", 2, 60},
		"assigned to one not ready":    {orphan("1"), 60, nil, assign("o2"), orphaned, "spec.resolution.assignTo: there is no Order shop/o2 that was given its checkout URL", 2, 60},
		"assigned, of no link of ours": {throughLink("plink_2", paid("", "1")), 60, nil, assign("o1"), applied, "Applied to Order shop/o1.", 0, 24 * 60},
		"assigned elsewhere":           {throughLink("plink_1", paid("o3-uid", "1")), 60, nil, assign("o1"), applied, "Applied to Order shop/o1.", 0, 24 * 60},
	} {
		t.Run(name, func(t *testing.T) {
			e := kept(row.fact, minute*time.Duration(row.age))
			if row.change != nil {
				row.change(e)
			}
			objects := []client.Object{e, link("l"), order("o1", given), order("o2"), order("o3", given)}
			for _, fact := range row.also {
				objects = append(objects, kept(fact, 0))
			}
			s := newShop(t, interceptor.Funcs{}, objects...)
			result, after := s.reconcileEvent(e)
			if after == nil {
				t.Fatal("it was removed")
			}
			if after.Status.Phase != row.phase || !strings.Contains(after.Status.Message, row.says) {
				t.Errorf("%+v", after.Status)
			}
			told := s.told()
			if len(told) != row.told {
				t.Errorf("told %q", told)
			}
			for _, line := range told {
				if !strings.HasPrefix(line, "Warning OrphanPayment ") {
					t.Errorf("told %q", line)
				}
			}
			if row.comesIn != 0 && result.RequeueAfter != minute*time.Duration(row.comesIn) {
				t.Errorf("comes back in %s", result.RequeueAfter)
			}
			// A second look changes nothing, and tells nothing again.
			writes := s.writes
			if _, again := s.reconcileEvent(e); cmp.Diff(after, again) != "" || len(s.told()) != 0 || s.writes != writes {
				t.Error(cmp.Diff(after, again))
			}
		})
	}
}

// TestOrphanIsAssigned with all that is said of its payment: a twin event, refunds, a dispute.
func TestOrphanIsAssigned(t *testing.T) {
	first, twin, refund := kept(orphan("1"), hour), kept(orphan("1"), hour), kept(refunded("1", 19900, true), hour)
	twin.Name, twin.UID, twin.Spec.Fact.EventID = "evt-twin", "twin", "evt_twin"
	refund.Spec.Fact.Refund.Full, refund.Spec.Fact.Refund.AmountRefunded = false, 100
	s := newShop(t, interceptor.Funcs{}, first, twin, refund, link("l"), order("o1", given))
	all := []*v1alpha1.StripeEvent{first, twin, refund}
	for _, e := range all {
		if _, after := s.reconcileEvent(e); after.Status.Phase != v1alpha1.StripeEventOrphaned {
			t.Fatalf("%+v", after.Status)
		}
	}
	if told := s.told(); len(told) != 4 { // of each session's event, there and at the link
		t.Errorf("told %q", told)
	}
	s.read(first)
	first.Spec.Resolution.AssignTo = &v1alpha1.OrderReference{Namespace: "shop", Name: "o1"}
	s.must(s.api.Update(t.Context(), first))
	s.reconcileEvent(first)
	woken := names(s.kept.eventsAwaiting(t.Context(), s.order("o1")))
	if len(woken) != 3 {
		t.Errorf("the order wakes %v", woken)
	}
	for _, e := range all {
		if _, after := s.reconcileEvent(e); after.Status.Phase != v1alpha1.StripeEventApplied {
			t.Errorf("%+v", after.Status)
		}
	}
	got := s.order("o1").Status
	if got.Phase != v1alpha1.OrderPaid || got.AmountRefunded != 100 || len(got.Payments) != 1 {
		t.Errorf("the order is %+v", got)
	}
	// What comes later goes there too, though the session names no order, or another.
	late := orphan("1")
	late.EventID = "evt_late"
	if _, wrote, err := s.ledger.Record(t.Context(), late, nil); err != nil || wrote {
		t.Errorf("%v, %v", wrote, err)
	}
}

// TestOrphansKin: a refund wakes the session of its payment, and a session its refunds.
func TestOrphansKin(t *testing.T) {
	session, refund, other := kept(orphan("1"), 0), kept(refunded("1", 1, false), 0), kept(refunded("2", 1, false), 0)
	nothingDue := kept(paid("", "3"), 0)
	nothingDue.Spec.Fact.PaymentIntentID = ""
	s := newShop(t, interceptor.Funcs{}, session, refund, other, nothingDue)
	for _, row := range []struct {
		of   client.Object
		want []string
	}{
		{session, []string{client.ObjectKeyFromObject(refund).String()}},
		{refund, []string{client.ObjectKeyFromObject(session).String()}},
		{other, []string{}},
		{nothingDue, []string{}},
		{link("l"), []string{}},
	} {
		if diff := cmp.Diff(row.want, append([]string{}, names(s.kept.samePayment(t.Context(), row.of))...)); diff != "" {
			t.Errorf("%s: %s", row.of.GetName(), diff)
		}
	}
}

// TestClosedIsRemoved when what was given up would be, and an orphan never.
func TestClosedIsRemoved(t *testing.T) {
	closed, open := kept(orphan("1"), 30*day), kept(orphan("2"), 400*day)
	closed.Spec.Resolution.Acknowledged = true
	s := newShop(t, interceptor.Funcs{}, closed, open, link("l"))
	if _, after := s.reconcileEvent(closed); after != nil {
		t.Errorf("%+v", after.Status)
	}
	if _, after := s.reconcileEvent(open); after == nil || after.Status.Phase != v1alpha1.StripeEventOrphaned {
		t.Errorf("%+v", after)
	}
}

// TestOrphansMismatch: an order judges an assigned payment like any other.
func TestOrphansMismatch(t *testing.T) {
	fact := orphan("1")
	fact.Session.Amount = 100
	e := kept(fact, hour)
	e.Spec.Resolution.AssignTo = &v1alpha1.OrderReference{Namespace: "shop", Name: "o1"}
	s := newShop(t, interceptor.Funcs{}, e, order("o1", given))
	s.reconcileEvent(e)
	o := s.order("o1")
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
