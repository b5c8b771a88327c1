package reconciliation

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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

var (
	now = fakeapi.Now
	// errStripe is the error of a Stripe that fails.
	errStripe = errors.New("status 429")
	// errUnavailable is the error of an API server that fails.
	errUnavailable = errors.New("connection refused")
)

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

// fixture is a fake API server with a ledger, for the backfills and comparisons of a test. They share the metrics, so that
// a restarted controller counts on.
type fixture struct {
	t        *testing.T
	api      *fakeapi.Server
	clock    *testingclock.FakePassiveClock
	ledger   *ledger.Ledger
	recorder *events.FakeRecorder
	registry *prometheus.Registry
	backfill *metrics.Backfill
	metrics  *metrics.Reconciliation
}

func newFixture(t *testing.T, failures interceptor.Funcs, objects ...client.Object) *fixture {
	t.Helper()
	f := &fixture{
		t: t, api: fakeapi.MakeServer(t, objects...).Index(stripeevent.Index).Failures(failures).Obj(),
		clock: testingclock.NewFakePassiveClock(now), recorder: events.NewFakeRecorder(100), registry: prometheus.NewRegistry(),
	}
	f.ledger = f.api.Ledger(f.clock, prometheus.NewRegistry())
	f.backfill, f.metrics = metrics.NewBackfill(f.registry), metrics.NewReconciliation(f.registry)
	return f
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) state() *stripestate.ConfigMap {
	return &stripestate.ConfigMap{Reader: f.api.Client, Writer: f.api.Client, Namespace: fakeapi.EventNamespace, Live: true}
}

// stateOf reads one value of the state.
func (f *fixture) stateOf(key string) string {
	f.t.Helper()
	state, err := f.state().Read(f.t.Context())
	f.must(err)
	return state[key]
}

// apply applies facts as the webhook server does.
func (f *fixture) apply(facts ...payment.Fact) {
	f.t.Helper()
	for _, fact := range facts {
		_, err := f.ledger.Apply(f.t.Context(), fact)
		f.must(err)
	}
}

// counts compares a metric.
func (f *fixture) counts(metric string, want float64) {
	f.t.Helper()
	if got := scrape.Metrics(f.t, f.registry)["paylink_"+metric]; got != want {
		f.t.Errorf("%s: got %v, want %v", metric, got, want)
	}
}

// missing compares the count of missing facts of a type.
func (f *fixture) missing(eventType string, want float64) {
	f.t.Helper()
	f.counts(`reconciliation_missing_total{type="`+eventType+`"}`, want)
}

func readyOrder(name string) *v1alpha1.Order { return fakeapi.MakeOrder(name).Ready().Obj() }

func readyLink() *v1alpha1.PaymentLink { return fakeapi.MakePaymentLink("l").Ready().Obj() }

// throughLink is a session of order o1 through the link plink_1.
func throughLink(session string) *fakeapi.FactBuilder {
	return fakeapi.MakeSession(session, "o1-uid").PaymentLink("plink_1")
}

// orphan is a session through the link plink_1 without an order.
func orphan() payment.Fact { return fakeapi.MakeSession("9", "").PaymentLink("plink_1").Obj() }

// count is 1 for true.
func count(is bool) int { return map[bool]int{true: 1}[is] }
