package stripeevent

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// names returns the names of requests, sorted.
func names(requests []reconcile.Request) []string {
	var all []string
	for _, r := range requests {
		all = append(all, r.String())
	}
	slices.Sort(all)
	return all
}

// TestOrderEnqueuesEvents that wait for its reference, for itself or for one of its payments. Applied ones too: the order can
// be created again.
func TestOrderEnqueuesEvents(t *testing.T) {
	applied := fakeapi.MakeStripeEvent(fakeapi.MakeSession("9", "o1-uid").Obj()).Obj()
	applied.Status.Phase = v1alpha1.StripeEventApplied
	expired := fakeapi.MakeStripeEvent(fakeapi.MakeSession("8", "o1-uid").Obj()).Obj()
	expired.Status.Phase = v1alpha1.StripeEventExpired
	session, refund, second := fakeapi.MakeStripeEvent(fakeapi.MakeSession("1", "o1-uid").Obj()).Obj(), fakeapi.MakeStripeEvent(fakeapi.MakeRefund("1", 100).Obj()).Obj(), fakeapi.MakeStripeEvent(fakeapi.MakeRefund("2", 100).Obj()).Obj()
	nameless := fakeapi.MakeStripeEvent(fakeapi.MakeSession("7", "").Obj()).Obj()
	assigned, elsewhere := fakeapi.MakeStripeEvent(fakeapi.MakeSession("6", "").Obj()).Obj(), fakeapi.MakeStripeEvent(fakeapi.MakeSession("5", "").Obj()).Obj()
	assigned.Spec.Resolution.AssignTo = &v1alpha1.OrderReference{Namespace: "shop", Name: "o1"}
	elsewhere.Spec.Resolution.AssignTo = &v1alpha1.OrderReference{Namespace: "annex", Name: "o1"}
	f := newFixture(t, interceptor.Funcs{}, applied, expired, session, refund, second, nameless, assigned, elsewhere, fakeapi.MakeStripeEvent(fakeapi.MakeSession("3", "o2-uid").Obj()).Obj(), fakeapi.MakeStripeEvent(fakeapi.MakeRefund("3", 100).Obj()).Obj())
	o := fakeapi.MakeOrder("o1").With(func(o *v1alpha1.Order) {
		o.Status.Payments = []v1alpha1.Payment{{SessionID: "cs_1", PaymentIntentID: "pi_1"}, {SessionID: "cs_2", PaymentIntentID: "pi_2"}, {SessionID: "cs_3"}}
	}).Obj()
	want := []string{}
	for _, e := range []*v1alpha1.StripeEvent{applied, expired, session, refund, second, assigned} {
		want = append(want, client.ObjectKeyFromObject(e).String())
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, names(f.reconciler.eventsAwaiting(t.Context(), o))); diff != "" {
		t.Error(diff)
	}
}

// TestRefundBeforePayment is enqueued by its payment, and applied.
func TestRefundBeforePayment(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, readyOrder("o1"))
	f.apply(fakeapi.MakeRefund("1", 19900).FullyRefunded().Obj())
	f.apply(fakeapi.MakeSession("1", "o1-uid").Obj())
	enqueued := f.reconciler.eventsAwaiting(t.Context(), f.api.Order("o1"))
	if len(enqueued) != 1 {
		t.Fatalf("enqueued: got %v, want 1", enqueued)
	}
	e := &v1alpha1.StripeEvent{ObjectMeta: metav1.ObjectMeta{Namespace: enqueued[0].Namespace, Name: enqueued[0].Name}}
	f.api.Read(e)
	if _, err := f.reconciler.Reconcile(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if phase := f.api.Order("o1").Status.Phase; phase != v1alpha1.OrderRefunded {
		t.Errorf("order: got phase %s", phase)
	}
	writes := f.api.Calls().StatusWrites
	f.api.Read(e)
	if _, err := f.reconciler.Reconcile(t.Context(), e); err != nil || f.api.Calls().StatusWrites != writes {
		t.Errorf("enqueued once more it wrote %d times (%v)", f.api.Calls().StatusWrites-writes, err)
	}
}
