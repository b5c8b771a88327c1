package reconciliation

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/stripeevent"
	"github.com/paylink-dev/paylink/controllers/stripestate"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/scrape"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// order is an order for 199.00 USD through a link's address, made now; rows change what is different.
func order(name string, changes ...func(*v1alpha1.Order)) *v1alpha1.Order {
	o := &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID(name + "-uid"), Generation: 1, CreationTimestamp: metav1.NewTime(now),
		},
		Spec: v1alpha1.OrderSpec{ProductID: "lifetime", Amount: 19900, Currency: "USD", PaymentLinkURL: "https://buy.stripe.com/a"},
	}
	for _, change := range changes {
		change(o)
	}
	return o
}

// given is an order that has been given its checkout URL. It comes last.
func given(o *v1alpha1.Order) {
	o.Status.ClientReferenceID = o.ClientReferenceID()
	o.Status.CheckoutURL = "https://buy.stripe.com/a?client_reference_id=" + o.ClientReferenceID()
}

// by has an order name a PaymentLink.
func by(link string) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) {
		o.Spec.PaymentLinkURL, o.Spec.PaymentLinkRef = "", &v1alpha1.LocalObjectReference{Name: link}
	}
}

func orderID(id string) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) { o.Spec.OrderID = id }
}

func in(namespace string) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) { o.Namespace = namespace }
}

func madeAgo(age time.Duration) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) { o.CreationTimestamp = metav1.NewTime(now.Add(-age)) }
}

func expiresAfter(d time.Duration) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) { o.Spec.ExpiresAfter = &metav1.Duration{Duration: d} }
}

// link is a PaymentLink that sells for 199.00 USD, as its reconciler leaves it.
func link(name string, changes ...func(*v1alpha1.PaymentLink)) *v1alpha1.PaymentLink {
	l := &v1alpha1.PaymentLink{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Generation: 1},
		Spec: v1alpha1.PaymentLinkSpec{
			ProductID: "lifetime", Amount: 19900, Currency: "USD", URL: "https://buy.stripe.com/b?locale=de", PaymentLinkID: "plink_1",
		},
	}
	for _, change := range changes {
		change(l)
	}
	l.Status = v1alpha1.PaymentLinkStatus{URL: l.Spec.URL, PaymentLinkID: l.Spec.PaymentLinkID, ObservedGeneration: l.Generation}
	ready := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonLinkAvailable, ObservedGeneration: l.Generation, LastTransitionTime: metav1.NewTime(now)}
	if l.Spec.URL == "" {
		ready.Status = metav1.ConditionFalse
	}
	l.Status.Conditions = []metav1.Condition{ready}
	return l
}

func sells(amount int64, currency string) func(*v1alpha1.PaymentLink) {
	return func(l *v1alpha1.PaymentLink) { l.Spec.Amount, l.Spec.Currency = amount, currency }
}

// paid is a session of an order that was paid.
func paid(reference, session string) payment.Fact {
	return payment.Fact{
		EventID: "evt_" + session, Type: "checkout.session.completed", Created: metav1.NewTime(now), Livemode: true,
		ClientReferenceID: reference, PaymentIntentID: "pi_" + session,
		Session: &v1alpha1.SessionFact{ID: "cs_" + session, Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", Created: metav1.NewTime(now)},
	}
}

func unpaid(reference, session string) payment.Fact {
	f := paid(reference, session)
	f.EventID += "_unpaid"
	f.Session.Outcome = v1alpha1.OutcomeUnpaid
	return f
}

func refunded(session string, amount int64, full bool) payment.Fact {
	return payment.Fact{
		EventID: "evt_refund_" + session, Type: "charge.refunded", Created: metav1.NewTime(now), Livemode: true, PaymentIntentID: "pi_" + session,
		Refund: &v1alpha1.RefundFact{AmountRefunded: amount, Full: full},
	}
}

// shop is the reconcilers, called by hand, over a fake API server.
type shop struct {
	t        *testing.T
	api      client.Client
	clock    *testingclock.FakePassiveClock
	ledger   *ledger.Ledger
	recorder *events.FakeRecorder
	registry *prometheus.Registry
	// backfillMetrics and auditMetrics outlive a controller that is started anew.
	backfillMetrics *metrics.Backfill
	auditMetrics    *metrics.Audit
	// writes are the status patches that were taken.
	writes int
}

// newShop opens a shop with these objects. trouble, where given, comes before the fake API server.
func newShop(t *testing.T, trouble interceptor.Funcs, objects ...client.Object) *shop {
	t.Helper()
	s := &shop{
		t: t, clock: testingclock.NewFakePassiveClock(now), recorder: events.NewFakeRecorder(100), registry: prometheus.NewRegistry(),
	}
	builder := fakeapi.Builder(t, objects...)
	s.must(stripeevent.Index(t.Context(), fakeapi.Indexer{ClientBuilder: builder}))
	api := builder.Build()
	s.api = interceptor.NewClient(interceptor.NewClient(api, trouble), interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			err := c.SubResource(sub).Patch(ctx, o, p, opts...)
			if err == nil {
				s.writes++
			}
			return err
		},
	})
	s.ledger = &ledger.Ledger{
		Cache: s.api, Live: s.api, Writer: s.api, EventNamespace: "paylink-system", Clock: s.clock, Metrics: metrics.NewLedger(prometheus.NewRegistry()),
	}
	s.backfillMetrics, s.auditMetrics = metrics.NewBackfill(s.registry), metrics.NewAudit(s.registry)
	return s
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// state is where what was read of Stripe is kept.
func (s *shop) state() *stripestate.ConfigMap {
	return &stripestate.ConfigMap{Reader: s.api, Writer: s.api, Namespace: "paylink-system", Live: true}
}

// stateOf is what the state keeps.
func (s *shop) stateOf(key string) string {
	s.t.Helper()
	kept, err := s.state().Read(s.t.Context())
	s.must(err)
	return kept[key]
}

// read fills an object from the API server.
func (s *shop) read(object client.Object) {
	s.t.Helper()
	s.must(s.api.Get(s.t.Context(), client.ObjectKeyFromObject(object), object))
}

// order reads an order of the namespace shop.
func (s *shop) order(name string) *v1alpha1.Order {
	s.t.Helper()
	o := order(name)
	s.read(o)
	return o
}

// apply has the ledger write a fact, as the webhook server does.
func (s *shop) apply(fact payment.Fact) {
	s.t.Helper()
	_, err := s.ledger.Apply(s.t.Context(), fact)
	s.must(err)
}

// told are the Events raised since it was asked last.
func (s *shop) told() []string {
	var all []string
	for {
		select {
		case e := <-s.recorder.Events:
			all = append(all, e)
		default:
			return all
		}
	}
}

// counted says what a metric of the controller must be.
func (s *shop) counted(metric string, want float64) {
	s.t.Helper()
	if got := scrape.Metrics(s.t, s.registry)["paylink_"+metric]; got != want {
		s.t.Errorf("%s is %v, not %v", metric, got, want)
	}
}
