package order

import (
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// ready returns the condition Ready of an order.
func (f *fixture) ready(name string) metav1.Condition {
	f.t.Helper()
	c := meta.FindStatusCondition(f.api.Order(name).Status.Conditions, v1alpha1.ConditionReady)
	if c == nil {
		f.t.Fatal("got no condition Ready")
	}
	return *c
}

// requeues reconciles order o1, and compares the time after which it is requeued.
func (f *fixture) requeues(want time.Duration) {
	f.t.Helper()
	if got := f.reconcile("o1").RequeueAfter; got != want {
		f.t.Errorf("RequeueAfter: got %s, want %s", got, want)
	}
}

// wrote compares the number of status writes.
func (f *fixture) wrote(want int) {
	f.t.Helper()
	if got := f.api.Calls().StatusWrites; got != want {
		f.t.Errorf("status writes: got %d, want %d", got, want)
	}
}

// TestOrderBecomesReady in one write, and is not written again.
func TestOrderBecomesReady(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), fakeapi.MakePaymentLink("l").Ready().Obj())
	f.clock.SetTime(now.Add(1500 * time.Millisecond))
	for range 3 {
		f.requeues(0)
	}
	f.wrote(1)
	got := f.api.Order("o1").Status
	if got.CheckoutURL != "https://buy.stripe.com/b?locale=de&client_reference_id=o1-uid" || got.ClientReferenceID != "o1-uid" ||
		got.PaymentLinkID != "plink_1" || got.Total != "199.00 USD" || got.ObservedGeneration != 1 {
		t.Errorf("status: got %+v, want the checkout URL through plink_1", got)
	}
	if c := f.ready("o1"); c.Status != metav1.ConditionTrue || c.ObservedGeneration != 1 || !c.LastTransitionTime.Time.Equal(now.Add(time.Second)) {
		t.Errorf("Ready: got %+v, want True in a whole second", c)
	}
	f.raised(t, "")
}

// TestReadyOrderKeepsItsLink: changes of the PaymentLink do not change a ready order.
func TestReadyOrderKeepsItsLink(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), fakeapi.MakePaymentLink("l").Ready().Obj())
	f.reconcile("o1")
	l := fakeapi.MakePaymentLink("l").Obj()
	f.api.Read(l)
	l.Spec.Amount, l.Spec.URL, l.Spec.PaymentLinkID = 24900, "https://buy.stripe.com/new", "plink_2"
	f.must(f.api.Direct.Update(t.Context(), l))
	f.reconcile("o1")
	f.must(f.api.Direct.Delete(t.Context(), l))
	f.reconcile("o1")
	f.wrote(1)
}

// TestInvalidOrderIsACondition, and no error: an error would be retried for ever.
func TestInvalidOrderIsACondition(t *testing.T) {
	byLink, byID := fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), fakeapi.MakeOrder("o1").OrderID("x").Obj()
	for name, row := range map[string]struct {
		order, other client.Object
		reason       string
	}{
		"invalid address":                 {fakeapi.MakeOrder("o1").URL("x").Obj(), nil, v1alpha1.ReasonInvalidSpec},
		"no such link":                    {byLink, nil, v1alpha1.ReasonPaymentLinkNotFound},
		"link of another namespace":       {byLink, fakeapi.MakePaymentLink("l").Namespace("annex").Ready().Obj(), v1alpha1.ReasonPaymentLinkNotFound},
		"duplicate":                       {byID, fakeapi.MakeOrder("o0").OrderID("x").Age(time.Minute).Obj(), v1alpha1.ReasonDuplicateOrderID},
		"duplicate, of another namespace": {byID, fakeapi.MakeOrder("o0").OrderID("x").Namespace("annex").Age(time.Minute).Obj(), v1alpha1.ReasonDuplicateOrderID},
		"duplicate, of the same second":   {byID, fakeapi.MakeOrder("o0").OrderID("x").Obj(), v1alpha1.ReasonDuplicateOrderID},
	} {
		t.Run(name, func(t *testing.T) {
			objects := []client.Object{row.order}
			if row.other != nil {
				objects = append(objects, row.other)
			}
			f := newFixture(t, interceptor.Funcs{}, objects...)
			f.requeues(0)
			f.requeues(0)
			f.wrote(1)
			if c := f.ready("o1"); c.Status != metav1.ConditionFalse || c.Reason != row.reason || f.api.Order("o1").Status.CheckoutURL != "" {
				t.Errorf("Ready: got %+v, want False, %s and no checkout URL", c, row.reason)
			}
		})
	}
}

