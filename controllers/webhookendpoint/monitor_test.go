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

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
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

// switchboard is a Stripe whose endpoints a test sets.
type switchboard struct {
	found []stripeclient.Endpoint
	err   error
	asked int
}

func (s *switchboard) Live() bool { return true }

func (s *switchboard) Endpoints(context.Context) ([]stripeclient.Endpoint, error) {
	s.asked++
	return slices.Clone(s.found), s.err
}

// journal is what was logged, all levels of it.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) logger() logr.Logger {
	return funcr.New(func(prefix, args string) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.lines = append(j.lines, prefix+args)
	}, funcr.Options{Verbosity: 10})
}

// take returns what was logged since it was taken last.
func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

// lookout is a watch that was started, by a clock that a test moves.
type lookout struct {
	t        *testing.T
	stripe   *switchboard
	api      client.Client
	clock    *testingclock.FakeClock
	journal  *journal
	registry *prometheus.Registry
	watch    *Monitor
	// writes counts those to the ConfigMap; trouble, where set, fails what is asked of the API server.
	writes  int
	trouble error
}

func newLookout(t *testing.T, found ...stripeclient.Endpoint) *lookout {
	t.Helper()
	l := &lookout{
		t: t, stripe: &switchboard{found: found}, clock: testingclock.NewFakeClock(now), journal: &journal{}, registry: prometheus.NewPedanticRegistry(),
	}
	l.api = interceptor.NewClient(fakeapi.Builder(t).Build(), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if l.trouble != nil {
				return l.trouble
			}
			return c.Get(ctx, key, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			l.writes++
			return c.Patch(ctx, o, p, opts...)
		},
	})
	l.watch = &Monitor{
		Stripe: l.stripe, State: &stripestate.ConfigMap{Reader: l.api, Writer: l.api, Namespace: "paylink-system", Live: true}, URL: ourURL, Clock: l.clock,
		Log: l.journal.logger(), Metrics: metrics.NewEndpoint(l.registry), Period: 5 * minute,
	}
	return l
}

// start starts it, and returns what stops it.
func (l *lookout) start() (stop func()) {
	l.t.Helper()
	ctx, cancel := context.WithCancel(l.t.Context())
	done := make(chan error, 1)
	go func() { done <- l.watch.Start(ctx) }()
	synctest.Wait()
	return func() {
		l.t.Helper()
		cancel()
		if err := <-done; err != nil {
			l.t.Error(err)
		}
	}
}

// next waits for the next look.
func (l *lookout) next() {
	l.clock.Step(l.watch.Period)
	<-time.After(l.watch.Period) // of the bubble
	synctest.Wait()
}

func (l *lookout) kept() map[string]string {
	l.t.Helper()
	var kept corev1.ConfigMap
	if err := l.api.Get(l.t.Context(), client.ObjectKey{Namespace: "paylink-system", Name: "paylink-stripe-live"}, &kept); client.IgnoreNotFound(err) != nil {
		l.t.Fatal(err)
	}
	return kept.Data
}

func (l *lookout) must(what string, want, got any) {
	l.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("%s: %s", what, diff)
	}
}

// logged holds what was logged since to one line that has these words, or to none.
func (l *lookout) logged(words ...string) {
	l.t.Helper()
	lines := l.journal.take()
	if len(words) == 0 && len(lines) > 0 || len(words) > 0 && len(lines) != 1 {
		l.t.Errorf("logged %q", lines)
		return
	}
	for _, word := range words {
		if !strings.Contains(lines[0], word) {
			l.t.Errorf("%q does not say %q", lines[0], word)
		}
	}
}

// endpointMetrics is what is reported of an endpoint that was looked at some time from now; wrong are the checks at 0.
func endpointMetrics(after time.Duration, wrong ...string) map[string]float64 {
	samples := map[string]float64{"paylink_stripe_endpoint_checked_timestamp_seconds": float64(now.Add(after).Unix())}
	for _, check := range []string{"exists", "enabled", "events", "mode", "api_version"} {
		samples[`paylink_stripe_endpoint_ok{check="`+check+`"}`] = 1
		if slices.Contains(wrong, check) {
			samples[`paylink_stripe_endpoint_ok{check="`+check+`"}`] = 0
		}
	}
	return samples
}

