package main

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/go-logr/logr"

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
	endpointPeriod time.Duration
	manageEndpoint bool
	webhookSecret  string
}

func (f *stripeFlags) bind(fs *flag.FlagSet) {
	fs.Float64Var(&f.rate, "stripe-api-rate", 10, "How many calls a second the controller may make to Stripe's API. Stripe allows an account 100, and 25 in test mode, for all that use it.")
	fs.DurationVar(&f.backfillPeriod, "backfill-period", 5*time.Minute, "How long after each reading of Stripe's events the next one begins. 0: they are not read, and a lost webhook stays lost.")
	fs.DurationVar(&f.backfillGrace, "backfill-grace", time.Minute, "How old an event, or a payment that an audit finds, must be to count as lost: before that its webhook may be on its way.")
	fs.DurationVar(&f.auditPeriod, "audit-period", 24*time.Hour, "How often Stripe's books are compared with the orders. 0: never.")
	fs.IntVar(&f.auditDays, "audit-days", 30, "How many days back Stripe's books are compared.")
	fs.BoolVar(&f.auditDryRun, "audit-dry-run", false, "Only say what an audit finds, in the log and in metrics; change nothing.")
	fs.DurationVar(&f.endpointPeriod, "endpoint-period", 5*time.Minute, "How long after each look at Stripe's endpoint for webhooks, which NEXT_PUBLIC_APP_URL names, the next one is taken. 0: it is not looked at.")
	fs.BoolVar(&f.manageEndpoint, "manage-webhook-endpoint", false, "Make the endpoint at Stripe where there is none, with exactly the event types that are needed, and store its signing secret in --webhook-secret-name. The API key needs write access to Webhook Endpoints, and the controller the Role in config/rbac/controller/webhook_secret_role.yaml.")
	fs.StringVar(&f.webhookSecret, "webhook-secret-name", "paylink-webhook", "Secret in the controller's own namespace in which --manage-webhook-endpoint stores what its endpoint signs with: the one that the webhook server reads by --stripe-webhook-secret-dir. Another name takes another Role.")
}

// auditWindow is how old the sessions may be that are compared.
func (f *stripeFlags) auditWindow() time.Duration { return time.Duration(f.auditDays) * 24 * time.Hour }

// check says what is wrong with the flags, if anything.
func (f *stripeFlags) check() error {
	for _, period := range []struct {
		flag string
		time time.Duration
	}{{"--backfill-period", f.backfillPeriod}, {"--audit-period", f.auditPeriod}, {"--endpoint-period", f.endpointPeriod}} {
		if period.time != 0 && period.time < time.Second {
			return fmt.Errorf("%s must be at least 1s, or 0 for never", period.flag)
		}
	}
	switch {
	case f.rate <= 0:
		return errors.New("--stripe-api-rate must be more than 0")
	case f.backfillGrace < 0:
		return errors.New("--backfill-grace must not be less than 0s")
	case f.auditDays < 1:
		return errors.New("--audit-days must be at least 1")
	case f.manageEndpoint && f.endpointPeriod == 0:
		return errors.New("--manage-webhook-endpoint takes a look at the endpoint: --endpoint-period must not be 0")
	}
	if problems := validation.IsDNS1123Subdomain(f.webhookSecret); len(problems) > 0 {
		return fmt.Errorf("--webhook-secret-name: %q is no name of a Secret: %s", f.webhookSecret, problems[0])
	}
	return nil
}

// asker is what asks Stripe: nil fields where there is no API key.
type asker struct {
	*stripeFlags
	keys    *credentials.Keys
	keyFile *credentials.KeyFile
	base    string
	// appURL is the shop's address; nil where it is not known.
	appURL *url.URL
}

// settings checks the flags, and reads what comes from the environment.
func (f *stripeFlags) settings(shared *setup.Options, kept stripeevent.Retention) (*asker, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	a := &asker{stripeFlags: f}
	var err error
	if a.keys, a.keyFile, err = shared.APIKeys(); err != nil {
		return nil, err
	}
	if a.base, err = setup.APIBase(a.keys); err != nil {
		return nil, err
	}
	if a.appURL, err = setup.AppURL(); err != nil {
		return nil, err
	}
	if f.manageEndpoint && (a.keys == nil || a.appURL == nil) {
		return nil, errors.New("--manage-webhook-endpoint needs an API key with write access to Webhook Endpoints, and the shop's address: set STRIPE_SECRET_KEY or --stripe-secret-key-file, and NEXT_PUBLIC_APP_URL")
	}
	if a.keys != nil && f.auditPeriod > 0 && f.auditWindow() > kept.Unresolved {
		return nil, fmt.Errorf("--unresolved-event-ttl (%s) must not be less than --audit-days (%d): an orphan payment that was dealt with would be found anew", kept.Unresolved, f.auditDays)
	}
	return a, nil
}

