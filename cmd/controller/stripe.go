package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/paylink-dev/paylink/controllers"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/internal/stripeapi"
)

// How Stripe's API is asked: nobody waits at a screen for the answer.
const (
	stripeTimeout = 30 * time.Second
	stripeRetries = 2
)

// stripeFlags say what is done with an API key of Stripe's.
type stripeFlags struct {
	rate           float64
	backfillPeriod time.Duration
	backfillGrace  time.Duration
	auditPeriod    time.Duration
	auditDays      int
	auditDryRun    bool
}

func (f *stripeFlags) bind(fs *flag.FlagSet) {
	fs.Float64Var(&f.rate, "stripe-api-rate", 10, "How many calls a second the controller may make to Stripe's API. Stripe allows an account 100, and 25 in test mode, for all that use it.")
	fs.DurationVar(&f.backfillPeriod, "backfill-period", 5*time.Minute, "How long after each reading of Stripe's events the next one begins. 0: they are not read, and a lost webhook stays lost.")
	fs.DurationVar(&f.backfillGrace, "backfill-grace", time.Minute, "How old an event must be to be read from Stripe: before that its webhook may be on its way.")
	fs.DurationVar(&f.auditPeriod, "audit-period", 24*time.Hour, "How often Stripe's books are compared with the orders. 0: never.")
	fs.IntVar(&f.auditDays, "audit-days", 30, "How many days back Stripe's books are compared.")
	fs.BoolVar(&f.auditDryRun, "audit-dry-run", false, "Only say what an audit finds, in the log and in metrics; change nothing.")
}

// check says what is wrong with the flags, if anything.
func (f *stripeFlags) check() error {
	switch {
	case f.rate <= 0:
		return errors.New("--stripe-api-rate must be more than 0")
	case f.backfillPeriod < 0 || (f.backfillPeriod > 0 && f.backfillPeriod < time.Second):
		return errors.New("--backfill-period must be at least 1s, or 0 for never")
	case f.backfillGrace < 0:
		return errors.New("--backfill-grace must not be less than 0s")
	case f.auditPeriod < 0 || (f.auditPeriod > 0 && f.auditPeriod < time.Second):
		return errors.New("--audit-period must be at least 1s, or 0 for never")
	case f.auditDays < 1:
		return errors.New("--audit-days must be at least 1")
	}
	return nil
}

// asker is what asks Stripe: nil fields where there is no API key.
type asker struct {
	*stripeFlags
	keys    *stripeapi.Keys
	keyFile *stripeapi.KeyFile
	base    string
}

// settings checks the flags, and reads what comes from the environment.
func (f *stripeFlags) settings(shared *setup.Options) (*asker, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	a := &asker{stripeFlags: f}
	var err error
	if a.keys, a.keyFile, err = shared.APIKeys(); err != nil {
		return nil, err
	}
	a.base, err = setup.APIBase(a.keys)
	return a, err
}

// blind is what a controller without an API key says of itself.
const blind = "Without an API key of Stripe's the controller cannot see: events that no webhook brought; whose a refund or dispute is whose payment is unknown here; " +
	"payments that are missing, or different, at Stripe; whether Stripe's endpoint for webhooks is there and enabled. Set STRIPE_SECRET_KEY or --stripe-secret-key-file to a restricted key"

// add registers what asks Stripe, and returns what the reconciler of kept events asks; nil where there is no API key.
func (a *asker) add(mgr ctrl.Manager, keeper *ledger.Ledger, namespace string, recorder events.EventRecorder) (*controllers.Resolver, error) {
	if err := setup.AddAPIKeys(mgr, a.keys, a.keyFile); err != nil {
		return nil, err
	}
	log := ctrl.Log.WithName("stripe")
	if a.keys == nil {
		log.Info(blind)
		return nil, nil
	}
	c, calls := clock.RealClock{}, metrics.NewStripeAPI(ctrlmetrics.Registry)
	stripe := stripeapi.NewClient(stripeapi.ClientOptions{
		Keys: a.keys, Base: a.base, Timeout: stripeTimeout, Retries: stripeRetries,
		Budget:  rate.NewLimiter(rate.Limit(a.rate), max(1, int(a.rate))),
		Observe: func(operation, code string) { calls.WithLabelValues(operation, code).Inc() },
	})
	resolver := &controllers.Resolver{Stripe: stripe, Ledger: keeper, Events: mgr.GetClient(), Clock: c}
	state := &controllers.StripeState{Reader: mgr.GetAPIReader(), Writer: mgr.GetClient(), Namespace: namespace, Live: a.keys.Live()}
	if a.backfillPeriod > 0 {
		backfill := &controllers.Backfill{
			Stripe: stripe, Keeper: resolver, State: state, Clock: c, Log: log.WithName("backfill"), Metrics: metrics.NewBackfill(ctrlmetrics.Registry),
			Period: a.backfillPeriod, Grace: a.backfillGrace,
		}
		if err := mgr.Add(backfill); err != nil {
			return nil, fmt.Errorf("add the backfill: %w", err)
		}
	}
	if a.auditPeriod > 0 {
		audit := &controllers.Audit{
			Books: stripe, Keeper: keeper, Cache: mgr.GetClient(), Live: mgr.GetAPIReader(), Writer: mgr.GetClient(), State: state, Clock: c,
			Log: log.WithName("audit"), Recorder: recorder, Metrics: metrics.NewAudit(ctrlmetrics.Registry),
			Period: a.auditPeriod, Window: time.Duration(a.auditDays) * 24 * time.Hour, DryRun: a.auditDryRun,
		}
		if err := mgr.Add(audit); err != nil {
			return nil, fmt.Errorf("add the audit: %w", err)
		}
	}
	log.Info("Asking Stripe", "mode", map[bool]string{true: "live", false: "test"}[a.keys.Live()], "base", a.base, "keys", len(a.keys.Current()))
	return resolver, nil
}