const seenGood = "ok: we_1 at " + ourURL + " gets all 11 event types"

// TestEndpointWatch: the endpoint's state is a metric of the leader's, a text, and a line for each change of it.
func TestEndpointWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		elsewhere := endpoint("we_0", off)
		elsewhere.URL = "https://shop.example.com/other"
		l := newLookout(t, elsewhere, endpoint("we_1"))
		l.must("reported though it does not lead", map[string]float64{}, scrape.Metrics(t, l.registry))
		stop := l.start()
		l.must("reported", endpointMetrics(0), scrape.Metrics(t, l.registry))
		l.must("kept", map[string]string{"endpoint": seenGood, "endpoint-checked-at": "2026-11-23T12:00:00Z"}, l.kept())
		l.logged("as it should be", seenGood, `"level"=0`)

		l.stripe.found[1].Status = "disabled"
		l.next()
		l.must("reported", endpointMetrics(5*minute, "enabled"), scrape.Metrics(t, l.registry))
		l.must("kept at", "2026-11-23T12:05:00Z", l.kept()["endpoint-checked-at"])
		l.must("kept", true, strings.HasPrefix(l.kept()["endpoint"], "wrong: we_1 at "+ourURL+": it is disabled"))
		l.logged("needs a person", "it is disabled", `"error"=`)
		l.next()
		l.logged()

		l.stripe.found = l.stripe.found[:1]
		l.next()
		l.must("reported", endpointMetrics(15*minute, "exists", "enabled", "events", "mode", "api_version"), scrape.Metrics(t, l.registry))
		l.logged("no endpoint in live mode")

		l.stripe.found = append(l.stripe.found, endpoint("we_1"))
		l.next()
		l.must("reported", endpointMetrics(20*minute), scrape.Metrics(t, l.registry))
		l.logged("as it should be")
		stop()
		l.must("reported though it leads no more", map[string]float64{}, scrape.Metrics(t, l.registry))
		l.logged()

		another := newLookout(t, endpoint("we_1"))
		another.watch.State = l.watch.State
		l.writes = 0
		defer another.start()()
		another.logged("as it should be") // it is another's log
		l.must("writes", 0, l.writes)
	})
	if !(&Monitor{}).NeedLeaderElection() {
		t.Error("each replica would make an endpoint")
	}
}

// TestEndpointWritesAreFew: where nothing changes, an hour takes one write.
func TestEndpointWritesAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookout(t, endpoint("we_1"))
		defer l.start()()
		for range 12 * 3 {
			l.next()
		}
		l.must("looks", 1+36, l.stripe.asked)
		l.must("writes", 1+3, l.writes)
		l.must("kept", map[string]string{"endpoint": seenGood, "endpoint-checked-at": "2026-11-23T15:00:00Z"}, l.kept())
		l.must("reported", endpointMetrics(3*hour), scrape.Metrics(t, l.registry))
	})
}

// TestStripeSaysNothingOfEndpoints: what was seen before stands, and the trouble is logged once.
func TestStripeSaysNothingOfEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookout(t, endpoint("we_1"))
		refused := func(request string) error {
			return fmt.Errorf("%w: status 500, request %s", stripeclient.ErrCallFailed, request)
		}
		l.stripe.err = refused("req_1")
		defer l.start()()
		l.must("reported", map[string]float64{}, scrape.Metrics(t, l.registry))
		l.must("kept", 0, len(l.kept()))
		l.logged("Cannot look at the webhook endpoint", "request req_1")
		l.stripe.err = refused("req_2")
		l.next()
		l.logged()

		l.stripe.err = nil
		l.next()
		l.logged("as it should be")
		l.stripe.err = refused("req_3")
		l.next()
		l.logged("Cannot look at the webhook endpoint", "request req_3")
		l.must("reported", endpointMetrics(10*minute), scrape.Metrics(t, l.registry))
		l.must("kept", map[string]string{"endpoint": seenGood, "endpoint-checked-at": "2026-11-23T12:10:00Z"}, l.kept())

		l.stripe.err, l.trouble = nil, errors.New("the API server is away")
		l.next()
		l.logged("Cannot look at the webhook endpoint", "read ConfigMap paylink-stripe-live: the API server is away")
	})
}
