package webhookendpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/controllers/stripestate"
	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/scrape"
)

// fakeStripe is a Stripe with these endpoints.
type fakeStripe struct {
	// mu orders the test's changes before the next check.
	mu    sync.Mutex
	found []stripeclient.Endpoint
	err   error
	lists int
}

func (s *fakeStripe) Live() bool { return true }

func (s *fakeStripe) Endpoints(context.Context) ([]stripeclient.Endpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists++
	return slices.Clone(s.found), s.err
}

// monitorFixture is a started Monitor without a Manager.
type monitorFixture struct {
	t      *testing.T
	stripe *fakeStripe
	api    client.Client
	clock  *testingclock.FakeClock
	*logRecorder
	registry *prometheus.Registry
	monitor  *Monitor
	// writes counts those to the ConfigMap; getErr, where set, fails its reads.
	writes int
	getErr error
}

func newMonitorFixture(t *testing.T, found ...stripeclient.Endpoint) *monitorFixture {
	t.Helper()
	f := &monitorFixture{
		t: t, stripe: &fakeStripe{found: found}, clock: testingclock.NewFakeClock(now), logRecorder: &logRecorder{}, registry: prometheus.NewPedanticRegistry(),
	}
	f.api = interceptor.NewClient(fakeapi.Builder(t).Build(), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if f.getErr != nil {
				return f.getErr
			}
			return c.Get(ctx, key, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			f.writes++
			return c.Patch(ctx, o, p, opts...)
		},
	})
	f.monitor = &Monitor{
		Stripe: f.stripe, State: &stripestate.ConfigMap{Reader: f.api, Writer: f.api, Namespace: fakeapi.EventNamespace, Live: true}, URL: ourURL, Clock: f.clock,
		Log: f.logger(), Metrics: metrics.NewEndpoint(f.registry), Period: 5 * minute,
	}
	return f
}

// start starts the Monitor, and returns a function that stops it.
func (f *monitorFixture) start() (stop func()) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	go func() { done <- f.monitor.Start(ctx) }()
	synctest.Wait()
	return func() {
		f.t.Helper()
		cancel()
		if err := <-done; err != nil {
			f.t.Errorf("Start: got error %v", err)
		}
	}
}

// next waits for the next check.
func (f *monitorFixture) next() {
	f.stripe.mu.Lock()
	f.clock.Step(f.monitor.Period)
	f.stripe.mu.Unlock()
	<-time.After(f.monitor.Period) // in the bubble
	synctest.Wait()
}

func (f *monitorFixture) state() map[string]string {
	f.t.Helper()
	var state corev1.ConfigMap
	if err := f.api.Get(f.t.Context(), client.ObjectKey{Namespace: fakeapi.EventNamespace, Name: "paylink-stripe-live"}, &state); client.IgnoreNotFound(err) != nil {
		f.t.Fatal(err)
	}
	return state.Data
}

func (f *monitorFixture) compare(name string, want, got any) {
	f.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("%s (-want +got): %s", name, diff)
	}
}

func (f *monitorFixture) reports(want map[string]float64) {
	f.t.Helper()
	f.compare("metrics", want, scrape.Metrics(f.t, f.registry))
}

// logs compares the log lines since the last call: one line with these words, or none.
func (f *monitorFixture) logs(words ...string) {
	f.t.Helper()
	lines := f.take()
	if len(lines) != min(len(words), 1) {
		f.t.Errorf("log: got %q, want one line with %q", lines, words)
		return
	}
	for _, word := range words {
		if !strings.Contains(lines[0], word) {
			f.t.Errorf("log: got %q, want %q in it", lines[0], word)
		}
	}
}

// samples are the metrics of a check some time after now.
func samples(after time.Duration, failed ...string) map[string]float64 {
	samples := map[string]float64{"paylink_stripe_endpoint_checked_timestamp_seconds": float64(now.Add(after).Unix())}
	for _, check := range []string{"exists", "enabled", "events", "mode", "api_version"} {
		samples[`paylink_stripe_endpoint_ok{check="`+check+`"}`] = 1
		if slices.Contains(failed, check) {
			samples[`paylink_stripe_endpoint_ok{check="`+check+`"}`] = 0
		}
	}
	return samples
}

