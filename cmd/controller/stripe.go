package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/go-logr/logr"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/reconciliation"
	"github.com/paylink-dev/paylink/controllers/stripeevent"
	"github.com/paylink-dev/paylink/controllers/stripestate"
	"github.com/paylink-dev/paylink/controllers/webhookendpoint"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/setup"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// How Stripe's API is called: no user waits for the answer.
const (
	stripeTimeout = 30 * time.Second
	stripeRetries = 2
)

// noAPIKeyMessage is the log message of a controller without an API key.
const noAPIKeyMessage = "No Stripe API key"

// withoutAPIKey lists the facts that a controller without an API key does not know.
var withoutAPIKey = []string{
	"events that no webhook delivered", "the owner of a refund or dispute of an unknown payment", "payments that are missing or different at Stripe",
	"whether Stripe's webhook endpoint exists and is enabled",
}

// stripeConfig is the configuration of everything that calls Stripe's API. Its keys are nil without an API key.
type stripeConfig struct {
	*stripeFlags
	keys    *credentials.Keys
	keyFile *credentials.KeyFile
	base    string
	// appURL is the shop's address; nil where it is unknown.
	appURL *url.URL
}

// complete checks the flags, and reads the environment.
func (f *stripeFlags) complete(shared *setup.Options, retention stripeevent.Retention) (*stripeConfig, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	c := &stripeConfig{stripeFlags: f}
	var err error
	if c.keys, c.keyFile, err = shared.APIKeys(); err != nil {
		return nil, err
	}
	if c.base, err = setup.APIBase(c.keys); err != nil {
		return nil, err
	}
	if c.appURL, err = setup.AppURL(); err != nil {
		return nil, err
	}
	if f.manageEndpoint && (c.keys == nil || c.appURL == nil) {
		return nil, errors.New("--manage-webhook-endpoint needs an API key with write access to Webhook Endpoints, and the shop's address: set STRIPE_SECRET_KEY or --stripe-secret-key-file, and NEXT_PUBLIC_APP_URL")
	}
	if c.keys != nil && f.reconcilePeriod > 0 && f.reconcileWindow() > retention.Unresolved {
		return nil, fmt.Errorf("--unresolved-event-ttl (%s) must not be less than --reconcile-days (%d): an orphan payment that was dealt with would be found anew", retention.Unresolved, f.reconcileDays)
	}
	return c, nil
}

// add registers everything that calls Stripe's API, and returns the resolver of parked events; nil without an API key.
func (c *stripeConfig) add(mgr ctrl.Manager, ledger *ledger.Ledger, namespace string, recorder events.EventRecorder) (*stripeevent.Resolver, error) {
	if err := setup.AddAPIKeys(mgr, c.keys, c.keyFile); err != nil {
		return nil, err
	}
	log := ctrl.Log.WithName("stripe")
	if c.keys == nil {
		log.Info(noAPIKeyMessage, "unknown", withoutAPIKey, "remedy", "set STRIPE_SECRET_KEY or --stripe-secret-key-file to a restricted key")
		return nil, nil
	}
	calls := metrics.NewStripeAPI(ctrlmetrics.Registry)
	stripe := stripeclient.New(stripeclient.Options{
		Keys: c.keys, Base: c.base, Timeout: stripeTimeout, Retries: stripeRetries,
		Budget:  rate.NewLimiter(rate.Limit(c.rate), max(1, int(c.rate))),
		Observe: func(operation, code string) { calls.WithLabelValues(operation, code).Inc() },
	})
	resolver := &stripeevent.Resolver{Stripe: stripe, Ledger: ledger, Events: mgr.GetClient(), Clock: clock.RealClock{}}
	state := &stripestate.ConfigMap{Reader: mgr.GetAPIReader(), Writer: mgr.GetClient(), Namespace: namespace, Live: c.keys.Live()}
	for _, runnable := range []manager.Runnable{
		c.backfill(stripe, state, resolver, log), c.comparison(mgr, stripe, state, ledger, recorder, log), c.endpointMonitor(mgr, stripe, state, log),
	} {
		if runnable == nil {
			continue
		}
		if err := mgr.Add(runnable); err != nil {
			return nil, fmt.Errorf("add a caller of Stripe's API: %w", err)
		}
	}
	log.Info("Calling Stripe's API", "mode", v1alpha1.Mode(c.keys.Live()), "base", c.base, "keys", len(c.keys.Current()))
	return resolver, nil
}

// backfill returns the backfill of Stripe's events; nil where it is off.
func (c *stripeConfig) backfill(stripe *stripeclient.Client, state *stripestate.ConfigMap, applier reconciliation.FactApplier, log logr.Logger) manager.Runnable {
	if c.backfillPeriod == 0 {
		return nil
	}
	return &reconciliation.Backfill{
		Stripe: stripe, Applier: applier, State: state, Clock: clock.RealClock{}, Log: log.WithName("backfill"), Metrics: metrics.NewBackfill(ctrlmetrics.Registry),
		Period: c.backfillPeriod, Grace: c.backfillGrace,
	}
}

// comparison returns the comparison of Stripe with the orders; nil where it is off.
func (c *stripeConfig) comparison(mgr ctrl.Manager, stripe *stripeclient.Client, state *stripestate.ConfigMap, ledger *ledger.Ledger, recorder events.EventRecorder, log logr.Logger) manager.Runnable {
	if c.reconcilePeriod == 0 {
		return nil
	}
	return &reconciliation.Comparison{
		Stripe: stripe, Ledger: ledger, Cache: mgr.GetCache(), Live: mgr.GetAPIReader(), Writer: mgr.GetClient(), State: state, Clock: clock.RealClock{},
		Log: log.WithName("reconciliation"), Recorder: recorder, Metrics: metrics.NewReconciliation(ctrlmetrics.Registry),
		Period: c.reconcilePeriod, Window: c.reconcileWindow(), Grace: c.backfillGrace, DryRun: c.reconcileDryRun,
	}
}

// endpointMonitor returns the monitor of the endpoint at Stripe; nil where it is off, or the endpoint's address is unknown.
func (c *stripeConfig) endpointMonitor(mgr ctrl.Manager, stripe *stripeclient.Client, state *stripestate.ConfigMap, log logr.Logger) manager.Runnable {
	if c.endpointPeriod == 0 {
		return nil
	}
	if c.appURL == nil {
		log.Info("Webhook endpoint is not monitored", "reason", "NEXT_PUBLIC_APP_URL is not set")
		return nil
	}
	monitor := &webhookendpoint.Monitor{
		Stripe: stripe, State: state, URL: c.appURL.String() + webhook.Path, Clock: clock.RealClock{}, Log: log.WithName("endpoint"),
		Metrics: metrics.NewEndpoint(ctrlmetrics.Registry), Period: c.endpointPeriod,
	}
	if c.manageEndpoint {
		monitor.Manager = &webhookendpoint.Manager{
			Stripe: stripe, State: state, Clock: clock.RealClock{}, Log: log.WithName("endpoint"),
			Secret: &webhookendpoint.Secret{Reader: mgr.GetAPIReader(), Writer: mgr.GetClient(), Namespace: state.Namespace, Name: c.webhookSecret},
		}
	}
	return monitor
}
