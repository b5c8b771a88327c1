package webhookendpoint

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/controllers/stripestate"
	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stripesim"
)

var (
	now = fakeapi.Now
	// errCrash ends the last step of a process that crashes.
	errCrash = errors.New("crash")
)

const (
	minute = time.Minute
	hour   = time.Hour
)

// logRecorder records log lines of all levels.
type logRecorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *logRecorder) logger() logr.Logger {
	return funcr.New(func(prefix, args string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.lines = append(r.lines, prefix+args)
	}, funcr.Options{Verbosity: 10})
}

// take returns the lines since the last call.
func (r *logRecorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

// steps records the writes of a Manager, here and at Stripe. One of them can fail, before or after it is done.
type steps struct {
	taken  []string
	failAt int
	done   bool
}

func (s *steps) step(name string, do func() error) error {
	s.taken = append(s.taken, name)
	if len(s.taken) != s.failAt {
		return do()
	}
	if s.done {
		_ = do() // its response is lost
	}
	return errCrash
}

// endpointFixture is a Monitor with a Manager, between the simulator of Stripe and a fake API server.
type endpointFixture struct {
	t      *testing.T
	sim    *stripesim.Simulator
	server *httptest.Server
	api    client.WithWatch
	clock  *testingclock.FakeClock
	*logRecorder
	*steps
	monitor  *Monitor
	registry *prometheus.Registry
	// refuse, where set, returns the API server's error of a write.
	refuse func(client.Object, []byte) error

	mu sync.Mutex
	// deliveries are the signatures of the webhooks, by body.
	deliveries map[string]string
}

// newFixture has not checked yet. At the end of the test, no log line and no ConfigMap may contain a signing secret.
func newFixture(t *testing.T, objects ...client.Object) *endpointFixture {
	t.Helper()
	f := &endpointFixture{t: t, clock: testingclock.NewFakeClock(now), logRecorder: &logRecorder{}, steps: &steps{}, deliveries: map[string]string{}}
	f.server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.server.Close)
	var err error
	if f.sim, err = stripesim.Start(stripesim.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if err := f.sim.Close(); err != nil {
			t.Error(err)
		}
	})
	f.api = interceptor.NewClient(fakeapi.Builder(t, objects...).Build(), interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, p client.Patch, opts ...client.PatchOption) error {
			body, err := p.Data(object)
			if err != nil {
				return err
			}
			return f.write("patch", object, body, func() error { return c.Patch(ctx, object, p, opts...) })
		},
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
			body, err := json.Marshal(object)
			if err != nil {
				return err
			}
			return f.write("create", object, body, func() error { return c.Create(ctx, object, opts...) })
		},
	})
	f.restart()
	t.Cleanup(f.checkNoSecretLeaked)
	return f
}

func (f *endpointFixture) write(verb string, object client.Object, body []byte, do func() error) error {
	return f.step(verb+" "+object.GetName(), func() error {
		if f.refuse != nil {
			if err := f.refuse(object, body); err != nil {
				return err
			}
		}
		return do()
	})
}

// restart makes a Monitor without memory.
func (f *endpointFixture) restart() {
	f.t.Helper()
	keys, err := credentials.NewKeys(stripesim.LiveKey, f.clock, f.logger())
	if err != nil {
		f.t.Fatal(err)
	}
	stripe := countingClient{steps: f.steps, Client: stripeclient.New(stripeclient.Options{
		Keys: keys, Base: f.sim.URL(), Timeout: 10 * time.Second, Observe: func(string, string) {},
	})}
	f.registry = prometheus.NewPedanticRegistry()
	state := &stripestate.ConfigMap{Reader: f.api, Writer: f.api, Namespace: fakeapi.EventNamespace, Live: true}
	f.monitor = &Monitor{
		Stripe: stripe, State: state, URL: f.server.URL + "/api/webhooks/stripe", Clock: f.clock, Log: f.logger(), Metrics: metrics.NewEndpoint(f.registry),
		Manager: &Manager{
			Stripe: stripe, State: state, Clock: f.clock, Log: f.logger(),
			Secret: &Secret{Reader: f.api, Writer: f.api, Namespace: fakeapi.EventNamespace, Name: "paylink-webhook"},
		},
	}
}

// check checks once, five minutes after the last check.
func (f *endpointFixture) check() error {
	f.clock.Step(5 * minute)
	return f.monitor.check(f.t.Context())
}

// mustCheck checks without error, and compares the steps.
func (f *endpointFixture) mustCheck(want ...string) {
	f.t.Helper()
	f.taken = nil
	if err := f.check(); err != nil {
		f.t.Errorf("check: got error %v", err)
	}
	if diff := cmp.Diff(want, f.taken); diff != "" {
		f.t.Errorf("steps (-want +got): %s", diff)
	}
}

// says compares the beginning of the text in the state, and some words of it.
func (f *endpointFixture) says(prefix string, words ...string) {
	f.t.Helper()
	checkText(f.t, f.state()["endpoint"], prefix, words)
}

func checkText(t *testing.T, got, prefix string, words []string) {
	t.Helper()
	if !strings.HasPrefix(got, prefix) {
		t.Errorf("text: got %q, want the prefix %q", got, prefix)
	}
	for _, word := range words {
		if !strings.Contains(got, word) {
			t.Errorf("text: got %q, want %q in it", got, word)
		}
	}
}

// passes compares the metric of a check.
func (f *endpointFixture) passes(check string, want float64) {
	f.t.Helper()
	if got, is := scrape.Metrics(f.t, f.registry)[`paylink_stripe_endpoint_ok{check="`+check+`"}`]; !is || got != want {
		f.t.Errorf("%s: got %v (%t), want %v", check, got, is, want)
	}
}

func (f *endpointFixture) state() map[string]string {
	f.t.Helper()
	state, err := f.monitor.State.Read(f.t.Context())
	if err != nil {
		f.t.Error(err)
	}
	return state
}

// request is the pending request in the state.
func (f *endpointFixture) request() string { return f.state()["endpoint-request"] }

// pendingRequest is a ConfigMap with a request that was sent some time ago.
func pendingRequest(key string, ago time.Duration) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: fakeapi.EventNamespace, Name: "paylink-stripe-live"},
		Data:       map[string]string{"endpoint-request": key + " " + now.Add(-ago).Format(time.RFC3339), "events-read-until": "2026-11-23T11:00:00Z"},
	}
}

// webhookSecret is the Secret that the webhook server mounts, with these files.
func webhookSecret(files map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: fakeapi.EventNamespace, Name: "paylink-webhook"}, Data: files}
}

func (f *endpointFixture) secret() *corev1.Secret {
	f.t.Helper()
	secret := webhookSecret(nil)
	if err := f.api.Get(f.t.Context(), client.ObjectKeyFromObject(secret), secret); client.IgnoreNotFound(err) != nil {
		f.t.Error(err)
	}
	return secret
}

// signingSecret matches a signing secret, plain or in base64.
var signingSecret = regexp.MustCompile(`whsec_\w|d2hzZWNf`)

// checkNoSecretLeaked checks everything that others can read for signing secrets.
func (f *endpointFixture) checkNoSecretLeaked() {
	var state corev1.ConfigMap
	if err := f.api.Get(context.Background(), client.ObjectKey{Namespace: fakeapi.EventNamespace, Name: "paylink-stripe-live"}, &state); client.IgnoreNotFound(err) != nil {
		f.t.Error(err)
	}
	for _, line := range append(f.take(), state.Data["endpoint"], state.Data["endpoint-request"]) {
		if signingSecret.MatchString(line) {
			f.t.Errorf("got a signing secret in %q", line)
		}
	}
}
