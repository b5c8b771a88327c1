package stripeevent

import (
	"context"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// TestStatusByAge: the status depends on the age of the event, and on whether its order is known.
func TestStatusByAge(t *testing.T) {
	for name, row := range map[string]struct {
		age   time.Duration
		known bool
		phase v1alpha1.StripeEventPhase // "" for removed
		comes time.Duration
	}{
		"created now":                      {0, false, v1alpha1.StripeEventParked, 5 * time.Second},
		"by a fast clock":                  {-minute, false, v1alpha1.StripeEventParked, 5 * time.Second},
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
			e := fakeapi.MakeStripeEvent(fakeapi.MakeSession("1", "o1-uid").Obj()).Age(row.age).Obj()
			objects := []client.Object{e}
			if row.known {
				objects = append(objects, readyOrder("o1"))
			}
			f := newFixture(t, interceptor.Funcs{}, objects...)
			result, after := f.reconcileEvent(e)
			if result.RequeueAfter != row.comes {
				t.Errorf("RequeueAfter: got %s, want %s", result.RequeueAfter, row.comes)
			}
			if (after == nil) != (row.phase == "") || after != nil && after.Status.Phase != row.phase {
				t.Errorf("event: got %+v", after)
			}
			if row.known && f.api.Order("o1").Status.Phase != v1alpha1.OrderPaid {
				t.Errorf("order: got %+v", f.api.Order("o1").Status)
			}
		})
	}
}

// TestAppliedEvent names its order, is not written again, and is removed after a day.
func TestAppliedEvent(t *testing.T) {
	e := fakeapi.MakeStripeEvent(fakeapi.MakeSession("1", "o1-uid").Obj()).Age(hour).Obj()
	f := newFixture(t, interceptor.Funcs{}, e, readyOrder("o1"))
	_, after := f.reconcileEvent(e)
	if after.Status.AppliedAt == nil || !after.Status.AppliedAt.Time.Equal(now) || after.Status.OrderRef == nil ||
		*after.Status.OrderRef != (v1alpha1.OrderReference{Namespace: "shop", Name: "o1"}) || after.Status.Message != "Applied to Order shop/o1." {
		t.Errorf("event: got status %+v", after.Status)
	}
	writes := f.api.Calls().StatusWrites
	f.clock.SetTime(now.Add(day - time.Second))
	result, after := f.reconcileEvent(e)
	if after == nil || result.RequeueAfter != time.Second || f.api.Calls().StatusWrites != writes {
		t.Errorf("a second before: got RequeueAfter %s, %d writes and %+v", result.RequeueAfter, f.api.Calls().StatusWrites-writes, after)
	}
	f.clock.SetTime(now.Add(day))
	if result, after = f.reconcileEvent(e); after != nil || result.RequeueAfter != 0 {
		t.Errorf("after a day: %+v", after)
	}
	if events := f.events(); len(events) != 0 {
		t.Errorf("Events: got %q", events)
	}
}

// TestAppliedToRecreatedOrder: an order that was deleted and made again with its id is events what is known of it.
func TestAppliedToRecreatedOrder(t *testing.T) {
	e := fakeapi.MakeStripeEvent(fakeapi.MakeSession("1", "shop-77").Obj()).Age(hour).Obj()
	f := newFixture(t, interceptor.Funcs{}, e, fakeapi.MakeOrder("o1").OrderID("shop-77").Ready().Obj())
	f.reconcileEvent(e)
	f.must(f.api.Direct.Delete(t.Context(), f.api.Order("o1")))
	again := fakeapi.MakeOrder("o2").OrderID("shop-77").Ready().Obj()
	f.must(f.api.Direct.Create(t.Context(), again))
	if enqueued := f.reconciler.eventsAwaiting(t.Context(), again); len(enqueued) != 1 {
		t.Errorf("enqueued: got %v, want 1", enqueued)
	}
	f.reconcileEvent(e)
	if phase := f.api.Order("o2").Status.Phase; phase != v1alpha1.OrderPaid {
		t.Errorf("order: got phase %s", phase)
	}
}

// TestAppliedByHand: a person can set only the phase, to have an event removed.
func TestAppliedByHand(t *testing.T) {
	e := fakeapi.MakeStripeEvent(fakeapi.MakeSession("1", "o1-uid").Obj()).Age(23 * hour).Obj()
	e.Status.Phase = v1alpha1.StripeEventApplied
	f := newFixture(t, interceptor.Funcs{}, e)
	if result, after := f.reconcileEvent(e); after == nil || result.RequeueAfter != hour {
		t.Errorf("RequeueAfter: got %s, event %+v", result.RequeueAfter, after)
	}
}

