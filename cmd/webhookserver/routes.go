package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-logr/logr"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/setup"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/webhookserver"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
	"github.com/paylink-dev/paylink/webhookserver/clientip"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
	"github.com/paylink-dev/paylink/webhookserver/returnpage"
)

// routeFlags are the flags of the routes of shops and buyers.
type routeFlags struct {
	checkoutAPI bool
	proxies     string
	audiences   string
	pageRate    ratelimit.Rate
	limits      checkout.Limits
}

func (f *routeFlags) bind(fs *flag.FlagSet) {
	f.pageRate = ratelimit.Rate{Events: 60, Per: time.Minute, Burst: 60}
	f.limits = checkout.DefaultLimits()
	fs.BoolVar(&f.checkoutAPI, "checkout-api", true, "Serve /api/orders and /buy, which create orders. Off, the server needs no right to create them.")
	fs.StringVar(&f.proxies, "trusted-proxies", clientip.Private, "Addresses or networks, separated by commas, of the proxies in front whose X-Forwarded-For is believed; private stands for loopback and private networks. All clients behind any other proxy share one limit. Empty: no proxy is believed.")
	fs.StringVar(&f.audiences, "token-audiences", "", "Audiences, separated by commas. A token for /api/orders must have one of them. Empty: the API server's own.")
	fs.IntVar(&f.pageRate.Events, "requests-per-address", f.pageRate.Events, "Requests a minute from one client address for the state of a payment, at /api/orders/capture and /dashboard/billing.")
	fs.IntVar(&f.limits.PerAddress.Events, "public-orders-per-address", f.limits.PerAddress.Events, "Orders an hour that one client address can create at /buy.")
	fs.IntVar(&f.limits.PerLink.Events, "public-orders-per-link", f.limits.PerLink.Events, "Orders a minute that all clients can create at /buy for one PaymentLink.")
	fs.IntVar(&f.limits.Open, "public-orders-open", f.limits.Open, "Unpaid orders of one PaymentLink at a time that were created at /buy.")
	fs.DurationVar(&f.limits.Expiry, "public-order-expiry", f.limits.Expiry, "Time after which an unpaid order that was created at /buy expires.")
}

// routeSettings are the valid flags and the environment.
type routeSettings struct {
	*routeFlags
	clientIP *clientip.Resolver
	appURL   *url.URL
	// keys are nil without an API key. keyFile is nil unless a file contains them.
	keys    *credentials.Keys
	keyFile *credentials.KeyFile
	apiBase string
}

// settings validates the flags and reads the environment.
func (f *routeFlags) settings(shared *setup.Options) (*routeSettings, error) {
	s := &routeSettings{routeFlags: f}
	if f.pageRate.Check() != nil {
		return nil, errors.New("--requests-per-address must be at least 1")
	}
	f.pageRate.Burst = f.pageRate.Events
	f.limits.PerAddress.Burst = min(f.limits.PerAddress.Burst, f.limits.PerAddress.Events)
	f.limits.PerLink.Burst = min(f.limits.PerLink.Burst, f.limits.PerLink.Events)
	if err := f.limits.Check(); err != nil {
		return nil, err
	}
	proxies, err := clientip.ParseProxies(f.proxies)
	if err != nil {
		return nil, fmt.Errorf("--trusted-proxies: %w", err)
	}
	s.clientIP = &clientip.Resolver{Trusted: proxies, Log: ctrl.Log.WithName("clientip")}
	if s.appURL, err = setup.AppURL(); err != nil {
		return nil, err
	}
	if s.keys, s.keyFile, err = shared.APIKeys(); err != nil {
		return nil, err
	}
	s.apiBase, err = setup.APIBase(s.keys)
	return s, err
}

// newRoutes returns the routes of shops and buyers, and registers the indices that they need.
func (s *routeSettings) newRoutes(ctx context.Context, mgr ctrl.Manager, payments *ledger.Ledger) (*webhookserver.Routes, error) {
	c, log, counters := clock.RealClock{}, ctrl.Log.WithName("routes"), metrics.NewCheckout(ctrlmetrics.Registry)
	pages, err := page.New(s.appURL)
	if err != nil {
		return nil, err
	}
	sessions, err := s.newSessionLookup(mgr, counters, log)
	if err != nil {
		return nil, err
	}
	routes := &webhookserver.Routes{AppURL: s.appURL, Metrics: counters, Log: log, ReturnPage: &returnpage.Handler{
		Orders: mgr.GetCache(), Sessions: sessions, Pages: pages, ClientIP: s.clientIP, RateLimit: ratelimit.New(s.pageRate, c), Metrics: counters, Log: log,
	}}
	if !s.checkoutAPI {
		return routes, nil
	}
	if err := checkout.Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return nil, err
	}
	authorizer, err := s.newAuthorizer(mgr, counters)
	if err != nil {
		return nil, err
	}
	creator := checkout.NewOrderCreator(mgr.GetCache(), mgr.GetAPIReader(), mgr.GetClient(), payments.Namespaces, counters)
	routes.Orders = &checkout.OrdersHandler{Authorizer: authorizer, Creator: creator, Orders: payments}
	routes.Buy, err = checkout.NewBuyHandler(creator, pages, s.clientIP, s.appURL, s.limits, c, log)
	return routes, err
}

// newSessionLookup returns nil without an API key.
func (s *routeSettings) newSessionLookup(mgr ctrl.Manager, counters *metrics.Checkout, log logr.Logger) (*returnpage.SessionLookup, error) {
	if err := setup.AddAPIKeys(mgr, s.keys, s.keyFile); err != nil {
		return nil, err
	}
	calls := metrics.NewStripeAPI(ctrlmetrics.Registry)
	if s.keys == nil {
		log.Info("No Stripe API key", "effect", "the return page shows only payments whose webhooks have come")
		return nil, nil
	}
	if !s.keys.Restricted() {
		log.Info("Unrestricted Stripe API key in a server that faces the internet",
			"remedy", "use a restricted key (rk_...) that can only read Checkout Sessions")
	}
	stripe := stripeclient.New(stripeclient.Options{
		Keys: s.keys, Base: s.apiBase, Timeout: returnpage.AnswerTimeout,
		Observe: func(operation, code string) { calls.WithLabelValues(operation, code).Inc() },
	})
	return returnpage.NewSessionLookup(stripe, counters, clock.RealClock{}, log), nil
}

func (s *routeSettings) newAuthorizer(mgr ctrl.Manager, counters *metrics.Checkout) (*checkout.Authorizer, error) {
	tokens, err := authenticationclient.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("create a client for token reviews: %w", err)
	}
	access, err := authorizationclient.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("create a client for access reviews: %w", err)
	}
	authorizer := checkout.NewAuthorizer(tokens.TokenReviews(), access.SubjectAccessReviews(), s.clientIP, counters, clock.RealClock{})
	authorizer.Audiences = strings.FieldsFunc(s.audiences, func(r rune) bool { return r == ',' || r == ' ' })
	return authorizer, nil
}
