package ledger_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/scrape"
)

var now = fakeapi.Now

// order is an order for 199.00 USD, in the namespace shop, created an hour ago; rows change what is different.
func order(name string, changes ...func(*v1alpha1.Order)) *v1alpha1.Order {
	return fakeapi.MakeOrder(name).Age(time.Hour).With(changes...).Obj()
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
	return fakeapi.MakeSession(session, reference).Outcome(outcome).EventID("evt_" + session + string(outcome)).Obj()
}

func refundOf(session string, amount int64, full bool) payment.Fact {
	refund := fakeapi.MakeRefund(session, amount)
	if full {
		refund.FullyRefunded()
	}
	return refund.Obj()
}

// fixture is a ledger over a fake API server.
type fixture struct {
	*fakeapi.Server
	t      *testing.T
	ledger *ledger.Ledger
	clock  *testingclock.FakePassiveClock
	// metrics has the metrics of the ledger.
	metrics *prometheus.Registry
}

// newFixture returns a ledger over a fake API server with these objects. failures are injected into its writes and live
// reads.
func newFixture(t *testing.T, failures interceptor.Funcs, objects ...client.Object) *fixture {
	t.Helper()
	s := &fixture{
		Server: fakeapi.MakeServer(t, objects...).Failures(failures).Obj(),
		t:      t, clock: testingclock.NewFakePassiveClock(now), metrics: prometheus.NewRegistry(),
	}
	s.ledger = s.Ledger(s.clock, s.metrics)
	return s
}

// apply applies a fact, and fails the test unless the result is this one.
func (s *fixture) apply(fact payment.Fact, want ledger.Result) {
	s.t.Helper()
	got, err := s.ledger.Apply(s.t.Context(), fact)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != want {
		s.t.Errorf("%s: got %s, want %s", fact.EventID, got, want)
	}
}

func (s *fixture) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// counted fails the test unless a metric of the ledger has this value.
func (s *fixture) counted(metric string, want int) {
	s.t.Helper()
	if got := scrape.Metrics(s.t, s.metrics)["paylink_ledger_"+metric]; got != float64(want) {
		s.t.Errorf("%s: got %v, want %d", metric, got, want)
	}
}

func (s *fixture) orderIn(namespace, name string) *v1alpha1.Order {
	s.t.Helper()
	o := fakeapi.MakeOrder(name).Namespace(namespace).Obj()
	s.Read(o)
	return o
}
