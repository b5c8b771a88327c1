package sale_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	stripewebhook "github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// TestAnAcknowledgedEventHasItsEffectDespiteAStaleCache: the webhook server's cache gets no updates while an order is
// created, paid and refunded, as on a busy cluster.
func TestAnAcknowledgedEventHasItsEffectDespiteAStaleCache(t *testing.T) {
	const secret = "whsec_behind"
	server, cached, watches := serveWithStoppableWatches(t, secret)
	stripe := startStripe(t, stripesim.Options{})
	stripe.AddEndpoint(stripesim.EndpointParams{URL: server, Secret: secret})
	s := newClientAt(t, stripe)
	known := s.CreateReady("known")
	s.Eventually("the cache has the order", func(ctx context.Context) (bool, error) {
		seen := &v1alpha1.Order{}
		err := cached.Get(ctx, client.ObjectKeyFromObject(known), seen)
		return err == nil && seen.ResourceVersion == known.ResourceVersion, err
	})
	watches.stop()
	known.Labels = map[string]string{"seen": "no"}
	s.Must(paylink.Client.Update(s.Ctx, known))
	unknown := s.CreateReady("unknown")

	for name, o := range map[string]*v1alpha1.Order{"an order that the cache does not have": unknown, "an order that the cache has an old version of": known} {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.T = t
			session := s.Pay(o.Status.CheckoutURL)
			s.AwaitDelivered()
			check.Equal(t, v1alpha1.OrderPaid, s.Read(o).Status.Phase, "phase after the payment was acknowledged")
			s.Refund(session, 0)
			s.AwaitDelivered()
			check.Equal(t, v1alpha1.OrderRefunded, s.Read(o).Status.Phase, "phase after the refund was acknowledged")
			if kept := s.StripeEventsOf(session); len(kept) > 0 { // the controller would apply them later
				t.Errorf("got the StripeEvents %+v, want none", kept)
			}
			seen := &v1alpha1.Order{}
			if err := cached.Get(s.Ctx, client.ObjectKeyFromObject(o), seen); err == nil && seen.Status.Phase != v1alpha1.OrderPending {
				t.Errorf("got phase %s from the cache, want Pending", seen.Status.Phase)
			}
		})
	}
}

// serveWithStoppableWatches serves webhooks in this process, with a cache whose watches can be stopped. It returns the
// address of the route, and a reader of the cache.
func serveWithStoppableWatches(t *testing.T, secret string) (string, client.Reader, *watches) {
	t.Helper()
	w := &watches{}
	config := paylink.Cluster.Config()
	config.Wrap(w.wrap)
	options := setup.Options{EventNamespace: paylink.Namespace, MetricsAddress: "0", ProbeAddress: "0"}
	mgr, err := options.NewManager(config, func(o *ctrl.Options) { o.Logger = logr.Discard() })
	check.Must(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // until the cleanups below
	check.Must(t, ledger.Index(ctx, mgr.GetFieldIndexer()))
	var running sync.WaitGroup
	running.Go(func() {
		check.NoError(t, mgr.Start(ctx))
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	if !mgr.GetCache().WaitForCacheSync(ctx) {
		t.Fatal("the cache did not sync")
	}
	orders := &ledger.Ledger{
		Cache: mgr.GetClient(), Live: mgr.GetAPIReader(), Writer: mgr.GetClient(), EventNamespace: paylink.Namespace,
		Clock: clock.RealClock{}, Metrics: metrics.NewLedger(prometheus.NewRegistry()),
	}
	secrets := credentials.NewSigningSecrets([]credentials.NamedSecret{{Name: "1", Secret: credentials.Secret(secret)}})
	verifier := &stripewebhook.Verifier{Secrets: secrets, Clock: clock.RealClock{}}
	handler := webhook.New(verifier, orders, metrics.NewWebhook(prometheus.NewRegistry()), clock.RealClock{}, logr.Discard())
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL, mgr.GetCache(), w
}

// watches are the watch requests of a client. Once stopped, they receive nothing more.
type watches struct {
	mu      sync.Mutex
	stopped bool
}

func (w *watches) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
}

func (w *watches) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		answer, err := next.RoundTrip(r)
		if err == nil && r.URL.Query().Has("watch") {
			answer.Body = &watch{ReadCloser: answer.Body, watches: w, closed: make(chan struct{})}
		}
		return answer, err
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// watch is the response body of a watch. It drops what it reads once the watches are stopped.
type watch struct {
	io.ReadCloser
	watches *watches
	closing sync.Once
	closed  chan struct{}
}

func (w *watch) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.watches.mu.Lock()
	stopped := w.watches.stopped
	w.watches.mu.Unlock()
	if stopped {
		<-w.closed
		return 0, io.EOF
	}
	return n, err
}

func (w *watch) Close() error {
	w.closing.Do(func() { close(w.closed) })
	return w.ReadCloser.Close()
}