const okText = "ok: we_1 at " + ourURL + " gets all 11 event types"

// TestMonitor: only the leader reports the metric, and each change of the text is in the log once.
func TestMonitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := endpoint("we_0", off)
		other.URL = "https://shop.example.com/other"
		f := newMonitorFixture(t, other, endpoint("we_1"))
		f.reports(map[string]float64{})
		stop := f.start()
		f.reports(samples(0))
		f.compare("state", map[string]string{"endpoint": okText, "endpoint-checked-at": "2026-11-23T12:00:00Z"}, f.state())
		f.logs("Webhook endpoint is OK", okText, `"level"=0`)

		f.stripe.found[1].Status = "disabled"
		f.next()
		f.reports(samples(5*minute, "enabled"))
		f.compare("endpoint-checked-at", "2026-11-23T12:05:00Z", f.state()["endpoint-checked-at"])
		checkText(t, f.state()["endpoint"], "wrong: we_1 at "+ourURL+": it is disabled", nil)
		f.logs("Webhook endpoint needs attention", "it is disabled", `"error"=`)
		f.next()
		f.logs()

		f.stripe.found = f.stripe.found[:1]
		f.next()
		f.reports(samples(15*minute, "exists", "enabled", "events", "mode", "api_version"))
		f.logs("no endpoint in live mode")

		f.stripe.found = append(f.stripe.found, endpoint("we_1"))
		f.next()
		f.reports(samples(20 * minute))
		f.logs("Webhook endpoint is OK")
		stop()
		f.reports(map[string]float64{})
		f.logs()

		next := newMonitorFixture(t, endpoint("we_1"))
		next.monitor.State = f.monitor.State
		f.writes = 0
		defer next.start()()
		next.logs("Webhook endpoint is OK") // another process has another log
		f.compare("writes", 0, f.writes)
	})
	if !(&Monitor{}).NeedLeaderElection() {
		t.Error("NeedLeaderElection: got false, want true")
	}
}

// TestWritesAreFew: without a change, there is one write an hour.
func TestWritesAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newMonitorFixture(t, endpoint("we_1"))
		defer f.start()()
		for range 12 * 3 {
			f.next()
		}
		f.compare("lists", 1+36, f.stripe.lists)
		f.compare("writes", 1+3, f.writes)
		f.compare("state", map[string]string{"endpoint": okText, "endpoint-checked-at": "2026-11-23T15:00:00Z"}, f.state())
		f.reports(samples(3 * hour))
	})
}

// TestStripeUnavailable: the previous result stays, and the error is in the log once.
func TestStripeUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newMonitorFixture(t, endpoint("we_1"))
		failed := func(request string) error {
			return fmt.Errorf("%w: status 500, request %s", stripeclient.ErrCallFailed, request)
		}
		f.stripe.err = failed("req_1")
		defer f.start()()
		f.reports(map[string]float64{})
		f.compare("state", 0, len(f.state()))
		f.logs("Cannot check the webhook endpoint", "request req_1")
		f.stripe.err = failed("req_2")
		f.next()
		f.logs()

		f.stripe.err = nil
		f.next()
		f.logs("Webhook endpoint is OK")
		f.stripe.err = failed("req_3")
		f.next()
		f.logs("Cannot check the webhook endpoint", "request req_3")
		f.reports(samples(10 * minute))
		f.compare("state", map[string]string{"endpoint": okText, "endpoint-checked-at": "2026-11-23T12:10:00Z"}, f.state())

		f.stripe.err, f.getErr = nil, errors.New("the API server is away")
		f.next()
		f.logs("Cannot check the webhook endpoint", "read ConfigMap paylink-stripe-live: the API server is away")
	})
}
