package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	stripewebhook "github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret = "whsec_4eC39HqLyjWDarjtT1zdp7dc"
	// orderName is the order that the samples pay; reference, session and intent are in the samples.
	orderName = "lifetime-7c9e"
	reference = "order-7f3c2a10"
	session   = "cs_test_a1Example0000000000000000000000000000000000000000000000001"
	intent    = "pi_3Example00000000000001"
)

// now is 39 s after the sample of a paid session.
var now = time.Unix(1760000100, 0)

// errUnreachable is an error of the API server's client. It names an address that no answer may contain.
var errUnreachable = errors.New("dial tcp 10.0.0.1:443: connection refused")

// order is the order that the samples pay.
func order() *v1alpha1.Order {
	return fakeapi.MakeOrder(orderName).UID("3f6f").Age(fakeapi.Now.Sub(now)+time.Hour).OrderID(reference).Price(4999, "EUR").TestMode().
		With(func(o *v1alpha1.Order) { o.Status.ClientReferenceID = reference }).Obj()
}

// fixture is the handler over the real ledger over a fake API server.
type fixture struct {
	t        *testing.T
	api      *fakeapi.Server
	clock    *testingclock.FakePassiveClock
	registry *prometheus.Registry
	handler  http.Handler
	logged   *fakeshop.Log
}

// newFixture makes a handler over a fake API server with the objects and the failures.
func newFixture(t *testing.T, failures interceptor.Funcs, objects ...client.Object) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: testingclock.NewFakePassiveClock(now), api: fakeapi.MakeServer(t, objects...).Failures(failures).Obj()}
	f.serve(f.api.Ledger(f.clock, prometheus.NewRegistry()))
	return f
}

// newFixtureWith makes a handler over a ledger of the test.
func newFixtureWith(t *testing.T, l webhook.Ledger) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: testingclock.NewFakePassiveClock(now)}
	f.serve(l)
	return f
}

func (f *fixture) serve(l webhook.Ledger) {
	f.registry, f.logged = prometheus.NewRegistry(), &fakeshop.Log{}
	secrets := credentials.NewSigningSecrets([]credentials.NamedSecret{{Name: "1", Secret: secret}})
	f.handler = webhook.New(&stripewebhook.Verifier{Secrets: secrets, Clock: f.clock}, l, metrics.NewWebhook(f.registry), f.clock, f.logged.Logger())
}

// sign returns the signature header of a body that Stripe sends now.
func sign(body []byte) string { return stripeevents.Signature(secret, now, body) }

// request is a delivery as Stripe makes it.
func request(ctx context.Context, body []byte, signature string) *http.Request {
	return stripeevents.MakeDelivery(body).Signature(signature).Obj(ctx)
}

// send returns the answer to a request.
func (f *fixture) send(r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	f.handler.ServeHTTP(answer, r)
	return answer
}

// deliver sends a body with the signature of Stripe.
func (f *fixture) deliver(body []byte) *httptest.ResponseRecorder {
	return f.send(request(f.t.Context(), body, sign(body)))
}

// wantAccepted fails the test unless an answer is a bare 200.
func wantAccepted(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	if answer.Code != http.StatusOK || answer.Body.Len() != 0 || answer.Header().Get("Retry-After") != "" {
		t.Errorf("got %d %v %q, want 200 without a body", answer.Code, answer.Header(), answer.Body)
	}
}

// wantProblem fails the test unless an answer is a problem of this status, with Retry-After only at a 503.
func wantProblem(t *testing.T, answer *httptest.ResponseRecorder, status int, detail string) {
	t.Helper()
	fakeshop.Refused(t, answer, status, detail)
	retryAfter, allow := "", ""
	switch status {
	case http.StatusServiceUnavailable:
		retryAfter = "5"
	case http.StatusMethodNotAllowed:
		allow = http.MethodPost
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Retry-After": retryAfter, "Allow": allow,
	} {
		check.Equal(t, want, answer.Header().Get(name), "%s", name)
	}
}

// wantCounts compares the counters of deliveries: each `events{...}` or `failures{...}` that is not 0.
func (f *fixture) wantCounts(want map[string]float64) {
	f.t.Helper()
	got := map[string]float64{}
	for sample, value := range scrape.Metrics(f.t, f.registry) {
		name, labels, _ := strings.Cut(sample, "{")
		name = strings.TrimSuffix(strings.TrimPrefix(name, "paylink_webhook_"), "_total")
		if name == "events" || name == "failures" {
			got[name+"{"+labels] = value
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("counters (-want +got):\n%s", diff)
	}
}

// wantSample compares one metric of the webhook route.
func (f *fixture) wantSample(name string, want float64) {
	f.t.Helper()
	if got := f.sample(name); got != want {
		f.t.Errorf("got %s %v, want %v", name, got, want)
	}
}

func (f *fixture) sample(name string) float64 {
	f.t.Helper()
	return scrape.Metrics(f.t, f.registry)["paylink_webhook_"+name]
}

func failures(reason string) map[string]float64 {
	return map[string]float64{fmt.Sprintf("failures{reason=%q}", reason): 1}
}

// wantUntouched fails the test if a delivery changed the order or left a StripeEvent.
func (f *fixture) wantUntouched() {
	f.t.Helper()
	if got := f.api.Order(orderName).Status; got.Phase != "" || len(got.Payments) != 0 {
		f.t.Errorf("got order status %+v, want no change", got)
	}
	if got := f.api.StripeEvents(); len(got) != 0 {
		f.t.Errorf("got StripeEvents %+v, want none", got)
	}
}

// ledgerFunc is a ledger of one function.
type ledgerFunc func(context.Context, payment.Fact) (ledger.Result, error)

func (f ledgerFunc) Apply(ctx context.Context, fact payment.Fact) (ledger.Result, error) {
	return f(ctx, fact)
}

// accepting is a ledger that applies every fact.
var accepting = ledgerFunc(func(context.Context, payment.Fact) (ledger.Result, error) { return ledger.Applied, nil })

// blocking is a ledger that applies a fact only once the channel is closed.
type blocking struct{ release chan struct{} }

func (b blocking) Apply(ctx context.Context, _ payment.Fact) (ledger.Result, error) {
	select {
	case <-b.release:
		return ledger.Applied, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// paid is the sample of a paid session.
func paid(t *testing.T, changes ...stripeevents.Change) []byte {
	t.Helper()
	return stripeevents.FromStripe(t, stripeevents.SessionPaid, changes...)
}

// small is an event of interest that is quick to read.
func small(t *testing.T) []byte { return stripeevents.FromStripe(t, stripeevents.RefundFailed) }
