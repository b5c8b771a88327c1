package order

import (
	"context"
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// TestOrderBecomesReady in one write, and in none when it is looked at again.
func TestOrderBecomesReady(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, order("o1", by("l")), link("l"))
	s.clock.SetTime(now.Add(1500 * time.Millisecond))
	for range 3 {
		if result := s.reconcileOrder("o1"); result.RequeueAfter != 0 {
			t.Errorf("comes back in %s without need", result.RequeueAfter)
		}
	}
	if s.writes != 1 {
		t.Errorf("%d writes", s.writes)
	}
	got := s.order("o1").Status
	ready := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady)
	if got.CheckoutURL != "https://buy.stripe.com/b?locale=de&client_reference_id=o1-uid" || got.ClientReferenceID != "o1-uid" ||
		got.PaymentLinkID != "plink_1" || got.Total != "199.00 USD" || got.ObservedGeneration != 1 {
		t.Errorf("the order is %+v", got)
	}
	if ready == nil || ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != 1 || !ready.LastTransitionTime.Time.Equal(now.Add(time.Second)) {
		t.Errorf("Ready is %+v", ready)
	}
	if told := s.told(); len(told) != 0 {
		t.Errorf("Events of what the condition says already: %v", told)
	}
}

// TestOrderIsLeftAlone by all that happens to its link later.
func TestOrderIsLeftAlone(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, order("o1", by("l")), link("l"))
	s.reconcileOrder("o1")
	before := s.order("o1")
	l := link("l")
	s.read(l)
	l.Spec.Amount, l.Spec.URL, l.Spec.PaymentLinkID = 24900, "https://buy.stripe.com/new", "plink_2"
	s.must(s.api.Update(t.Context(), l))
	s.reconcileOrder("o1")
	s.must(s.api.Delete(t.Context(), l))
	s.reconcileOrder("o1")
	if after := s.order("o1"); after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the order is %+v", after.Status)
	}
}

// TestInvalidOrderIsACondition: nothing is gained by an error that comes again for ever.
func TestInvalidOrderIsACondition(t *testing.T) {
	for name, row := range map[string]struct {
		order  *v1alpha1.Order
		others []client.Object
		reason string
	}{
		"address of no use": {order("o1", func(o *v1alpha1.Order) { o.Spec.PaymentLinkURL = "x" }), nil, v1alpha1.ReasonInvalidSpec},
		"no such link":      {order("o1", by("l")), nil, v1alpha1.ReasonPaymentLinkNotFound},
		"link of another namespace": {
			order("o1", by("l")), []client.Object{link("l", func(l *v1alpha1.PaymentLink) { l.Namespace = "annex" })}, v1alpha1.ReasonPaymentLinkNotFound,
		},
		"duplicate":                       {order("o1", orderID("x")), []client.Object{order("o0", orderID("x"), madeAgo(time.Minute))}, v1alpha1.ReasonDuplicateOrderID},
		"duplicate, of another namespace": {order("o1", orderID("x")), []client.Object{order("o0", orderID("x"), in("annex"), madeAgo(time.Minute))}, v1alpha1.ReasonDuplicateOrderID},
		"duplicate, of the same second":   {order("o1", orderID("x")), []client.Object{order("o0", orderID("x"))}, v1alpha1.ReasonDuplicateOrderID},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, interceptor.Funcs{}, append(row.others, row.order)...)
			for range 2 {
				if result := s.reconcileOrder("o1"); result.RequeueAfter != 0 {
					t.Errorf("comes back in %s: what is missing wakes it", result.RequeueAfter)
				}
			}
			got := s.order("o1").Status
			ready := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady)
			if ready == nil || ready.Status != metav1.ConditionFalse || ready.Reason != row.reason || got.CheckoutURL != "" || s.writes != 1 {
				t.Errorf("%d writes, and the order is %+v", s.writes, got)
			}
		})
	}
}

