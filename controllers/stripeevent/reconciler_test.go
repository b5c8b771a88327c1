package stripeevent

import (
	"context"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
)

// kept is a fact as the ledger parks it, this long ago.
func kept(fact payment.Fact, ago time.Duration) *v1alpha1.StripeEvent {
	return &v1alpha1.StripeEvent{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "paylink-system", Name: ledger.EventName(fact.EventID), UID: types.UID(fact.EventID), CreationTimestamp: metav1.NewTime(now.Add(-ago)),
		},
		Spec:   v1alpha1.StripeEventSpec{Fact: v1alpha1.StripeEventFact(fact)},
		Status: v1alpha1.StripeEventStatus{Phase: v1alpha1.StripeEventParked},
	}
}

// reconcileEvent looks at an event, and returns it as it is then; nil where it was removed.
func (s *shop) reconcileEvent(e *v1alpha1.StripeEvent) (ctrl.Result, *v1alpha1.StripeEvent) {
	s.t.Helper()
	s.read(e)
	result, err := s.kept.Reconcile(s.t.Context(), e)
	s.must(err)
	after := e.DeepCopy()
	err = s.api.Get(s.t.Context(), client.ObjectKeyFromObject(e), after)
	if apierrors.IsNotFound(err) {
		return result, nil
	}
	s.must(err)
	return result, after
}

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

// TestKeptEvent is what becomes of an event by its age, while its order is unknown and when it is known.
func TestKeptEvent(t *testing.T) {
	for name, row := range map[string]struct {
		age   time.Duration
		known bool
		phase v1alpha1.StripeEventPhase // "" for removed
		comes time.Duration
	}{
		"made this moment":                 {0, false, v1alpha1.StripeEventParked, 5 * time.Second},
		"by a clock that is ahead":         {-minute, false, v1alpha1.StripeEventParked, 5 * time.Second},
		"5 s":                              {5 * time.Second, false, v1alpha1.StripeEventParked, 5 * time.Second},
		"a minute: as long again":          {minute, false, v1alpha1.StripeEventParked, minute},
		"half an hour: as long again":      {30 * minute, false, v1alpha1.StripeEventParked, 30 * minute},
		"10 hours: an hour at most":        {10 * hour, false, v1alpha1.StripeEventParked, hour},
		"20 minutes before it expires":     {72*hour - 20*minute, false, v1alpha1.StripeEventParked, 20 * minute},
		"expires":                          {72 * hour, false, v1alpha1.StripeEventExpired, hour},
		"10 days":                          {10 * day, false, v1alpha1.StripeEventExpired, hour},
		"20 minutes before it is removed":  {30*day - 20*minute, false, v1alpha1.StripeEventExpired, 20 * minute},
		"removed":                          {30 * day, false, "", 0},
		"known at once":                    {0, true, v1alpha1.StripeEventApplied, day},
		"known after 10 hours":             {10 * hour, true, v1alpha1.StripeEventApplied, day},
		"known after it should be expired": {10 * day, true, v1alpha1.StripeEventApplied, day},
		"known after it should be removed": {31 * day, true, v1alpha1.StripeEventApplied, day},
	} {
		t.Run(name, func(t *testing.T) {
			e := kept(paid("o1-uid", "1"), row.age)
			objects := []client.Object{e}
			if row.known {
				objects = append(objects, order("o1", given))
			}
			s := newShop(t, interceptor.Funcs{}, objects...)
			result, after := s.reconcileEvent(e)
			if result.RequeueAfter != row.comes {
				t.Errorf("comes back in %s, not %s", result.RequeueAfter, row.comes)
			}
			if (after == nil) != (row.phase == "") || after != nil && after.Status.Phase != row.phase {
				t.Errorf("the event is %+v", after)
			}
			if row.known && s.order("o1").Status.Phase != v1alpha1.OrderPaid {
				t.Errorf("the order is %+v", s.order("o1").Status)
			}
		})
	}
}

// TestAppliedEvent says where its fact went, is looked at no more, and is removed after a day.
func TestAppliedEvent(t *testing.T) {
	e := kept(paid("o1-uid", "1"), hour)
	s := newShop(t, interceptor.Funcs{}, e, order("o1", given))
	_, after := s.reconcileEvent(e)
	if after.Status.AppliedAt == nil || !after.Status.AppliedAt.Time.Equal(now) || after.Status.OrderRef == nil ||
		*after.Status.OrderRef != (v1alpha1.OrderReference{Namespace: "shop", Name: "o1"}) || after.Status.Message != "Applied to Order shop/o1." {
		t.Errorf("the event is %+v", after.Status)
	}
	writes := s.writes
	s.clock.SetTime(now.Add(day - time.Second))
	result, after := s.reconcileEvent(e)
	if after == nil || result.RequeueAfter != time.Second || s.writes != writes {
		t.Errorf("a second before: comes back in %s, %d writes, %+v", result.RequeueAfter, s.writes-writes, after)
	}
	s.clock.SetTime(now.Add(day))
	if result, after = s.reconcileEvent(e); after != nil || result.RequeueAfter != 0 {
		t.Errorf("after a day: %+v", after)
	}
	if told := s.told(); len(told) != 0 {
		t.Errorf("told %q", told)
	}
}

// TestAppliedToAnOrderMadeAnew: an order that was deleted and made again with its id is told what is known of it.
func TestAppliedToAnOrderMadeAnew(t *testing.T) {
	e := kept(paid("shop-77", "1"), hour)
	s := newShop(t, interceptor.Funcs{}, e, order("o1", orderID("shop-77"), given))
	s.reconcileEvent(e)
	s.must(s.api.Delete(t.Context(), s.order("o1")))
	again := order("o2", orderID("shop-77"), given)
	s.must(s.api.Create(t.Context(), again))
	if woken := s.kept.eventsAwaiting(t.Context(), again); len(woken) != 1 {
		t.Errorf("woken: %v", woken)
	}
	s.reconcileEvent(e)
	if phase := s.order("o2").Status.Phase; phase != v1alpha1.OrderPaid {
		t.Errorf("the order is %s", phase)
	}
}

