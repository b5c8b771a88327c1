package order

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ordercache"
)

// names are what is woken, in order.
func names(requests []reconcile.Request) []string {
	var all []string
	for _, r := range requests {
		all = append(all, r.String())
	}
	slices.Sort(all)
	return all
}

// woken returns the orders that a change of an order enqueues.
func (s *shop) woken(change ordercache.Change) []string {
	return names(s.orders.ordersSharing(s.t.Context(), change))
}

// TestLinkWakesOrders that have no checkout URL yet: those that have one are left alone.
func TestLinkWakesOrders(t *testing.T) {
	given := order("given", by("l"), func(o *v1alpha1.Order) { o.Status.CheckoutURL = "https://buy.stripe.com/b" })
	s := newShop(t, interceptor.Funcs{}, order("a", by("l")), order("b", by("l")), given, order("other", by("other")), order("direct"), order("c", by("l"), in("annex")))
	if diff := cmp.Diff([]string{"shop/a", "shop/b"}, names(s.orders.ordersAwaiting(t.Context(), link("l")))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string(nil), names(s.orders.ordersAwaiting(t.Context(), link("new")))); diff != "" {
		t.Error(diff)
	}
}

// TestHeirs: a deleted order's id goes to the next oldest, and to nobody whose id it was not.
func TestHeirs(t *testing.T) {
	gone := order("gone", orderID("x"), madeAgo(2*time.Hour))
	s := newShop(t, interceptor.Funcs{}, gone, order("a", orderID("x"), madeAgo(time.Hour)), order("b", orderID("x"), in("annex")), order("c", orderID("y")))
	s.reconcileOrder("a")
	if url := s.order("a").Status.CheckoutURL; url != "" {
		t.Fatalf("sent to pay at %s", url)
	}
	s.must(s.api.Delete(t.Context(), gone.DeepCopy()))
	if diff := cmp.Diff([]string{"annex/b", "shop/a"}, s.woken(ordercache.Change{Old: gone})); diff != "" {
		t.Error(diff)
	}
	s.reconcileOrder("a")
	if url := s.order("a").Status.CheckoutURL; url != "https://buy.stripe.com/a?client_reference_id=x" {
		t.Errorf("the heir is sent to %q", url)
	}
	if diff := cmp.Diff([]string(nil), s.woken(ordercache.Change{Old: gone, New: gone})); diff != "" {
		t.Errorf("an update: %s", diff)
	}
}

// TestTwoOrdersInOneSecond: creation times are to the second, so of two orders with one id the uid decides, and that
// may be for the one that came later. The other must not keep its checkout URL.
func TestTwoOrdersInOneSecond(t *testing.T) {
	first, second := order("b", orderID("x")), order("a", orderID("x")) // a-uid is before b-uid
	s := newShop(t, interceptor.Funcs{}, first)
	s.reconcileOrder("b")
	if s.order("b").Status.CheckoutURL == "" {
		t.Fatal("alone, it is not sent to pay")
	}
	s.must(s.api.Create(t.Context(), second.DeepCopy()))
	if diff := cmp.Diff([]string{"shop/b"}, s.woken(ordercache.Change{New: second})); diff != "" {
		t.Error(diff)
	}
	s.reconcileOrder("a")
	s.reconcileOrder("b")
	if a, b := s.order("a").Status.CheckoutURL, s.order("b").Status.CheckoutURL; a == "" || b != "" {
		t.Errorf("sent to pay at %q and %q, not at the first alone", a, b)
	}
}

// TestOrderFollowsItsLink: an order that waits for its link is ready as soon as the link is.
func TestOrderFollowsItsLink(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, order("o1", by("l")))
	reason := func() string {
		t.Helper()
		s.reconcileOrder("o1")
		return meta.FindStatusCondition(s.order("o1").Status.Conditions, v1alpha1.ConditionReady).Reason
	}
	if got := reason(); got != v1alpha1.ReasonPaymentLinkNotFound {
		t.Errorf("without link: %s", got)
	}
	l := link("l")
	ready := l.Status
	l.Status = v1alpha1.PaymentLinkStatus{}
	s.must(s.api.Create(t.Context(), l))
	if got := reason(); got != v1alpha1.ReasonPaymentLinkNotReady {
		t.Errorf("link not judged: %s", got)
	}
	l.Status = ready
	s.must(s.api.Status().Update(t.Context(), l))
	if got := reason(); got != v1alpha1.ReasonCheckoutReady {
		t.Errorf("link ready: %s", got)
	}
}