// TestOrderExpires when its time is over and nothing was paid.
func TestOrderExpires(t *testing.T) {
	limited := fakeapi.MakeOrder("o1").ExpiresAfter(hour).Obj()
	for name, row := range map[string]struct {
		order   *v1alpha1.Order
		age     time.Duration
		requeue time.Duration
		expired bool
	}{
		"without limit":      {fakeapi.MakeOrder("o1").Obj(), 1000 * hour, 0, false},
		"just created":       {limited, 0, hour, false},
		"a second before":    {limited, hour - time.Second, time.Second, false},
		"on the second":      {limited, hour, 0, true},
		"long after":         {limited, 1000 * hour, 0, true},
		"not ready, in time": {fakeapi.MakeOrder("o1").PaymentLink("none").ExpiresAfter(hour).Obj(), hour, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, interceptor.Funcs{}, row.order)
			f.clock.SetTime(now.Add(row.age))
			f.requeues(row.requeue)
			got := f.api.Order("o1").Status
			if (got.ExpiredAt != nil) != row.expired || (got.Phase == v1alpha1.OrderFailed) != row.expired {
				t.Errorf("got expiredAt %v and phase %s, want expired %t", got.ExpiredAt, got.Phase, row.expired)
			}
			f.counts("orders_expired_total", map[bool]float64{true: 1}[row.expired])
			if !row.expired {
				return
			}
			f.requeues(0)
			if got := f.api.Order("o1").Status.CheckoutURL; got != "" || f.ready("o1").Reason != v1alpha1.ReasonExpired {
				t.Errorf("got checkout URL %q and reason %s, want none and Expired", got, f.ready("o1").Reason)
			}
			f.counts("orders_expired_total", 1)
		})
	}
}

// TestPaidOrderDoesNotExpire, and neither does one with a pending debit.
func TestPaidOrderDoesNotExpire(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, fakeapi.MakeOrder("o1").ExpiresAfter(hour).Obj())
	f.reconcile("o1")
	f.clock.SetTime(now.Add(2 * hour))
	for _, session := range []*fakeapi.FactBuilder{fakeapi.MakeSession("1", "o1-uid").Unpaid(), fakeapi.MakeSession("1", "o1-uid")} {
		f.apply(session.Obj())
		f.requeues(0)
		if got := f.api.Order("o1").Status.ExpiredAt; got != nil {
			t.Errorf("expiredAt: got %s, want none", got)
		}
	}
	f.counts("orders_expired_total", 0)
}

// TestReconcileErrors: a conflict or a deletion is no error, and a failing API server is one.
func TestReconcileErrors(t *testing.T) {
	for name, row := range map[string]struct {
		failures interceptor.Funcs
		want     error
		requeue  time.Duration
	}{
		"conflict":                {fakeapi.FailStatusPatch(fakeapi.Conflict("o1")), nil, time.Second},
		"deleted meanwhile":       {fakeapi.FailStatusPatch(apierrors.NewNotFound(fakeapi.OrderResource, "o1")), nil, 0},
		"API server unavailable":  {fakeapi.FailStatusPatch(errUnavailable), errUnavailable, 0},
		"link cannot be read":     {fakeapi.FailGet(errUnavailable, &v1alpha1.PaymentLink{}), errUnavailable, 0},
		"orders cannot be listed": {fakeapi.FailList(errUnavailable), errUnavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, row.failures, fakeapi.MakeOrder("o1").PaymentLink("l").ExpiresAfter(hour).Obj(), fakeapi.MakePaymentLink("l").Ready().Obj())
			f.clock.SetTime(now.Add(2 * hour))
			result, err := f.reconciler.Reconcile(t.Context(), f.api.Order("o1"))
			if !errors.Is(err, row.want) || result.RequeueAfter != row.requeue {
				t.Errorf("got %s and error %v, want %s and %v", result.RequeueAfter, err, row.requeue, row.want)
			}
			if got := f.api.Order("o1").Status; got.CheckoutURL != "" || got.ExpiredAt != nil {
				t.Errorf("status: got %+v, want no change", got)
			}
			f.raised(t, "")
		})
	}
}

// TestConflictIsRetried also if the order did not change: a proxy or an admission webhook can answer with a conflict.
func TestConflictIsRetried(t *testing.T) {
	f := newFixture(t, fakeapi.FailStatusPatches(2, fakeapi.Conflict("o1")), fakeapi.MakeOrder("o1").Obj())
	f.requeues(time.Second)
	f.requeues(time.Second)
	f.wrote(0)
	f.requeues(0)
	f.wrote(1)
}

// TestDeletedOrder: an order that is being deleted is not written.
func TestDeletedOrder(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, fakeapi.MakeOrder("o1").Obj())
	o := f.api.Order("o1")
	o.DeletionTimestamp = &metav1.Time{Time: now}
	_, err := f.reconciler.Reconcile(t.Context(), o)
	f.must(err)
	f.wrote(0)
}