// TestAppliedByHand: a person may set the phase alone, to have an event removed.
func TestAppliedByHand(t *testing.T) {
	e := kept(paid("o1-uid", "1"), 23*hour)
	e.Status.Phase = v1alpha1.StripeEventApplied
	s := newShop(t, interceptor.Funcs{}, e)
	if result, after := s.reconcileEvent(e); after == nil || result.RequeueAfter != hour {
		t.Errorf("comes back in %s, %+v", result.RequeueAfter, after)
	}
}

// TestExpiredEvent is told once, in an Event and in a metric, and is still applied if its order comes.
func TestExpiredEvent(t *testing.T) {
	e := kept(paid("shop-77", "1"), 72*hour)
	s := newShop(t, interceptor.Funcs{}, e)
	for range 3 {
		_, after := s.reconcileEvent(e)
		if after.Status.Phase != v1alpha1.StripeEventExpired || !after.Status.ExpiredAt.Time.Equal(now) {
			t.Errorf("the event is %+v", after.Status)
		}
		s.clock.SetTime(s.clock.Now().Add(hour))
	}
	told := s.told()
	if len(told) != 1 || !strings.HasPrefix(told[0], "Warning Expired Waited in vain: No Order that was given its checkout URL has the reference shop-77") {
		t.Errorf("told %q", told)
	}
	s.counted(`stripe_events_expired_total{type="checkout.session.completed"}`, 1)
	if s.writes != 1 {
		t.Errorf("%d writes", s.writes)
	}

	s.must(s.api.Create(t.Context(), order("o1", orderID("shop-77"), given)))
	_, after := s.reconcileEvent(e)
	if after.Status.Phase != v1alpha1.StripeEventApplied || after.Status.ExpiredAt != nil {
		t.Errorf("the event is %+v", after.Status)
	}
	if phase := s.order("o1").Status.Phase; phase != v1alpha1.OrderPaid {
		t.Errorf("the order is %s", phase)
	}
	s.counted(`stripe_events_expired_total{type="checkout.session.completed"}`, 1)
	if told := s.told(); len(told) != 0 {
		t.Errorf("told %q", told)
	}
}

// TestExpiredIsToldOnce, also where it turns out later that something else is in the way.
func TestExpiredIsToldOnce(t *testing.T) {
	e := kept(paid("o1-uid", "1"), 72*hour)
	refuses := interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
		if _, is := o.(*metav1.PartialObjectMetadata); is { // an order, by the ledger
			return apierrors.NewInvalid(schema.GroupKind{Kind: "Order"}, "o1", nil)
		}
		return c.SubResource(sub).Patch(ctx, o, p, opts...)
	}}
	s := newShop(t, refuses, e)
	s.reconcileEvent(e)
	s.must(s.api.Create(t.Context(), order("o1", given)))
	_, after := s.reconcileEvent(e)
	if !strings.Contains(after.Status.Message, "refuses the order's new status") || s.writes != 2 {
		t.Errorf("%d writes, and the event is %+v", s.writes, after.Status)
	}
	if told := s.told(); len(told) != 1 {
		t.Errorf("told %q", told)
	}
	s.counted(`stripe_events_expired_total{type="checkout.session.completed"}`, 1)
}

// TestWaitsFor: the message says what is missing and what a person can do.
func TestWaitsFor(t *testing.T) {
	for name, row := range map[string]struct {
		fact payment.Fact
		want string
	}{
		"an order":   {paid("shop-77", "1"), "No Order that was given its checkout URL has the reference shop-77: create one with that orderId, or look up session cs_1 at Stripe."},
		"a payment":  {refunded("1", 1, false), "No Order has the payment pi_1: look it up at Stripe."},
		"no one can": {paid("", "1"), "Session cs_1 came through a link of ours without naming an Order: look it up at Stripe."},
	} {
		t.Run(name, func(t *testing.T) {
			e := kept(row.fact, 0)
			s := newShop(t, interceptor.Funcs{}, e)
			if _, after := s.reconcileEvent(e); after.Status.Message != row.want {
				t.Errorf("%q", after.Status.Message)
			}
			if s.reconcileEvent(e); s.writes != 1 {
				t.Errorf("%d writes", s.writes)
			}
		})
	}
}

// TestRetention: settings that would lose what a person must see are refused.
func TestRetention(t *testing.T) {
	if err := DefaultRetention().Check(); err != nil {
		t.Errorf("the default: %v", err)
	}
	if got := DefaultRetention(); got != (Retention{Applied: day, ExpireAfter: 3 * day, Unresolved: 30 * day}) {
		t.Errorf("the default is %+v", got)
	}
	for name, row := range map[string]struct {
		retention Retention
		ok        bool
	}{
		"short but sensible":               {Retention{time.Second, time.Second, time.Second}, true},
		"applied ones are never there":     {Retention{0, time.Second, time.Second}, false},
		"waits not at all":                 {Retention{time.Second, 0, time.Second}, false},
		"negative":                         {Retention{-1, time.Second, time.Second}, false},
		"removed before anybody is told":   {Retention{time.Second, 2 * time.Second, time.Second}, false},
		"removed as soon as it is told of": {Retention{time.Second, 2 * time.Second, 2 * time.Second}, true},
	} {
		if err := row.retention.Check(); (err == nil) != row.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
