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

// errCrash is what a step ends with that was the process's last.
var errCrash = errors.New("crash")

var (
	now       = fakeapi.Now
	errStripe = errors.New("status 429")
)

const (
	minute = time.Minute
	hour   = time.Hour
)

// steps are what a keeper changes, here and at Stripe. One of them may fail, before or after it was done.
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
		_ = do() // the answer of which is lost
	}
	return errCrash
}

// outpost is a watch with a keeper, called by hand, between a simulator of Stripe and a fake API server.
type outpost struct {
	t     *testing.T
	sim   *stripesim.Simulator
	shop  *httptest.Server
	api   client.WithWatch
	clock *testingclock.FakeClock
	*journal
	*steps
	watch    *Monitor
	registry *prometheus.Registry
	// refuse, where set, says what the API server refuses of what is written.
	refuse func(client.Object, []byte) error

	mu sync.Mutex
	// deliveries are the webhooks that came, with their signature.
	deliveries map[string]string
}

// newOutpost is one that has looked at nothing yet. It ends with the test, and leaves no secret in log or ConfigMap.
func newOutpost(t *testing.T, objects ...client.Object) *outpost {
	t.Helper()
	o := &outpost{t: t, clock: testingclock.NewFakeClock(now), journal: &journal{}, steps: &steps{}, deliveries: map[string]string{}}
	o.shop = httptest.NewServer(http.HandlerFunc(o.serve))
	t.Cleanup(o.shop.Close)
	var err error
	if o.sim, err = stripesim.Start(stripesim.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if err := o.sim.Close(); err != nil {
			t.Error(err)
		}
	})
	write := func(verb string, object client.Object, body []byte, do func() error) error {
		return o.step(verb+" "+object.GetName(), func() error {
			if o.refuse != nil {
				if err := o.refuse(object, body); err != nil {
					return err
				}
			}
			return do()
		})
	}
	o.api = interceptor.NewClient(fakeapi.Builder(t, objects...).Build(), interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, p client.Patch, opts ...client.PatchOption) error {
			body, err := p.Data(object)
			if err != nil {
				return err
			}
			return write("patch", object, body, func() error { return c.Patch(ctx, object, p, opts...) })
		},
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
			body, err := json.Marshal(object)
			if err != nil {
				return err
			}
			return write("create", object, body, func() error { return c.Create(ctx, object, opts...) })
		},
	})
	o.start()
	t.Cleanup(o.tellsNoSecret)
	return o
}

// start is a start of the process.
func (o *outpost) start() {
	o.t.Helper()
	keys, err := credentials.NewKeys(stripesim.LiveKey, o.clock, o.logger())
	if err != nil {
		o.t.Fatal(err)
	}
	stripe := counted{steps: o.steps, Client: stripeclient.New(stripeclient.Options{
		Keys: keys, Base: o.sim.URL(), Timeout: 10 * time.Second, Observe: func(string, string) {},
	})}
	o.registry = prometheus.NewPedanticRegistry()
	state := &stripestate.ConfigMap{Reader: o.api, Writer: o.api, Namespace: "paylink-system", Live: true}
	o.watch = &Monitor{
		Stripe: stripe, State: state, URL: o.shop.URL + "/api/webhooks/stripe", Clock: o.clock, Log: o.logger(), Metrics: metrics.NewEndpoint(o.registry),
		Keeper: &Manager{
			Stripe: stripe, State: state, Clock: o.clock, Log: o.logger(),
			Secret: &WebhookSecret{Reader: o.api, Writer: o.api, Namespace: "paylink-system", Name: "paylink-webhook"},
		},
	}
}

// look looks once, five minutes after the last time.
func (o *outpost) look() error {
	o.clock.Step(5 * minute)
	return o.watch.look(o.t.Context())
}

// mustLook looks, and takes these steps.
func (o *outpost) mustLook(taken ...string) {
	o.t.Helper()
	o.taken = nil
	if err := o.look(); err != nil {
		o.t.Error(err)
	}
	if diff := cmp.Diff(taken, o.taken); diff != "" {
		o.t.Errorf("steps: %s", diff)
	}
}

// says holds what is kept of the endpoint to its beginning, and to some words.
func (o *outpost) says(begins string, words ...string) {
	o.t.Helper()
	text := o.state()["endpoint"]
	if !strings.HasPrefix(text, begins) {
		o.t.Errorf("%q does not begin with %q", text, begins)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			o.t.Errorf("%q does not say %q", text, word)
		}
	}
}

// passes holds a check to its metric.
func (o *outpost) passes(check string, want float64) {
	o.t.Helper()
	if got, is := scrape.Metrics(o.t, o.registry)[`paylink_stripe_endpoint_ok{check="`+check+`"}`]; !is || got != want {
		o.t.Errorf("%s is %v (%t)", check, got, is)
	}
}

func (o *outpost) state() map[string]string {
	o.t.Helper()
	kept, err := o.watch.State.Read(o.t.Context())
	if err != nil {
		o.t.Error(err)
	}
	return kept
}

// request is what is kept of the request under way.
func (o *outpost) request() string { return o.state()["endpoint-request"] }

// underWay is a ConfigMap with a request that was begun some time ago.
func underWay(key string, ago time.Duration) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "paylink-system", Name: "paylink-stripe-live"},
		Data:       map[string]string{"endpoint-request": key + " " + now.Add(-ago).Format(time.RFC3339), "events-read-until": "2026-11-23T11:00:00Z"},
	}
}

// webhookSecret is the Secret that the webhook server mounts, with these files.
func webhookSecret(files map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "paylink-system", Name: "paylink-webhook"}, Data: files}
}

func (o *outpost) secret() *corev1.Secret {
	o.t.Helper()
	secret := webhookSecret(nil)
	if err := o.api.Get(o.t.Context(), client.ObjectKeyFromObject(secret), secret); client.IgnoreNotFound(err) != nil {
		o.t.Error(err)
	}
	return secret
}

// signingSecret is one, as it is or in base64.
var signingSecret = regexp.MustCompile(`whsec_\w|d2hzZWNf`)

// tellsNoSecret: whatever happened, what can be read by others holds no signing secret.
func (o *outpost) tellsNoSecret() {
	var kept corev1.ConfigMap
	if err := o.api.Get(context.Background(), client.ObjectKey{Namespace: "paylink-system", Name: "paylink-stripe-live"}, &kept); client.IgnoreNotFound(err) != nil {
		o.t.Error(err)
	}
	said := append(o.take(), kept.Data["endpoint"], kept.Data["endpoint-request"])
	for _, line := range said {
		if signingSecret.MatchString(line) {
			o.t.Errorf("a signing secret is told: %s", line)
		}
	}
}