// TestExpiredEvent is events once, in an Event and in a metric, and is still applied if its order comes.
func TestExpiredEvent(t *testing.T) {
	e := fakeapi.MakeStripeEvent(fakeapi.MakeSession("1", "shop-77").Obj()).Age(72 * hour).Obj()
	f := newFixture(t, interceptor.Funcs{}, e)
	for range 3 {
		_, after := f.reconcileEvent(e)
		if after.Status.Phase != v1alpha1.StripeEventExpired || !after.Status.ExpiredAt.Time.Equal(now) {
			t.Errorf("event: got status %+v", after.Status)
		}
		f.clock.SetTime(f.clock.Now().Add(hour))
	}
	events := f.events()
	if len(events) != 1 || !strings.HasPrefix(events[0], "Warning Expired Expired before it could be applied: No Order that was given its checkout URL has the reference shop-77") {
		t.Errorf("Events: got %q", events)
	}
	f.counts(`stripe_events_expired_total{type="checkout.session.completed"}`, 1)
	if f.api.Calls().StatusWrites != 1 {
		t.Errorf("status writes: got %d, want 1", f.api.Calls().StatusWrites)
	}

	f.must(f.api.Direct.Create(t.Context(), fakeapi.MakeOrder("o1").OrderID("shop-77").Ready().Obj()))
	_, after := f.reconcileEvent(e)
	if after.Status.Phase != v1alpha1.StripeEventApplied || after.Status.ExpiredAt != nil {
		t.Errorf("event: got status %+v", after.Status)
	}
	if phase := f.api.Order("o1").Status.Phase; phase != v1alpha1.OrderPaid {
		t.Errorf("order: got phase %s", phase)
	}
	f.counts(`stripe_events_expired_total{type="checkout.session.completed"}`, 1)
	if events := f.events(); len(events) != 0 {
		t.Errorf("Events: got %q", events)
	}
}

// TestExpiredOnce: another reason to wait raises no second Event.
func TestExpiredOnce(t *testing.T) {
	e := fakeapi.MakeStripeEvent(fakeapi.MakeSession("1", "o1-uid").Obj()).Age(72 * hour).Obj()
	refuses := interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
		if _, is := o.(*metav1.PartialObjectMetadata); is { // an order, by the ledger
			return apierrors.NewInvalid(schema.GroupKind{Kind: "Order"}, "o1", nil)
		}
		return c.SubResource(sub).Patch(ctx, o, p, opts...)
	}}
	f := newFixture(t, refuses, e)
	f.reconcileEvent(e)
	f.must(f.api.Direct.Create(t.Context(), readyOrder("o1")))
	_, after := f.reconcileEvent(e)
	if !strings.Contains(after.Status.Message, "refuses the order's new status") || f.api.Calls().StatusWrites != 2 {
		t.Errorf("%d writes, and the event is %+v", f.api.Calls().StatusWrites, after.Status)
	}
	if events := f.events(); len(events) != 1 {
		t.Errorf("Events: got %q", events)
	}
	f.counts(`stripe_events_expired_total{type="checkout.session.completed"}`, 1)
}

// TestWaitingMessage: the message names the missing object and the remedy.
func TestWaitingMessage(t *testing.T) {
	for name, row := range map[string]struct {
		fact payment.Fact
		want string
	}{
		"an order":   {fakeapi.MakeSession("1", "shop-77").Obj(), "No Order that was given its checkout URL has the reference shop-77: create one with that orderId, or look up session cs_1 at Stripe."},
		"a payment":  {fakeapi.MakeRefund("1", 1).Obj(), "No Order has the payment pi_1: look it up at Stripe."},
		"no one can": {fakeapi.MakeSession("1", "").Obj(), "Session cs_1 came through a link of ours without naming an Order: look it up at Stripe."},
	} {
		t.Run(name, func(t *testing.T) {
			e := fakeapi.MakeStripeEvent(row.fact).Obj()
			f := newFixture(t, interceptor.Funcs{}, e)
			if _, after := f.reconcileEvent(e); after.Status.Message != row.want {
				t.Errorf("%q", after.Status.Message)
			}
			if f.reconcileEvent(e); f.api.Calls().StatusWrites != 1 {
				t.Errorf("status writes: got %d, want 1", f.api.Calls().StatusWrites)
			}
		})
	}
}

// TestRetention: settings that would remove an event before a person sees it are refused.
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
		"short but sensible":                 {Retention{time.Second, time.Second, time.Second}, true},
		"applied ones are never there":       {Retention{0, time.Second, time.Second}, false},
		"waits not at all":                   {Retention{time.Second, 0, time.Second}, false},
		"negative":                           {Retention{-1, time.Second, time.Second}, false},
		"removed before anybody is events":   {Retention{time.Second, 2 * time.Second, time.Second}, false},
		"removed as soon as it is events of": {Retention{time.Second, 2 * time.Second, 2 * time.Second}, true},
	} {
		if err := row.retention.Check(); (err == nil) != row.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
