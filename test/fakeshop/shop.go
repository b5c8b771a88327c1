// Package fakeshop has the webhook server's routes for shops and buyers over fakes of the API server, its users and the
// controller. Every exchange is checked against the OpenAPI description of the routes.
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
	"github.com/paylink-dev/paylink/test/check"
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

// Now is the time of a shop's clock.
var Now = fakeapi.Now

// Options are the settings of a shop. The zero value has all routes, no API key and no AppURL.
type Options struct {
	// AppURL is NEXT_PUBLIC_APP_URL; empty: not set.
	AppURL string
	// Stripe looks up sessions; nil: there is no API key.
	Stripe returnpage.Stripe
	// Looks is the rate limit of one client; zero: no limit.
	Looks ratelimit.Rate
	// Limits are those of public orders; zero: the defaults without a limit of one client.
	Limits checkout.Limits
	// Namespaces are the served namespaces; none: all.
	Namespaces []string
	// Audiences are the accepted audiences of a token; none: any.
	Audiences []string
	// Proxies are the trusted proxies.
	Proxies string
	// Clock is the clock of the routes; nil: a fake one at Now.
	Clock clock.PassiveClock
	// Cached intercepts reads of the cache, Trouble live reads and writes.
	Cached, Failures interceptor.Funcs
	// Controller updates a new order in place of the real reconciler; nil: the real one does.
	Controller func(*v1alpha1.Order)
	// WithoutCheckout leaves out the checkout API.
	WithoutCheckout bool
	// Contract is what Send holds requests and answers to; nil: one for all shops, which lets be what it does not describe.
	Contract *openapi.Contract
}

// Shop is the real handler over fakes.
type Shop struct {
	// API is the store of the fake API server.
	API client.WithWatch
	// Clock is the fake clock.
	Clock *testingclock.FakePassiveClock
	Users *Users
	// Ledger settles orders, as webhooks do.
	Ledger *ledger.Ledger
	Logged *Log
	// Handler serves the routes. Send also checks them against the description.
	Handler http.Handler

	t          testing.TB
	contract   *openapi.Contract
	registry   *prometheus.Registry
	controller *controller
}

// Anything is a rate without a limit.
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

// New returns a shop with these objects, reconciled by the controller.
func New(t testing.TB, o Options, objects ...client.Object) *Shop {
	t.Helper()
	o = o.withDefaults()
	s := &Shop{
		t: t, Clock: testingclock.NewFakePassiveClock(Now), Users: newUsers(), Logged: &Log{}, registry: prometheus.NewRegistry(), contract: o.Contract,
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
	noSecrets := &stripewebhook.Verifier{Secrets: credentials.NewSigningSecrets(nil), Clock: o.Clock}
	handler := webhook.New(noSecrets, s.Ledger, metrics.NewWebhook(s.registry), o.Clock, s.Logged.Logger())
	s.Handler = (&webhookserver.Server{Webhook: handler, Routes: routes, Log: s.Logged.Logger()}).Handler()
	if s.contract == nil {
		s.contract, err = ofAll(s.Handler)
		s.must(err)
	}
	return s
}

// description is the OpenAPI description of the first handler, which is that of all.
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
	check.Must(s.t, err)
}

// routes makes what the command makes of its flags.
func (s *Shop) routes(o Options) (*webhookserver.Routes, error) {
	counters, log := metrics.NewCheckout(s.registry), s.Logged.Logger()
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
	clientIP := &clientip.Resolver{Trusted: proxies, Log: log}
	cache, live := interceptor.NewClient(s.API, o.Cached), interceptor.NewClient(s.API, o.Failures)
	returnPage := &returnpage.Handler{Orders: cache, Pages: pages, ClientIP: clientIP, RateLimit: ratelimit.New(o.Looks, o.Clock), Metrics: counters, Log: log}
	if o.Stripe != nil {
		returnPage.Sessions = returnpage.NewSessionLookup(o.Stripe, counters, o.Clock, log)
	}
	routes := &webhookserver.Routes{AppURL: appURL, ReturnPage: returnPage, Metrics: counters, Log: log}
	if o.WithoutCheckout {
		return routes, nil
	}
	writer := interceptor.NewClient(interceptor.NewClient(s.API, interceptor.Funcs{Create: s.controller.create}), o.Failures)
	creator := checkout.NewOrderCreator(cache, live, writer, o.Namespaces, counters)
	authorizer := checkout.NewAuthorizer(tokens{Users: s.Users}, rights{Users: s.Users}, clientIP, counters, o.Clock)
	authorizer.Audiences = o.Audiences
	routes.Orders = &checkout.OrdersHandler{Authorizer: authorizer, Creator: creator, Orders: &ledger.Ledger{
		Cache: cache, Live: live, Writer: writer, Namespaces: o.Namespaces, Clock: o.Clock, Metrics: metrics.NewLedger(prometheus.NewRegistry()),
	}}
	routes.Buy, err = checkout.NewBuyHandler(creator, pages, clientIP, appURL, o.Limits, o.Clock, log)
	return routes, err
}

// Send sends a request to the handler, and checks it and the answer against the description.
func (s *Shop) Send(r *http.Request) *httptest.ResponseRecorder {
	s.t.Helper()
	answer, complaints := s.contract.Ask(s.Handler, r)
	for _, complaint := range complaints {
		s.t.Error(complaint)
	}
	return answer
}

// Counted returns the samples of paylink_checkout_… other than 0, by their names without this prefix.
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

// Limited returns how often each limit has refused a request.
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