// blind is what a controller without an API key says of itself.
const blind = "Without an API key of Stripe's the controller cannot see: events that no webhook brought; whose a refund or dispute is whose payment is unknown here; " +
	"payments that are missing, or different, at Stripe; whether Stripe's endpoint for webhooks is there and enabled. Set STRIPE_SECRET_KEY or --stripe-secret-key-file to a restricted key"

// add registers what asks Stripe, and returns what the reconciler of kept events asks; nil where there is no API key.
func (a *asker) add(mgr ctrl.Manager, keeper *ledger.Ledger, namespace string, recorder events.EventRecorder) (*stripeevent.Resolver, error) {
	if err := setup.AddAPIKeys(mgr, a.keys, a.keyFile); err != nil {
		return nil, err
	}
	log := ctrl.Log.WithName("stripe")
	if a.keys == nil {
		log.Info(blind)
		return nil, nil
	}
	calls := metrics.NewStripeAPI(ctrlmetrics.Registry)
	stripe := stripeclient.New(stripeclient.Options{
		Keys: a.keys, Base: a.base, Timeout: stripeTimeout, Retries: stripeRetries,
		Budget:  rate.NewLimiter(rate.Limit(a.rate), max(1, int(a.rate))),
		Observe: func(operation, code string) { calls.WithLabelValues(operation, code).Inc() },
	})
	resolver := &stripeevent.Resolver{Stripe: stripe, Ledger: keeper, Events: mgr.GetClient(), Clock: clock.RealClock{}}
	state := &stripestate.ConfigMap{Reader: mgr.GetAPIReader(), Writer: mgr.GetClient(), Namespace: namespace, Live: a.keys.Live()}
	for _, runnable := range []manager.Runnable{
		a.backfill(stripe, state, resolver, log), a.audit(mgr, stripe, state, keeper, recorder, log), a.endpointWatch(mgr, stripe, state, log),
	} {
		if runnable == nil {
			continue
		}
		if err := mgr.Add(runnable); err != nil {
			return nil, fmt.Errorf("add what asks Stripe: %w", err)
		}
	}
	log.Info("Asking Stripe", "mode", map[bool]string{true: "live", false: "test"}[a.keys.Live()], "base", a.base, "keys", len(a.keys.Current()))
	return resolver, nil
}

// backfill returns what reads Stripe's events; nil where nothing is to.
func (a *asker) backfill(stripe *stripeclient.Client, state *stripestate.ConfigMap, keeper reconciliation.FactApplier, log logr.Logger) manager.Runnable {
	if a.backfillPeriod == 0 {
		return nil
	}
	return &reconciliation.Backfill{
		Stripe: stripe, Keeper: keeper, State: state, Clock: clock.RealClock{}, Log: log.WithName("backfill"), Metrics: metrics.NewBackfill(ctrlmetrics.Registry),
		Period: a.backfillPeriod, Grace: a.backfillGrace,
	}
}

// audit returns what compares Stripe's books with the orders; nil where nothing is to.
func (a *asker) audit(mgr ctrl.Manager, stripe *stripeclient.Client, state *stripestate.ConfigMap, keeper *ledger.Ledger, recorder events.EventRecorder, log logr.Logger) manager.Runnable {
	if a.auditPeriod == 0 {
		return nil
	}
	return &reconciliation.Audit{
		Books: stripe, Keeper: keeper, Cache: mgr.GetCache(), Live: mgr.GetAPIReader(), Writer: mgr.GetClient(), State: state, Clock: clock.RealClock{},
		Log: log.WithName("audit"), Recorder: recorder, Metrics: metrics.NewAudit(ctrlmetrics.Registry),
		Period: a.auditPeriod, Window: a.auditWindow(), Grace: a.backfillGrace, DryRun: a.auditDryRun,
	}
}

// endpointWatch returns what looks at the endpoint at Stripe; nil where nothing is to, or where its address is not known.
func (a *asker) endpointWatch(mgr ctrl.Manager, stripe *stripeclient.Client, state *stripestate.ConfigMap, log logr.Logger) manager.Runnable {
	if a.endpointPeriod == 0 {
		return nil
	}
	if a.appURL == nil {
		log.Info("Without NEXT_PUBLIC_APP_URL the controller does not know its endpoint for webhooks at Stripe, and cannot see whether it is there and enabled")
		return nil
	}
	c := clock.RealClock{}
	watch := &webhookendpoint.Monitor{
		Stripe: stripe, State: state, URL: a.appURL.String() + webhook.Path, Clock: c, Log: log.WithName("endpoint"),
		Metrics: metrics.NewEndpoint(ctrlmetrics.Registry), Period: a.endpointPeriod,
	}
	if a.manageEndpoint {
		watch.Keeper = &webhookendpoint.Manager{
			Stripe: stripe, State: state, Clock: c, Log: log.WithName("endpoint"),
			Secret: &webhookendpoint.WebhookSecret{Reader: mgr.GetAPIReader(), Writer: mgr.GetClient(), Namespace: state.Namespace, Name: a.webhookSecret},
		}
	}
	return watch
}
