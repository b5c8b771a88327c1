// Package fakeshop is the webhook server's routes for shops and buyers, over an API server, a controller and users that
// are not real. All that goes through it is held to the routes' own description.
package fakeshop

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	stripewebhook "github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/openapi"
	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/webhookserver"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
	"github.com/paylink-dev/paylink/webhookserver/clientip"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
	"github.com/paylink-dev/paylink/webhookserver/returnpage"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// Now is when a shop opens.
var Now = fakeapi.Now

// Options are what a shop can be told; the zero value is a shop with everything but a Stripe to ask and an address.
type Options struct {
	// AppURL is NEXT_PUBLIC_APP_URL; empty: not set.
	AppURL string
	// Stripe is asked for sessions; nil: there is no API key.
	Stripe returnpage.Stripe
	// Looks is how often one client may look; zero: as often as he likes.
	Looks ratelimit.Rate
	// Limits of anonymous orders; zero: the default ones, but as many of one client as he likes.
	Limits checkout.Limits
	// Namespaces are those that are served; none: all.
	Namespaces []string
	// Audiences are those of which a token must have one; none: any.
	Audiences []string
	// Proxies are the ones that are trusted.
	Proxies string
	// Clock is the time; nil: it stands still at Now.
	Clock clock.PassiveClock
	// Cached comes before reads of the cache, Trouble before live reads and before writes.
	Cached, Trouble interceptor.Funcs
	// Controller does its part to a new order; nil: the real one does.
	Controller func(*v1alpha1.Order)
	// WithoutCheckout leaves out what creates orders.
	WithoutCheckout bool
	// Contract is what Send holds requests and answers to; nil: one for all shops, which lets be what it does not describe.
	Contract *openapi.Contract
}

// Shop is the real handler over fakes.
type Shop struct {
	// API is the API server's own.
	API client.WithWatch
	// Clock is the one that stands still.
	Clock *testingclock.FakePassiveClock
	Users *Users
	// Ledger settles orders, as the webhooks do.
	Ledger *ledger.Ledger
	Logged *Journal
	// Handler is not held to the description; Send is.
	Handler http.Handler

	t          testing.TB
	contract   *openapi.Contract
	registry   *prometheus.Registry
	controller *controller
}

// Anything is a rate at which everybody may.
var Anything = ratelimit.Rate{Events: 1 << 30, Per: time.Second, Burst: 1 << 30}

func (o Options) withDefaults() Options {
	if o.Looks == (ratelimit.Rate{}) {
		o.Looks = Anything
	}
	if o.Limits == (checkout.Limits{}) {
		o.Limits = checkout.DefaultLimits()
		o.Limits.PerAddress, o.Limits.PerLink = Anything, Anything
	}
	return o
}

// New opens a shop that has these objects. Its orders and links are as the controller leaves them.
func New(t testing.TB, o Options, objects ...client.Object) *Shop {
	t.Helper()
	o = o.withDefaults()
	s := &Shop{
		t: t, Clock: testingclock.NewFakePassiveClock(Now), Users: newUsers(), Logged: &Journal{}, registry: prometheus.NewRegistry(), contract: o.Contract,
	}
	if o.Clock == nil {
		o.Clock = s.Clock
	}
	server := fakeapi.MakeServer(t, objects...).Index(checkout.Index).Obj()
	s.API, s.Ledger = server.Direct, server.Ledger(o.Clock, prometheus.NewRegistry())
	s.controller = newController(s.API, s.Ledger, o.Clock)
	s.controller.instead = o.Controller
	s.Reconcile()
	routes, err := s.routes(o)
	s.must(err)
	nobodys := &stripewebhook.Verifier{Secrets: credentials.NewSigningSecrets(nil), Clock: o.Clock} // no webhook is of this shop's concern
	handler := webhook.New(nobodys, s.Ledger, metrics.NewWebhook(s.registry), o.Clock, s.Logged.Logger())
	s.Handler = (&webhookserver.Server{Webhook: handler, Shop: routes, Log: s.Logged.Logger()}).Handler()
	if s.contract == nil {
		s.contract, err = ofAll(s.Handler)
		s.must(err)
	}
	return s
}

