package order

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ordercache"
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

// enqueued returns the names that a change enqueues.
func (f *fixture) enqueued(change ordercache.Change) []string {
	return names(f.reconciler.handleChange(f.t.Context(), change))
}

func compareNames(t *testing.T, name string, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got): %s", name, diff)
	}
}

// TestLinkEnqueuesWaitingOrders: only those without a checkout URL.
func TestLinkEnqueuesWaitingOrders(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{},
		fakeapi.MakeOrder("a").PaymentLink("l").Obj(), fakeapi.MakeOrder("b").PaymentLink("l").Obj(), fakeapi.MakeOrder("ready").PaymentLink("l").Ready().Obj(),
		fakeapi.MakeOrder("other").PaymentLink("other").Obj(), fakeapi.MakeOrder("url").Obj(), fakeapi.MakeOrder("c").PaymentLink("l").Namespace("annex").Obj())
	for link, want := range map[string][]string{"l": {"shop/a", "shop/b"}, "new": nil} {
		compareNames(t, link, want, names(f.reconciler.ordersOfLink(t.Context(), fakeapi.MakePaymentLink(link).Obj())))
	}
}

// TestReferenceAfterDeletion: the id of a deleted order goes to the next oldest order of the same id.
func TestReferenceAfterDeletion(t *testing.T) {
	first := fakeapi.MakeOrder("first").OrderID("x").Age(2 * hour).Obj()
	f := newFixture(t, interceptor.Funcs{}, first, fakeapi.MakeOrder("a").OrderID("x").Age(hour).Obj(),
		fakeapi.MakeOrder("b").OrderID("x").Namespace("annex").Obj(), fakeapi.MakeOrder("c").OrderID("y").Obj())
	f.reconcile("a")
	if got := f.api.Order("a").Status.CheckoutURL; got != "" {
		t.Fatalf("duplicate: got checkout URL %q, want none", got)
	}
	f.must(f.api.Direct.Delete(t.Context(), first.DeepCopy()))
	compareNames(t, "enqueued", []string{"annex/b", "shop/a"}, f.enqueued(ordercache.Change{Old: first}))
	f.reconcile("a")
	if got, want := f.api.Order("a").Status.CheckoutURL, "https://buy.stripe.com/a?client_reference_id=x"; got != want {
		t.Errorf("next oldest: got checkout URL %q, want %q", got, want)
	}
	compareNames(t, "enqueued by an update", nil, f.enqueued(ordercache.Change{Old: first, New: first}))
}

// TestTwoOrdersInOneSecond: the uid decides, and can favor the order that was created later. The other one loses its
// checkout URL.
func TestTwoOrdersInOneSecond(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, fakeapi.MakeOrder("b").OrderID("x").Obj())
	f.reconcile("b")
	if f.api.Order("b").Status.CheckoutURL == "" {
		t.Fatal("first order: got no checkout URL")
	}
	second := fakeapi.MakeOrder("a").OrderID("x").Obj() // a-uid is before b-uid
	f.must(f.api.Direct.Create(t.Context(), second.DeepCopy()))
	compareNames(t, "enqueued", []string{"shop/b"}, f.enqueued(ordercache.Change{New: second}))
	f.reconcile("a")
	f.reconcile("b")
	if a, b := f.api.Order("a").Status.CheckoutURL, f.api.Order("b").Status.CheckoutURL; a == "" || b != "" {
		t.Errorf("got checkout URLs %q and %q, want only the first", a, b)
	}
}

// TestOrderFollowsItsLink: an order that waits for its link becomes ready with it.
func TestOrderFollowsItsLink(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, fakeapi.MakeOrder("o1").PaymentLink("l").Obj())
	check := func(want string) {
		t.Helper()
		f.reconcile("o1")
		if got := f.ready("o1").Reason; got != want {
			t.Errorf("reason: got %s, want %s", got, want)
		}
	}
	check(v1alpha1.ReasonPaymentLinkNotFound)
	l := fakeapi.MakePaymentLink("l").Obj()
	f.must(f.api.Direct.Create(t.Context(), l))
	check(v1alpha1.ReasonPaymentLinkNotReady)
	l.Status = fakeapi.MakePaymentLink("l").Ready().Obj().Status
	f.must(f.api.Direct.Status().Update(t.Context(), l))
	check(v1alpha1.ReasonCheckoutReady)
}
