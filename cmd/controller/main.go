// Command controller reconciles Orders, PaymentLinks and StripeEvents. One replica leads; the others wait. `controller
// selftest` tests an installation instead.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/paylink-dev/paylink/controllers/order"
	"github.com/paylink-dev/paylink/controllers/paymentlink"
	"github.com/paylink-dev/paylink/controllers/statemetrics"
	"github.com/paylink-dev/paylink/controllers/stripeevent"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/ordercache"
	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/internal/version"
)

// flags are the flags of the command: those shared with the webhook server, and its own.
type flags struct {
	setup.Options
	leaderElect bool
	retention   stripeevent.Retention
	stripe      stripeFlags
}

func main() {
	f := flags{retention: stripeevent.DefaultRetention()}
	f.Bind(flag.CommandLine)
	f.stripe.bind(flag.CommandLine)
	flag.BoolVar(&f.leaderElect, "leader-elect", false, "Elect a leader among the replicas. Needed where there may be more than one.")
	flag.DurationVar(&f.retention.Applied, "applied-event-ttl", f.retention.Applied, "How long a StripeEvent is kept after it was applied.")
	flag.DurationVar(&f.retention.ExpireAfter, "parked-event-expiry", f.retention.ExpireAfter, "How long a StripeEvent waits for its order or payment before it becomes Expired.")
	flag.DurationVar(&f.retention.Unresolved, "unresolved-event-ttl", f.retention.Unresolved, "How long a StripeEvent that was never applied is kept.")
	if len(os.Args) > 1 && os.Args[1] == "selftest" {
		exit(runSelfTest(ctrl.SetupSignalHandler(), os.Args[2:], os.Stdout))
		return
	}
	flag.Parse()
	if f.Version {
		fmt.Println("controller", version.Get())
		return
	}
	exit(run(ctrl.SetupSignalHandler(), &f))
}

// exit prints an error, and exits with status 1. It does nothing without an error.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "controller:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, f *flags) error {
	if err := f.Complete(); err != nil {
		return err
	}
	if err := f.retention.Check(); err != nil {
		return err
	}
	stripe, err := f.stripe.complete(&f.Options, f.retention)
	if err != nil {
		return err
	}
	config, err := setup.Config()
	if err != nil {
		return err
	}
	setup.ReportBuild()
	mgr, err := f.NewManager(config, func(o *ctrl.Options) {
		o.LeaderElection = f.leaderElect
		o.LeaderElectionID = "controller.payments.paylink.dev"
		o.LeaderElectionNamespace = f.EventNamespace
		o.LeaderElectionReleaseOnCancel = true // nothing runs after the manager stops
		o.Controller.MaxConcurrentReconciles = 4
		o.Controller.EnableWarmup = ptr.To(true) // a new leader has its orders in the queue already
		o.Controller.ReconciliationTimeout = time.Minute
	})
	if err != nil {
		return err
	}
	if err := add(ctx, mgr, f, stripe); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("caches", cachesSynced(mgr)); err != nil {
		return fmt.Errorf("add readiness check: %w", err)
	}
	return mgr.Start(ctx)
}

// add registers the reconcilers, the state collector, and the callers of Stripe's API.
func add(ctx context.Context, mgr ctrl.Manager, f *flags, stripe *stripeConfig) error {
	ledger, err := f.NewLedger(ctx, mgr)
	if err != nil {
		return err
	}
	c := clock.RealClock{}
	counters := metrics.NewController(ctrlmetrics.Registry)
	recorder := mgr.GetEventRecorder("paylink-controller")

	orders := &order.Reconciler{Client: mgr.GetClient(), Ledger: ledger, Clock: c, Recorder: recorder, Metrics: counters}
	if err := orders.SetupWithManager(ctx, mgr); err != nil {
		return fmt.Errorf("set up orders: %w", err)
	}
	links := &paymentlink.Reconciler{Client: mgr.GetClient(), Clock: c}
	if err := links.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("set up payment links: %w", err)
	}
	resolver, err := stripe.add(mgr, ledger, f.EventNamespace, recorder)
	if err != nil {
		return err
	}
	stripeEvents := &stripeevent.Reconciler{
		Client: mgr.GetClient(), Ledger: ledger, Clock: c, Recorder: recorder, Metrics: counters, Retention: f.retention, Resolver: resolver,
	}
	if err := stripeEvents.SetupWithManager(ctx, mgr); err != nil {
		return fmt.Errorf("set up stripe events: %w", err)
	}
	counts, err := ordercache.From(mgr.GetCache())
	if err != nil {
		return err
	}
	if err := counts.CountBy(statemetrics.OrderState); err != nil {
		return err
	}
	state := &statemetrics.Collector{Orders: counts, Cache: mgr.GetCache(), Clock: c, State: metrics.NewState(), Log: ctrl.Log.WithName("state")}
	if err := ctrlmetrics.Registry.Register(state); err != nil {
		return fmt.Errorf("register the state collector: %w", err)
	}
	if err := mgr.Add(state); err != nil {
		return fmt.Errorf("add the state collector: %w", err)
	}
	return nil
}

// cachesSynced checks that the caches are filled, on every replica.
func cachesSynced(mgr ctrl.Manager) healthz.Checker {
	return func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return errors.New("the caches are not filled yet")
		}
		return nil
	}
}