// TestOrderExpires when its time is up and nothing was paid, and comes back for that on the second.
func TestOrderExpires(t *testing.T) {
	const hour = time.Hour
	for name, row := range map[string]struct {
		change  func(*v1alpha1.Order)
		age     time.Duration
		comes   time.Duration
		expired bool
	}{
		"without limit":          {func(*v1alpha1.Order) {}, 1000 * hour, 0, false},
		"just made":              {expiresAfter(hour), 0, hour, false},
		"a second before":        {expiresAfter(hour), hour - time.Second, time.Second, false},
		"on the second":          {expiresAfter(hour), hour, 0, true},
		"long after":             {expiresAfter(hour), 1000 * hour, 0, true},
		"not ready, on its time": {func(o *v1alpha1.Order) { by("none")(o); expiresAfter(hour)(o) }, hour, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, interceptor.Funcs{}, order("o1", row.change))
			s.clock.SetTime(now.Add(row.age))
			if result := s.reconcileOrder("o1"); result.RequeueAfter != row.comes {
				t.Errorf("comes back in %s, not %s", result.RequeueAfter, row.comes)
			}
			got := s.order("o1").Status
			if (got.ExpiredAt != nil) != row.expired || (got.Phase == v1alpha1.OrderFailed) != row.expired {
				t.Errorf("the order is %+v", got)
			}
			s.counted("orders_expired_total", map[bool]float64{true: 1}[row.expired])
			if !row.expired {
				return
			}
			if result := s.reconcileOrder("o1"); result.RequeueAfter != 0 {
				t.Errorf("expired, and comes back in %s", result.RequeueAfter)
			}
			got = s.order("o1").Status
			ready := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady)
			if got.CheckoutURL != "" || ready.Reason != v1alpha1.ReasonExpired {
				t.Errorf("a buyer would still be sent to pay: %+v", got)
			}
			s.counted("orders_expired_total", 1)
		})
	}
}

// TestPaidOrderDoesNotExpire, nor does one whose money is on its way; one whose payment failed does.
func TestPaidOrderDoesNotExpire(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, order("o1", expiresAfter(time.Hour)))
	s.reconcileOrder("o1")
	s.apply(unpaid("o1-uid", "1"))
	s.clock.SetTime(now.Add(2 * time.Hour))
	if result := s.reconcileOrder("o1"); result.RequeueAfter != 0 || s.order("o1").Status.ExpiredAt != nil {
		t.Errorf("under way: comes back in %s, and is %+v", result.RequeueAfter, s.order("o1").Status)
	}
	s.apply(paid("o1-uid", "1"))
	if result := s.reconcileOrder("o1"); result.RequeueAfter != 0 || s.order("o1").Status.ExpiredAt != nil {
		t.Errorf("paid: comes back in %s, and is %+v", result.RequeueAfter, s.order("o1").Status)
	}
	s.counted("orders_expired_total", 0)
}

// TestOrderAndTrouble: what a later state of the cache settles is no error, and what nobody else repairs is one.
func TestOrderAndTrouble(t *testing.T) {
	orders := schema.GroupResource{Group: v1alpha1.GroupName, Resource: "orders"}
	patched := func(err error) interceptor.Funcs {
		return interceptor.Funcs{SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
			return err
		}}
	}
	away := errors.New("connection refused")
	for name, row := range map[string]struct {
		trouble interceptor.Funcs
		want    error
	}{
		"another writer was first": {patched(apierrors.NewConflict(orders, "o1", away)), nil},
		"deleted meanwhile":        {patched(apierrors.NewNotFound(orders, "o1")), nil},
		"API server away":          {patched(away), away},
		"link cannot be read": {interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if _, is := o.(*v1alpha1.PaymentLink); is {
				return away
			}
			return c.Get(ctx, key, o, opts...)
		}}, away},
		"orders cannot be listed": {interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return away }}, away},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, row.trouble, order("o1", by("l"), expiresAfter(time.Hour)), link("l"))
			s.clock.SetTime(now.Add(2 * time.Hour))
			_, err := s.orders.Reconcile(t.Context(), s.order("o1"))
			if !errors.Is(err, row.want) {
				t.Errorf("%v, not %v", err, row.want)
			}
			if got := s.order("o1").Status; got.CheckoutURL != "" || got.ExpiredAt != nil || len(s.told()) != 0 {
				t.Errorf("the order is %+v", got)
			}
		})
	}
	t.Run("being deleted", func(t *testing.T) {
		s := newShop(t, interceptor.Funcs{}, order("o1"))
		going := s.order("o1")
		going.DeletionTimestamp = &metav1.Time{Time: now}
		if _, err := s.orders.Reconcile(t.Context(), going); err != nil || s.writes != 0 {
			t.Errorf("%v, %d writes", err, s.writes)
		}
	})
}
