package stories_test

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
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// TestAnAcknowledgedEventHasItsEffectDespiteAStaleCache: the webhook server's cache stands still, as it does for a
// moment on every busy cluster, while an order is created, paid and refunded.
func TestAnAcknowledgedEventHasItsEffectDespiteAStaleCache(t *testing.T) {
	const secret = "whsec_behind"
	server, cached, watches := serveBehindWatches(t, secret)
	s := openShop(t, startStripe(t, stripesim.Options{}, server, secret))
	known := s.Sell("known")
	s.Eventually("the cache has the order", func(ctx context.Context) (bool, error) {
		seen := &v1alpha1.Order{}
		err := cached.Get(ctx, client.ObjectKeyFromObject(known), seen)
		return err == nil && seen.ResourceVersion == known.ResourceVersion, err
	})
	watches.stop()
	known.Labels = map[string]string{"seen": "no"}
	if err := paylink.Client.Update(s.Ctx, known); err != nil {
		t.Fatal(err)
	}
	unknown := s.Sell("unknown")

	for name, o := range map[string]*v1alpha1.Order{"an order that it does not have": unknown, "an order that it has as it was": known} {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.T = t
			session := s.Pay(o.Status.CheckoutURL)
			s.Settled() // with a 200, and what that promises is read once
			if now := s.Read(o); now.Status.Phase != v1alpha1.OrderPaid {
				t.Errorf("the payment is acknowledged, and the order is %s", now.Status.Phase)
			}
			if _, err := s.Stripe.Refund(s.Intent(session.ID), 0); err != nil {
				t.Fatal(err)
			}
			s.Settled()
			if now := s.Read(o); now.Status.Phase != v1alpha1.OrderRefunded {
				t.Errorf("the refund is acknowledged, and the order is %s", now.Status.Phase)
			}
			if kept := s.Kept(session); len(kept) > 0 { // which the controller would have applied, though later
				t.Errorf("events were put off: %+v", kept)
			}
			seen := &v1alpha1.Order{}
			if err := cached.Get(s.Ctx, client.ObjectKeyFromObject(o), seen); err == nil && seen.Status.Phase != v1alpha1.OrderPending {
				t.Errorf("the cache is not behind: it has the order as %s", seen.Status.Phase)
			}
		})
	}
}

// serveBehindWatches serves webhooks in this process as the webhook server does, with a cache of its own whose watches
// can be stopped. It returns the route's address, and a reader of the cache.
func serveBehindWatches(t *testing.T, secret string) (string, client.Reader, *watches) {
	t.Helper()
	w := &watches{}
	config := paylink.Cluster.Config()
	config.Wrap(w.wrap)
	options := setup.Options{EventNamespace: paylink.Namespace, MetricsAddress: "0", ProbeAddress: "0"}
	mgr, err := options.NewManager(config, func(o *ctrl.Options) { o.Logger = logr.Discard() })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // until the cleanups below
	if err := ledger.Index(ctx, mgr.GetFieldIndexer()); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := mgr.Start(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	if !mgr.GetCache().WaitForCacheSync(ctx) {
		t.Fatal("the cache did not come up")
	}
	keeper := &ledger.Ledger{
		Cache: mgr.GetClient(), Live: mgr.GetAPIReader(), Writer: mgr.GetClient(), EventNamespace: paylink.Namespace,
		Clock: clock.RealClock{}, Metrics: metrics.NewLedger(prometheus.NewRegistry()),
	}
	secrets := credentials.NewSigningSecrets([]credentials.NamedSecret{{Name: "1", Secret: credentials.Secret(secret)}})
	verifier := &stripewebhook.Verifier{Secrets: secrets, Clock: clock.RealClock{}}
	webhook := webhook.New(verifier, keeper, metrics.NewWebhook(prometheus.NewRegistry()), clock.RealClock{}, logr.Discard())
	server := httptest.NewServer(webhook)
	t.Cleanup(server.Close)
	return server.URL, mgr.GetCache(), w
}

// watches are what the API server tells its clients without being asked. Once stopped they bring nothing any more.
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

// watch is the body of one. What it has read when its watches are stopped it keeps to itself.
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