// description is the one that a handler gives of itself. It is the same for all, so the first is asked.
var description struct {
	once     sync.Once
	contract *openapi.Contract
	err      error
}

func ofAll(h http.Handler) (*openapi.Contract, error) {
	description.once.Do(func() { description.contract, description.err = openapi.Read(h, webhookserver.OpenAPIPath) })
	return description.contract, description.err
}

func (s *Shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// routes makes what the command makes of its flags.
func (s *Shop) routes(o Options) (*webhookserver.Shop, error) {
	counters, log := metrics.NewBuyer(s.registry), s.Logged.Logger()
	var appURL *url.URL
	if o.AppURL != "" {
		var err error
		if appURL, err = url.Parse(o.AppURL); err != nil {
			return nil, err
		}
	}
	proxies, err := clientip.ParseProxies(o.Proxies)
	if err != nil {
		return nil, err
	}
	pages, err := page.New(appURL)
	if err != nil {
		return nil, err
	}
	visitors := &clientip.Addresses{Trusted: proxies, Log: log}
	cache, live := interceptor.NewClient(s.API, o.Cached), interceptor.NewClient(s.API, o.Trouble)
	desk := &returnpage.Desk{Orders: cache, Pages: pages, Visitors: visitors, Looks: ratelimit.NewLimit(o.Looks, o.Clock), Metrics: counters, Log: log}
	if o.Stripe != nil {
		desk.Stripe = returnpage.NewInquiries(o.Stripe, counters, o.Clock, log)
	}
	routes := &webhookserver.Shop{AppURL: appURL, Billing: desk, Metrics: counters, Clock: o.Clock}
	if o.WithoutCheckout {
		return routes, nil
	}
	writer := interceptor.NewClient(interceptor.NewClient(s.API, interceptor.Funcs{Create: s.controller.create}), o.Trouble)
	maker := checkout.NewMaker(cache, live, writer, o.Namespaces, counters, log)
	access := checkout.NewAccess(tokens{Users: s.Users}, rights{Users: s.Users}, visitors, counters, o.Clock, log)
	access.Audiences = o.Audiences
	routes.API = &checkout.API{Access: access, Maker: maker, Orders: &ledger.Ledger{
		Cache: cache, Live: live, Writer: writer, Namespaces: o.Namespaces, Clock: o.Clock, Metrics: metrics.NewLedger(prometheus.NewRegistry()),
	}}
	routes.Counter, err = checkout.NewCounter(maker, pages, visitors, appURL, o.Limits, o.Clock)
	return routes, err
}

// Send has the handler answer a request, and holds both to the description.
func (s *Shop) Send(r *http.Request) *httptest.ResponseRecorder {
	s.t.Helper()
	answer, complaints := s.contract.Ask(s.Handler, r)
	for _, complaint := range complaints {
		s.t.Error(complaint)
	}
	return answer
}

// Counted returns the samples of paylink_checkout_… that are not 0, by their names without that.
func (s *Shop) Counted() map[string]float64 {
	s.t.Helper()
	counted := map[string]float64{}
	for sample, value := range scrape.Metrics(s.t, s.registry) {
		if name, ok := strings.CutPrefix(sample, "paylink_checkout_"); ok && value != 0 {
			counted[name] = value
		}
	}
	return counted
}

// Limited returns how often each limit has kept something from being done.
func (s *Shop) Limited() map[string]float64 {
	s.t.Helper()
	limited := map[string]float64{}
	for sample, value := range s.Counted() {
		if name, ok := strings.CutPrefix(sample, `limited_total{limit="`); ok {
			limited[strings.TrimSuffix(name, `"}`)] = value
		}
	}
	return limited
}
