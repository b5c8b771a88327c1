package webhookserver_test

import (
	"bytes"
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
	stripewebhook "github.com/stripe/stripe-go/v76/webhook"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/webhookserver"
)

const (
	secret = "whsec_4eC39HqLyjWDarjtT1zdp7dc"
	// reference, session and intent are those of the samples.
	reference = "order-7f3c2a10"
	session   = "cs_test_a1Example0000000000000000000000000000000000000000000000001"
	intent    = "pi_3Example00000000000001"
)

// now is 39 s after the sample of a paid session.
var now = time.Unix(1760000100, 0)

// order is the order that the samples pay.
func order() *v1alpha1.Order {
	live := false
	return &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "lifetime-7c9e", UID: "3f6f", CreationTimestamp: metav1.NewTime(now.Add(-time.Hour))},
		Spec: v1alpha1.OrderSpec{
			ProductID: "lifetime", Amount: 4999, Currency: "EUR", Livemode: &live, OrderID: reference, PaymentLinkURL: "https://buy.stripe.com/a",
		},
		Status: v1alpha1.OrderStatus{ClientReferenceID: reference},
	}
}

// shop is the real handler over the real ledger over a fake API server.
type shop struct {
	t        *testing.T
	api      client.WithWatch
	ledger   *ledger.Ledger
	clock    *testingclock.FakePassiveClock
	registry *prometheus.Registry
	webhook  *webhookserver.Webhook
	server   *webhookserver.Server
	logged   *fakeshop.Journal
}

// newShop opens a shop with these objects. trouble, where given, comes before the fake API server's writes and live
// reads.
func newShop(t *testing.T, trouble interceptor.Funcs, objects ...client.Object) *shop {
	t.Helper()
	s := &shop{t: t, clock: testingclock.NewFakePassiveClock(now), registry: prometheus.NewRegistry(), logged: &fakeshop.Journal{}}
	s.api = fakeapi.Builder(t, objects...).Build()
	troubled := interceptor.NewClient(s.api, trouble)
	s.ledger = &ledger.Ledger{
		Cache: s.api, Live: troubled, Writer: troubled, EventNamespace: "paylink-system", Clock: s.clock, Metrics: metrics.NewLedger(prometheus.NewRegistry()),
	}
	s.open(s.ledger)
	return s
}

// newShopWith opens a shop over a ledger of the test's own.
func newShopWith(t *testing.T, l webhookserver.Ledger) *shop {
	t.Helper()
	s := &shop{t: t, clock: testingclock.NewFakePassiveClock(now), registry: prometheus.NewRegistry(), logged: &fakeshop.Journal{}}
	s.open(l)
	return s
}

func (s *shop) open(l webhookserver.Ledger) {
	secrets := credentials.NewSigningSecrets([]credentials.NamedSecret{{Name: "1", Secret: secret}})
	verifier := &webhook.Verifier{Secrets: secrets, Clock: s.clock}
	s.webhook = webhookserver.NewWebhook(verifier, l, metrics.NewWebhook(s.registry), s.clock, s.logged.Logger())
	s.server = &webhookserver.Server{Address: "127.0.0.1:0", Webhook: s.webhook, Log: s.logged.Logger()}
}

// sign is the header of a body that Stripe sends now.
func sign(body []byte) string { return signAs(secret, now, body) }

func signAs(secret string, at time.Time, body []byte) string {
	return stripewebhook.GenerateTestSignedPayload(&stripewebhook.UnsignedPayload{Payload: body, Secret: secret, Timestamp: at}).Header
}

// request is a delivery as Stripe makes it.
func request(ctx context.Context, body []byte, signature string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, webhookserver.WebhookPath, bytes.NewReader(body))
	r.Header.Set("Stripe-Signature", signature)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	return r
}

// send has the handler answer a request.
func (s *shop) send(r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	s.server.Handler().ServeHTTP(answer, r)
	return answer
}

// deliver sends a body signed as Stripe does.
func (s *shop) deliver(body []byte) *httptest.ResponseRecorder {
	return s.send(request(s.t.Context(), body, sign(body)))
}

// taken fails the test unless an answer is a bare 200.
func taken(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	if answer.Code != http.StatusOK || answer.Body.Len() != 0 || answer.Header().Get("Retry-After") != "" {
		t.Errorf("%d %v %s", answer.Code, answer.Header(), answer.Body)
	}
}

// refused fails the test unless an answer is a problem of this status, with Retry-After only where it is worth it.
func refused(t *testing.T, answer *httptest.ResponseRecorder, status int, detail string) {
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
		if got := answer.Header().Get(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
}

// counted compares how deliveries were counted: each `events{...}` or `failures{...}` that is not 0.
func (s *shop) counted(want map[string]float64) {
	s.t.Helper()
	got := map[string]float64{}
	for sample, value := range scrape.Metrics(s.t, s.registry) {
		name, labels, _ := strings.Cut(sample, "{")
		name = strings.TrimSuffix(strings.TrimPrefix(name, "paylink_webhook_"), "_total")
		if name == "events" || name == "failures" {
			got[name+"{"+labels] = value
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("counted: %s", diff)
	}
}

// sample is the value of one metric of the webhook route.
func (s *shop) sample(name string) float64 {
	s.t.Helper()
	return scrape.Metrics(s.t, s.registry)["paylink_webhook_"+name]
}

func failures(reason string) map[string]float64 {
	return map[string]float64{fmt.Sprintf("failures{reason=%q}", reason): 1}
}

func (s *shop) order() *v1alpha1.Order {
	s.t.Helper()
	o := &v1alpha1.Order{}
	if err := s.api.Get(s.t.Context(), client.ObjectKeyFromObject(order()), o); err != nil {
		s.t.Fatal(err)
	}
	return o
}

func (s *shop) parked() []v1alpha1.StripeEvent {
	s.t.Helper()
	var list v1alpha1.StripeEventList
	if err := s.api.List(s.t.Context(), &list); err != nil {
		s.t.Fatal(err)
	}
	return list.Items
}

// ledgerFunc is a ledger of one function.
type ledgerFunc func(context.Context, payment.Fact) (ledger.Result, error)

func (f ledgerFunc) Apply(ctx context.Context, fact payment.Fact) (ledger.Result, error) {
	return f(ctx, fact)
}

var errAway = errors.New("dial tcp 10.0.0.1:443: connection refused")

// paid is the sample of a paid session.
func paid(t *testing.T, changes ...stripeevents.Change) []byte {
	t.Helper()
	return stripeevents.FromStripe(t, stripeevents.SessionPaid, changes...)
}
