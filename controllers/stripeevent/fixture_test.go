package stripeevent

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	testingclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/scrape"
)

var now = fakeapi.Now

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

// fixture is the reconciler with a fake API server.
type fixture struct {
	t          *testing.T
	api        *fakeapi.Server
	clock      *testingclock.FakePassiveClock
	ledger     *ledger.Ledger
	recorder   *events.FakeRecorder
	registry   *prometheus.Registry
	reconciler *Reconciler
}

func newFixture(t *testing.T, failures interceptor.Funcs, objects ...client.Object) *fixture {
	t.Helper()
	f := &fixture{
		t: t, api: fakeapi.MakeServer(t, objects...).Index(Index).Failures(failures).Obj(),
		clock: testingclock.NewFakePassiveClock(now), recorder: events.NewFakeRecorder(100), registry: prometheus.NewRegistry(),
	}
	f.ledger = f.api.Ledger(f.clock, prometheus.NewRegistry())
	f.reconciler = &Reconciler{Client: f.api.Client, Ledger: f.ledger, Clock: f.clock, Recorder: f.recorder, Metrics: metrics.NewController(f.registry), Retention: DefaultRetention()}
	return f
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// reconcileEvent reconciles an event, and returns it as it is then; nil if it was removed.
func (f *fixture) reconcileEvent(e *v1alpha1.StripeEvent) (ctrl.Result, *v1alpha1.StripeEvent) {
	f.t.Helper()
	f.api.Read(e)
	result, err := f.reconciler.Reconcile(f.t.Context(), e)
	f.must(err)
	after := e.DeepCopy()
	err = f.api.Direct.Get(f.t.Context(), client.ObjectKeyFromObject(e), after)
	if apierrors.IsNotFound(err) {
		return result, nil
	}
	f.must(err)
	return result, after
}

// apply applies facts as the webhook server does.
func (f *fixture) apply(facts ...payment.Fact) {
	f.t.Helper()
	for _, fact := range facts {
		_, err := f.ledger.Apply(f.t.Context(), fact)
		f.must(err)
	}
}

// events returns the Events since the last call.
func (f *fixture) events() []string {
	var all []string
	for {
		select {
		case e := <-f.recorder.Events:
			all = append(all, e)
		default:
			return all
		}
	}
}

// counts compares a metric.
func (f *fixture) counts(metric string, want float64) {
	f.t.Helper()
	if got := scrape.Metrics(f.t, f.registry)["paylink_"+metric]; got != want {
		f.t.Errorf("%s: got %v, want %v", metric, got, want)
	}
}

func readyOrder(name string) *v1alpha1.Order { return fakeapi.MakeOrder(name).Ready().Obj() }

// throughLink is a session through the link plink_1.
func throughLink(session, reference string) *fakeapi.FactBuilder {
	return fakeapi.MakeSession(session, reference).PaymentLink("plink_1")
}

// orphan is a session through the link plink_1 without an order.
func orphan(session string) payment.Fact { return throughLink(session, "").Obj() }
