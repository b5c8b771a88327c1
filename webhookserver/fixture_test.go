package webhookserver_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	stripewebhook "github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/webhookserver"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

const secret = "whsec_4eC39HqLyjWDarjtT1zdp7dc"

// errUnreachable is an error of the API server's client.
var errUnreachable = errors.New("dial tcp 10.0.0.1:443: connection refused")

// fixture is a server with the webhook route alone, over a ledger of the test.
type fixture struct {
	t        *testing.T
	registry *prometheus.Registry
	server   *webhookserver.Server
}

func newFixture(t *testing.T, l webhook.Ledger) *fixture {
	t.Helper()
	f := &fixture{t: t, registry: prometheus.NewRegistry()}
	logger := (&fakeshop.Log{}).Logger()
	secrets := credentials.NewSigningSecrets([]credentials.NamedSecret{{Name: "1", Secret: secret}})
	handler := webhook.New(&stripewebhook.Verifier{Secrets: secrets, Clock: clock.RealClock{}}, l, metrics.NewWebhook(f.registry), clock.RealClock{}, logger)
	f.server = &webhookserver.Server{Address: "127.0.0.1:0", Webhook: handler, Log: logger}
	return f
}

// send returns the answer of the routes to a request.
func (f *fixture) send(r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	f.server.Handler().ServeHTTP(answer, r)
	return answer
}

// sample is the value of one metric of the webhook route.
func (f *fixture) sample(name string) float64 {
	f.t.Helper()
	return scrape.Metrics(f.t, f.registry)["paylink_webhook_"+name]
}

// ledgerFunc is a ledger of one function.
type ledgerFunc func(context.Context, payment.Fact) (ledger.Result, error)

func (f ledgerFunc) Apply(ctx context.Context, fact payment.Fact) (ledger.Result, error) {
	return f(ctx, fact)
}

// accepting is a ledger that applies every fact.
var accepting = ledgerFunc(func(context.Context, payment.Fact) (ledger.Result, error) { return ledger.Applied, nil })

// blocking returns a ledger that applies a fact only once the channel is closed.
func blocking(release <-chan struct{}) ledgerFunc {
	return func(ctx context.Context, _ payment.Fact) (ledger.Result, error) {
		select {
		case <-release:
			return ledger.Applied, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// event is a body of interest that is quick to read.
func event(t *testing.T) []byte { return stripeevents.FromStripe(t, stripeevents.RefundFailed) }
