package ordercache

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"sync"
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
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	klog.SetLogger(logr.Discard())
	utilruntime.ErrorHandlers = nil // watches that fail are what some tests are about
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must happen, and look how often it looks.
const (
	patience = 30 * time.Second
	look     = 5 * time.Millisecond
)

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(context.WithoutCancel(t.Context()), look, patience, true, func(context.Context) (bool, error) { return is(), nil })
	if err != nil {
		t.Fatalf("%s: not within %s", what, patience)
	}
}

// closed waits for a channel that is to be closed.
func closed(t testing.TB, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s: not within %s", what, patience)
	}
}

// indices are those that the ledger registers.
var indices = map[string]client.IndexerFunc{
	ledger.IndexReference:     ledger.ByReference,
	ledger.IndexSession:       ledger.BySession,
	ledger.IndexPaymentIntent: ledger.ByPaymentIntent,
}

func indexed(t testing.TB, s *shelf) *shelf {
	t.Helper()
	for name, values := range indices {
		if err := s.index(name, values); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// anyOrder returns orders with something, or nothing, in every field there is.
func anyOrder(seed int64) func() *v1alpha1.Order {
	filler := fuzzer.FuzzerFor(metafuzzer.Funcs, rand.NewSource(seed), serializer.NewCodecFactory(runtime.NewScheme())).NumElements(0, 4)
	return func() *v1alpha1.Order {
		o := &v1alpha1.Order{}
		filler.Fill(o)
		return o
	}
}

// kept is an order as the cache is to give it back.
func kept(o *v1alpha1.Order) *v1alpha1.Order {
	o = o.DeepCopy()
	o.SetGroupVersionKind(kind)
	o.ManagedFields = nil
	return o
}

func same(a, b *v1alpha1.Order) bool { return equality.Semantic.DeepEqual(a, b) }

// paidOrder is such as most orders are in the end.
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

// ear is a handler that knows the orders by nothing but what it is told, and complains of what cannot be.
type ear struct {
	mu         sync.Mutex
	orders     map[types.NamespacedName]*v1alpha1.Order
	complaints []string
	initial    int // orders told as having been there
	told       []string
}

func newEar() *ear { return &ear{orders: map[types.NamespacedName]*v1alpha1.Order{}} }

func (e *ear) complain(format string, values ...any) {
	e.complaints = append(e.complaints, fmt.Sprintf(format, values...))
}

func (e *ear) OnAdd(o any, initial bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	order := o.(*v1alpha1.Order)
	key := client.ObjectKeyFromObject(order)
	if e.orders[key] != nil {
		e.complain("%s came and was there", key)
	}
	if initial {
		e.initial++
	}
	e.orders[key] = order
	e.told = append(e.told, "add "+key.String())
}

func (e *ear) OnUpdate(was, is any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	order := is.(*v1alpha1.Order)
	key := client.ObjectKeyFromObject(order)
	if known := e.orders[key]; known == nil || !same(known, was.(*v1alpha1.Order)) || known.UID != order.UID {
		e.complain("%s changed from what it was not", key)
	}
	e.orders[key] = order
	e.told = append(e.told, "update "+key.String())
}

func (e *ear) OnDelete(o any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	how := "delete "
	if unseen, is := o.(toolscache.DeletedFinalStateUnknown); is {
		o, how = unseen.Obj, "miss "
	}
	order := o.(*v1alpha1.Order)
	key := client.ObjectKeyFromObject(order)
	if known := e.orders[key]; known == nil || !same(known, order) {
		e.complain("%s went and was not there so", key)
	}
	delete(e.orders, key)
	e.told = append(e.told, how+key.String())
}

// check compares what the handler knows with what there is.
func (e *ear) check(t testing.TB, there map[types.NamespacedName]*v1alpha1.Order) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, complaint := range e.complaints {
		t.Error(complaint)
	}
	for key, o := range there {
		if known := e.orders[key]; known == nil || !same(known, kept(o)) {
			t.Errorf("the handler knows %s as\n%+v\nand not as\n%+v", key, known, o)
		}
	}
	if len(e.orders) != len(there) {
		t.Errorf("the handler knows %d orders, and there are %d", len(e.orders), len(there))
	}
}

func (e *ear) log() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.told...)
}
