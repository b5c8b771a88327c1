package ordercache

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	"k8s.io/apimachinery/pkg/api/equality"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	klog.SetLogger(logr.Discard())
	utilruntime.ErrorHandlers = nil // some tests make watches fail
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits, and interval how often it checks.
const (
	patience = 2 * time.Minute
	interval = 5 * time.Millisecond
)

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(context.WithoutCancel(t.Context()), interval, patience, true, func(context.Context) (bool, error) { return is(), nil })
	if err != nil {
		t.Fatalf("%s: not within %s", what, patience)
	}
}

// indices are the indices of the ledger.
var indices = map[string]client.IndexerFunc{
	ledger.IndexReference:     ledger.ByReference,
	ledger.IndexSession:       ledger.BySession,
	ledger.IndexPaymentIntent: ledger.ByPaymentIntent,
}

func indexed(t testing.TB, s *store) *store {
	t.Helper()
	for name, values := range indices {
		if err := s.addIndex(name, values); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// mustEncode encodes an order, which never fails.
func (s *store) mustEncode(t testing.TB, o *v1alpha1.Order) *encodedOrder {
	t.Helper()
	e, err := s.encode(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// anyOrder returns a function that makes random orders, with a value or none in every field.
func anyOrder(seed int64) func() *v1alpha1.Order {
	filler := fuzzer.FuzzerFor(metafuzzer.Funcs, rand.NewSource(seed), serializer.NewCodecFactory(runtime.NewScheme())).NumElements(0, 4)
	return func() *v1alpha1.Order {
		o := &v1alpha1.Order{}
		filler.Fill(o)
		return o
	}
}

// decoded is an order as decode is to return it after encode.
func decoded(o *v1alpha1.Order) *v1alpha1.Order {
	o = o.DeepCopy()
	o.SetGroupVersionKind(kind)
	o.ManagedFields = nil
	return o
}

// kept is an order as the cache is to return it.
func kept(o *v1alpha1.Order) *v1alpha1.Order {
	o = decoded(o)
	o.Annotations, o.OwnerReferences, o.Finalizers, o.GenerateName = nil, nil, nil, ""
	o.SetSelfLink("")
	checkout, is := o.Labels[v1alpha1.LabelCheckout]
	o.Labels = nil
	if is {
		o.Labels = map[string]string{v1alpha1.LabelCheckout: checkout}
	}
	return o
}

func same(a, b *v1alpha1.Order) bool { return equality.Semantic.DeepEqual(a, b) }

// paidOrder returns the n-th of many paid orders.
func paidOrder(n int) *v1alpha1.Order {
	id := fmt.Sprintf("%016x", uint64(n+1)*0x9E3779B97F4A7C15)
	at := metav1.NewTime(time.Date(2026, 3, 1, 12, 0, n%60, 0, time.UTC))
	uid := id[:8] + "-" + id[8:12] + "-4" + id[13:] + "-9c1f-" + id[:12]
	session, intent, link := "cs_live_a1"+strings.Repeat(id, 4)[:56], "pi_3"+id+id[:8], "plink_1"+id+id[:8]
	yes := true
	ready := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, ObservedGeneration: 1, LastTransitionTime: at,
		Reason: v1alpha1.ReasonCheckoutReady, Message: "The buyer pays at status.checkoutURL.",
	}
	paid := metav1.Condition{
		Type: v1alpha1.ConditionPaid, Status: metav1.ConditionTrue, LastTransitionTime: at,
		Reason: v1alpha1.ReasonPaymentReceived, Message: "199.00 USD received by Stripe in session " + session + ".",
	}
	o := &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "order-" + id, UID: types.UID(uid), ResourceVersion: fmt.Sprint(1000000 + n),
			Generation: 1, CreationTimestamp: at, ManagedFields: []metav1.ManagedFieldsEntry{
				{Manager: "paylink", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{"f:status":{}}`)},
			},
		},
		Spec: v1alpha1.OrderSpec{
			ProductID: "lifetime", ProductName: "Lifetime licence", Amount: 19900, Currency: "USD", Provider: v1alpha1.ProviderStripe,
			Livemode: &yes, PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "lifetime"}, CustomerID: "customer-" + id,
		},
		Status: v1alpha1.OrderStatus{
			Phase: v1alpha1.OrderPaid, ClientReferenceID: uid, PaymentLinkID: link, ObservedGeneration: 1,
			CheckoutURL: "https://buy.stripe.com/" + id + "?client_reference_id=" + uid, Total: "199.00 USD",
			ProviderOrderID: session, ProviderCaptureID: intent, PaidAt: &at,
			Payments: []v1alpha1.Payment{{
				SessionID: session, Outcome: v1alpha1.OutcomePaid, PaymentIntentID: intent, Amount: 19900, Currency: "usd",
				Livemode: true, PaymentLinkID: link, Created: at, PaidAt: &at,
			}},
			Conditions: []metav1.Condition{ready, paid},
		},
	}
	o.SetGroupVersionKind(kind)
	return o
}
