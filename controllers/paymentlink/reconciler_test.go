package paymentlink

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// fixture is the reconciler with a fake API server that has the link l.
type fixture struct {
	t          *testing.T
	api        *fakeapi.Server
	reconciler *Reconciler
}

func newFixture(t *testing.T, failures interceptor.Funcs) *fixture {
	t.Helper()
	api := fakeapi.MakeServer(t, fakeapi.MakePaymentLink("l").Obj()).Failures(failures).Obj()
	return &fixture{t: t, api: api, reconciler: &Reconciler{Client: api.Client, Clock: testingclock.NewFakePassiveClock(fakeapi.Now)}}
}

// link reads the link.
func (f *fixture) link() *v1alpha1.PaymentLink {
	f.t.Helper()
	l := fakeapi.MakePaymentLink("l").Obj()
	f.api.Read(l)
	return l
}

// reconciles reconciles the link, and compares the result and the number of status writes so far.
func (f *fixture) reconciles(requeue time.Duration, want error, writes int) {
	f.t.Helper()
	result, err := f.reconciler.Reconcile(f.t.Context(), f.link())
	if (result != ctrl.Result{RequeueAfter: requeue}) || !errors.Is(err, want) {
		f.t.Errorf("got %+v and error %v, want %s and %v", result, err, requeue, want)
	}
	if got := f.api.Calls().StatusWrites; got != writes {
		f.t.Errorf("status writes: got %d, want %d", got, writes)
	}
}

// TestLinkBecomesReady in one write, is not written again, and follows its spec.
func TestLinkBecomesReady(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{})
	f.reconciles(0, nil, 1)
	f.reconciles(0, nil, 1)
	l := f.link()
	if !l.Ready() || l.Status.URL != l.Spec.URL {
		t.Errorf("status: got %+v, want Ready and the URL of the spec", l.Status)
	}
	l.Generation++
	l.Spec.Amount = 24900
	check.Must(t, f.api.Direct.Update(t.Context(), l))
	if l.Ready() {
		t.Error("changed link: got Ready before it was reconciled")
	}
	f.reconciles(0, nil, 2)
	if l := f.link(); !l.Ready() || l.Status.Price != "249.00 USD" {
		t.Errorf("status: got %+v, want Ready and the new price", l.Status)
	}
}

// TestReconcileErrors: a conflict or a deletion is no error, and a failing API server is one.
func TestReconcileErrors(t *testing.T) {
	unavailable := errors.New("connection refused")
	for name, row := range map[string]struct {
		err     error
		requeue time.Duration
		want    error
	}{
		"conflict":               {fakeapi.Conflict("l"), time.Second, nil},
		"deleted meanwhile":      {apierrors.NewNotFound(fakeapi.OrderResource, "l"), 0, nil},
		"API server unavailable": {unavailable, 0, unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			newFixture(t, fakeapi.FailStatusPatch(row.err)).reconciles(row.requeue, row.want, 0)
		})
	}
}

// TestConflictIsRetried also if the link did not change: a proxy or an admission webhook can answer with a conflict.
func TestConflictIsRetried(t *testing.T) {
	f := newFixture(t, fakeapi.FailStatusPatches(2, fakeapi.Conflict("l")))
	f.reconciles(time.Second, nil, 0)
	f.reconciles(time.Second, nil, 0)
	f.reconciles(0, nil, 1)
}

// TestDeletedLink: a link that is being deleted is not written.
func TestDeletedLink(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{})
	l := f.link()
	l.DeletionTimestamp = &metav1.Time{Time: fakeapi.Now}
	if _, err := f.reconciler.Reconcile(t.Context(), l); err != nil || f.api.Calls().StatusWrites != 0 {
		t.Errorf("got error %v and %d writes, want none", err, f.api.Calls().StatusWrites)
	}
}

func TestSetStatus(t *testing.T) {
	ready := func(url, id, price string) v1alpha1.PaymentLinkStatus {
		return v1alpha1.PaymentLinkStatus{URL: url, PaymentLinkID: id, Price: price, ObservedGeneration: 1}
	}
	const url = "https://buy.stripe.com/b?locale=de"
	make := func() *fakeapi.PaymentLinkBuilder { return fakeapi.MakePaymentLink("l") }
	seventh := ready(url, "plink_1", "199.00 USD")
	seventh.ObservedGeneration = 7
	for name, row := range map[string]struct {
		link   *fakeapi.PaymentLinkBuilder
		reason string
		want   v1alpha1.PaymentLinkStatus
	}{
		"valid":               {make(), v1alpha1.ReasonLinkAvailable, ready(url, "plink_1", "199.00 USD")},
		"without id":          {make().StripeID(""), v1alpha1.ReasonLinkAvailable, ready(url, "", "199.00 USD")},
		"in yen":              {make().Price(19900, "jpy"), v1alpha1.ReasonLinkAvailable, ready(url, "plink_1", "19900 JPY")},
		"changed":             {make().With(func(l *v1alpha1.PaymentLink) { l.Generation = 7 }), v1alpha1.ReasonLinkAvailable, seventh},
		"without address":     {make().URL(""), v1alpha1.ReasonInvalidSpec, ready("", "plink_1", "199.00 USD")},
		"invalid address":     {make().URL("buy.stripe.com/b"), v1alpha1.ReasonInvalidSpec, ready("", "plink_1", "199.00 USD")},
		"address was removed": {make().Ready().URL(""), v1alpha1.ReasonInvalidSpec, ready("", "plink_1", "199.00 USD")},
	} {
		t.Run(name, func(t *testing.T) {
			l := row.link.Obj()
			setStatus(l, metav1.NewTime(fakeapi.Now))
			c := meta.FindStatusCondition(l.Status.Conditions, v1alpha1.ConditionReady)
			if c == nil || c.Reason != row.reason || (c.Status == metav1.ConditionTrue) != (row.reason == v1alpha1.ReasonLinkAvailable) || c.ObservedGeneration != l.Generation {
				t.Errorf("Ready: got %+v, want %s in generation %d", c, row.reason, l.Generation)
			}
			l.Status.Conditions = nil
			if diff := cmp.Diff(row.want, l.Status); diff != "" {
				t.Errorf("status (-want +got): %s", diff)
			}
		})
	}
}
