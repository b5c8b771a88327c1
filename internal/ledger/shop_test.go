package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/scrape"
)

const eventNamespace = "paylink-system"

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// order is an order for 199.00 USD, in the namespace shop, created an hour ago; rows change what is different.
func order(name string, changes ...func(*v1alpha1.Order)) *v1alpha1.Order {
	o := &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID(name + "-uid"), CreationTimestamp: metav1.NewTime(now.Add(-time.Hour)),
		},
		Spec: v1alpha1.OrderSpec{ProductID: "lifetime", Amount: 19900, Currency: "USD", PaymentLinkURL: "https://buy.stripe.com/a"},
	}
	for _, change := range changes {
		change(o)
	}
	return o
}

func orderID(id string) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) { o.Spec.OrderID = id }
}

func in(namespace string) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) { o.Namespace = namespace }
}

func created(at time.Time) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) { o.CreationTimestamp = metav1.NewTime(at) }
}

// ready is what the order reconciler adds.
func ready(o *v1alpha1.Order) {
	o.Status.ClientReferenceID = o.ClientReferenceID()
	o.Status.CheckoutURL = o.Spec.PaymentLinkURL + "?client_reference_id=" + o.ClientReferenceID()
	o.Status.Total = "199.00 USD"
	o.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonCheckoutReady, LastTransitionTime: metav1.NewTime(now),
	}}
}

// sessionOf is a Checkout Session of an order as one event reports it.
func sessionOf(reference, session string, outcome v1alpha1.Outcome) payment.Fact {
	return payment.Fact{
		EventID: "evt_" + session + string(outcome), Type: "checkout.session.completed", Created: metav1.NewTime(now), Livemode: true,
		ClientReferenceID: reference, PaymentIntentID: "pi_" + session,
		Session: &v1alpha1.SessionFact{ID: "cs_" + session, Outcome: outcome, Amount: 19900, Currency: "usd", Created: metav1.NewTime(now)},
	}
}

func refundOf(session string, amount int64, full bool) payment.Fact {
	return payment.Fact{
		EventID: "evt_refund_" + session, Type: "charge.refunded", Created: metav1.NewTime(now), Livemode: true, PaymentIntentID: "pi_" + session,
		Refund: &v1alpha1.RefundFact{AmountRefunded: amount, Full: full},
	}
}

// shop is a ledger over a fake API server, with what it asked of it.
type shop struct {
	t      *testing.T
	api    client.WithWatch
	ledger *ledger.Ledger
	clock  *testingclock.FakePassiveClock
	calls  *calls
	// metrics is where the ledger's are registered.
	metrics *prometheus.Registry
}

// calls counts the requests that change something, and keeps the bodies of patches.
type calls struct {
	patches []string
	writes  int
	creates int
	gets    int
}

// newShop opens a shop with these objects. trouble, where given, comes before the fake API server.
func newShop(t *testing.T, trouble interceptor.Funcs, objects ...client.Object) *shop {
	t.Helper()
	s := &shop{t: t, clock: testingclock.NewFakePassiveClock(now), calls: &calls{}, metrics: prometheus.NewRegistry()}
	s.api = fakeapi.Builder(t, objects...).Build()
	writer := interceptor.NewClient(interceptor.NewClient(s.api, trouble), s.counting())
	s.ledger = &ledger.Ledger{
		Cache: s.api, Live: writer, Writer: writer, EventNamespace: eventNamespace, Clock: s.clock,
		Metrics: metrics.NewLedger(s.metrics),
	}
	return s
}

// counting is not for tests that write at once.
func (s *shop) counting() interceptor.Funcs {
	return interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			s.calls.creates++
			return c.Create(ctx, o, opts...)
		},
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			s.calls.gets++
			return c.Get(ctx, key, o, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			data, err := p.Data(o)
			if err != nil {
				return err
			}
			s.calls.patches = append(s.calls.patches, string(data))
			err = c.SubResource(sub).Patch(ctx, o, p, opts...)
			if err == nil {
				s.calls.writes++
			}
			return err
		},
	}
}

// apply gives the ledger a fact that must be kept with this result.
func (s *shop) apply(fact payment.Fact, want ledger.Result) {
	s.t.Helper()
	got, err := s.ledger.Apply(s.t.Context(), fact)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != want {
		s.t.Errorf("%s: %s, not %s", fact.EventID, got, want)
	}
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// counted says what a metric of the ledger must be.
func (s *shop) counted(metric string, want int) {
	s.t.Helper()
	if got := scrape.Metrics(s.t, s.metrics)["paylink_ledger_"+metric]; got != float64(want) {
		s.t.Errorf("%s is %v, not %d", metric, got, want)
	}
}

// order reads an order as the API server has it.
func (s *shop) order(name string) *v1alpha1.Order {
	s.t.Helper()
	return s.orderIn("shop", name)
}

func (s *shop) orderIn(namespace, name string) *v1alpha1.Order {
	s.t.Helper()
	o := &v1alpha1.Order{}
	if err := s.api.Get(s.t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, o); err != nil {
		s.t.Fatal(err)
	}
	return o
}

// parked lists the events that are kept.
func (s *shop) parked() []v1alpha1.StripeEvent {
	s.t.Helper()
	var events v1alpha1.StripeEventList
	if err := s.api.List(s.t.Context(), &events); err != nil {
		s.t.Fatal(err)
	}
	return events.Items
}

// remembering is a cache that has stopped at what it knew when it was made.
func (s *shop) remembering() client.Reader {
	s.t.Helper()
	var known []client.Object
	var orders v1alpha1.OrderList
	var links v1alpha1.PaymentLinkList
	for _, list := range []client.ObjectList{&orders, &links} {
		if err := s.api.List(s.t.Context(), list); err != nil {
			s.t.Fatal(err)
		}
	}
	for i := range orders.Items {
		known = append(known, &orders.Items[i])
	}
	for i := range links.Items {
		known = append(known, &links.Items[i])
	}
	return fakeapi.Builder(s.t, known...).Build()
}
