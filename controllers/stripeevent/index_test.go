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

// TestOrderWakesEvents that wait for its reference, for itself or for one of its payments, applied ones too: their order may
// have been made anew.
func TestOrderWakesEvents(t *testing.T) {
	applied := kept(paid("o1-uid", "9"), 0)
	applied.Status.Phase = v1alpha1.StripeEventApplied
	expired := kept(paid("o1-uid", "8"), 0)
	expired.Status.Phase = v1alpha1.StripeEventExpired
	session, refund, second := kept(paid("o1-uid", "1"), 0), kept(refunded("1", 100, false), 0), kept(refunded("2", 100, false), 0)
	nameless := kept(paid("", "7"), 0)
	assigned, elsewhere := kept(paid("", "6"), 0), kept(paid("", "5"), 0)
	assigned.Spec.Resolution.AssignTo = &v1alpha1.OrderReference{Namespace: "shop", Name: "o1"}
	elsewhere.Spec.Resolution.AssignTo = &v1alpha1.OrderReference{Namespace: "annex", Name: "o1"}
	s := newShop(t, interceptor.Funcs{}, applied, expired, session, refund, second, nameless, assigned, elsewhere, kept(paid("o2-uid", "3"), 0), kept(refunded("3", 100, false), 0))
	o := order("o1", func(o *v1alpha1.Order) {
		o.Status.Payments = []v1alpha1.Payment{{SessionID: "cs_1", PaymentIntentID: "pi_1"}, {SessionID: "cs_2", PaymentIntentID: "pi_2"}, {SessionID: "cs_3"}}
	})
	want := []string{}
	for _, e := range []*v1alpha1.StripeEvent{applied, expired, session, refund, second, assigned} {
		want = append(want, client.ObjectKeyFromObject(e).String())
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, names(s.kept.eventsAwaiting(t.Context(), o))); diff != "" {
		t.Error(diff)
	}
}

// TestRefundBeforePayment is woken by the payment it waited for, and lands.
func TestRefundBeforePayment(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, order("o1", given))
	s.apply(refunded("1", 19900, true))
	s.apply(paid("o1-uid", "1"))
	woken := s.kept.eventsAwaiting(t.Context(), s.order("o1"))
	if len(woken) != 1 {
		t.Fatalf("woken: %v", woken)
	}
	e := &v1alpha1.StripeEvent{ObjectMeta: metav1.ObjectMeta{Namespace: woken[0].Namespace, Name: woken[0].Name}}
	s.read(e)
	if _, err := s.kept.Reconcile(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if phase := s.order("o1").Status.Phase; phase != v1alpha1.OrderRefunded {
		t.Errorf("the order is %s", phase)
	}
	writes := s.writes
	s.read(e)
	if _, err := s.kept.Reconcile(t.Context(), e); err != nil || s.writes != writes {
		t.Errorf("woken once more it wrote %d times (%v)", s.writes-writes, err)
	}
}
