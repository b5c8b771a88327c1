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

// shopFlags are those of the routes that shops and buyers use.
type shopFlags struct {
	checkoutAPI bool
	proxies     string
	audiences   string
	looks       ratelimit.Rate
	limits      checkout.Limits
}

func (f *shopFlags) bind(fs *flag.FlagSet) {
	f.looks = ratelimit.Rate{Events: 60, Per: time.Minute, Burst: 60}
	f.limits = checkout.DefaultLimits()
	fs.BoolVar(&f.checkoutAPI, "checkout-api", true, "Serve /api/orders and /buy, which create orders. Off, the server needs no right to create them.")
	fs.StringVar(&f.proxies, "trusted-proxies", clientip.Private, "Addresses or networks, separated by commas, of the proxies in front whose X-Forwarded-For is believed; private stands for loopback and private networks. Everybody behind a proxy that is not named shares one limit. Empty: no proxy is believed.")
	fs.StringVar(&f.audiences, "token-audiences", "", "Audiences, separated by commas, of which a token for /api/orders must have one. Empty: the API server's own.")
	fs.IntVar(&f.looks.Events, "requests-per-address", f.looks.Events, "How often a minute one client address may ask for a payment, at /api/orders/capture and /dashboard/billing.")
	fs.IntVar(&f.limits.PerAddress.Events, "public-orders-per-address", f.limits.PerAddress.Events, "How many orders an hour one client address may create at /buy.")
	fs.IntVar(&f.limits.PerLink.Events, "public-orders-per-link", f.limits.PerLink.Events, "How many orders a minute all clients may create at /buy for one PaymentLink.")
	fs.IntVar(&f.limits.Open, "public-orders-open", f.limits.Open, "How many orders of one PaymentLink that were created at /buy may wait to be paid at a time.")
	fs.DurationVar(&f.limits.Expiry, "public-order-expiry", f.limits.Expiry, "How long an order that was created at /buy waits to be paid.")
}

// shopSettings are the flags and the environment, read.
type shopSettings struct {
	*shopFlags
	visitors *clientip.Addresses
	appURL   *url.URL
	// keys are nil where Stripe is not asked; keyFile is nil unless a file holds them.
	keys    *credentials.Keys
	keyFile *credentials.KeyFile
	apiBase string
}

// settings checks the flags, and reads what comes from the environment.
func (f *shopFlags) settings(shared *setup.Options) (*shopSettings, error) {
	s := &shopSettings{shopFlags: f}
	if f.looks.Check() != nil {
		return nil, errors.New("--requests-per-address must be at least 1")
	}
	f.looks.Burst = f.looks.Events
	f.limits.PerAddress.Burst = min(f.limits.PerAddress.Burst, f.limits.PerAddress.Events)
	f.limits.PerLink.Burst = min(f.limits.PerLink.Burst, f.limits.PerLink.Events)
	if err := f.limits.Check(); err != nil {
		return nil, err
	}
	proxies, err := clientip.ParseProxies(f.proxies)
	if err != nil {
		return nil, fmt.Errorf("--trusted-proxies: %w", err)
	}
	s.visitors = &clientip.Addresses{Trusted: proxies, Log: ctrl.Log.WithName("visitors")}
	if s.appURL, err = setup.AppURL(); err != nil {
		return nil, err
	}
	if s.keys, s.keyFile, err = shared.APIKeys(); err != nil {
		return nil, err
	}
	s.apiBase, err = setup.APIBase(s.keys)
	return s, err
}

// newShop makes the routes of shops and buyers, and registers the indices that they need.
func (s *shopSettings) newShop(ctx context.Context, mgr ctrl.Manager, keeper *ledger.Ledger) (*webhookserver.Shop, error) {
	c, log, counters := clock.RealClock{}, ctrl.Log.WithName("shop"), metrics.NewBuyer(ctrlmetrics.Registry)
	pages, err := page.New(s.appURL)
	if err != nil {
		return nil, err
	}
	desk := &returnpage.Desk{
		Orders: mgr.GetCache(), Pages: pages, Visitors: s.visitors, Looks: ratelimit.NewLimit(s.looks, c), Metrics: counters, Log: log,
	}
	if err := setup.AddAPIKeys(mgr, s.keys, s.keyFile); err != nil {
		return nil, err
	}
	calls := metrics.NewStripeAPI(ctrlmetrics.Registry)
	if s.keys == nil {
		log.Info("Without an API key of Stripe's the return page knows only what webhooks have brought")
	} else {
		if !s.keys.Restricted() {
			log.Info("The API key may do anything with the account, and this server faces the internet: make a restricted key (rk_...) with read access to Checkout Sessions alone")
		}
		stripe := stripeclient.New(stripeclient.Options{
			Keys: s.keys, Base: s.apiBase, Timeout: returnpage.AnswerTimeout,
			Observe: func(operation, code string) { calls.WithLabelValues(operation, code).Inc() },
		})
		desk.Stripe = returnpage.NewInquiries(stripe, counters, c, log)
	}
	shop := &webhookserver.Shop{AppURL: s.appURL, Billing: desk, Metrics: counters, Clock: c}
	if !s.checkoutAPI {
		return shop, nil
	}
	if err := checkout.Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return nil, err
	}
	maker := checkout.NewMaker(mgr.GetCache(), mgr.GetAPIReader(), mgr.GetClient(), keeper.Namespaces, counters, log)
	access, err := s.newAccess(mgr, counters, log)
	if err != nil {
		return nil, err
	}
	shop.API = &checkout.API{Access: access, Maker: maker, Orders: keeper}
	if shop.Counter, err = checkout.NewCounter(maker, pages, s.visitors, s.appURL, s.limits, c); err != nil {
		return nil, err
	}
	return shop, nil
}

// newAccess makes what asks Kubernetes who calls.
func (s *shopSettings) newAccess(mgr ctrl.Manager, counters *metrics.Buyer, log logr.Logger) (*checkout.Access, error) {
	tokens, err := authenticationclient.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("make a client for token reviews: %w", err)
	}
	rights, err := authorizationclient.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("make a client for access reviews: %w", err)
	}
	access := checkout.NewAccess(tokens.TokenReviews(), rights.SubjectAccessReviews(), s.visitors, counters, clock.RealClock{}, log)
	access.Audiences = strings.FieldsFunc(s.audiences, func(r rune) bool { return r == ',' || r == ' ' })
	return access, nil
}
