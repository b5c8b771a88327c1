package reconciliation

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/controllers/stripestate"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// StripeReader reads payments from Stripe's API. *stripeclient.Client implements it.
type StripeReader interface {
	Live() bool
	SessionsOfLink(ctx context.Context, link string, since time.Time, each func(stripeclient.Session) error) error
	SessionWithCharge(ctx context.Context, id string) (stripeclient.Session, error)
	Disputes(ctx context.Context, intent string) ([]payment.Fact, error)
	FailedRefunds(ctx context.Context, intent string) ([]payment.Fact, error)
}

// Ledger writes facts to orders, or parks them. *ledger.Ledger implements it.
type Ledger interface {
	Apply(context.Context, payment.Fact) (ledger.Result, error)
	Preview(context.Context, payment.Fact) (ledger.Result, error)
}

// Comparison compares the payments at Stripe with the orders. Events can be lost for good, and Stripe can change a payment
// without an event. It runs on the leader only.
type Comparison struct {
	Stripe StripeReader
	Ledger Ledger
	// Cache has the indices of the ledger and of stripeevent.Index.
	Cache client.Reader
	// Live and Writer change the condition Verified of orders.
	Live     client.Reader
	Writer   client.Client
	State    *stripestate.ConfigMap
	Clock    clock.PassiveClock
	Log      logr.Logger
	Recorder events.EventRecorder
	Metrics  *metrics.Reconciliation
	// Period is the time between two comparisons.
	Period time.Duration
	// Window is the maximum age of the sessions that are compared.
	Window time.Duration
	// Grace is the minimum age of a payment that counts as missing. The webhook of a younger one can still arrive.
	Grace time.Duration
	// DryRun logs and counts, and changes nothing.
	DryRun bool
}

// Keys of the state. People read them too.
const (
	stateReconciledAt = "reconciled-at"
	stateSummary      = "reconciliation"
)

// checkPeriod is the maximum time between two checks whether a comparison is due. A failed comparison is repeated then.
const checkPeriod = 10 * time.Minute

// NeedLeaderElection limits the comparison to the leader.
func (c *Comparison) NeedLeaderElection() bool { return true }

// Start compares whenever a comparison is due, until the context ends.
func (c *Comparison) Start(ctx context.Context) error {
	for _, eventType := range webhook.EventTypes() { // at 0: an alert on growth needs a sample before the first increase
		c.Metrics.Missing.WithLabelValues(eventType)
	}
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := c.runIfDue(ctx); err != nil && ctx.Err() == nil {
			c.Log.Error(err, "Reconciliation failed")
		}
	}, min(c.Period, checkPeriod))
	return nil
}

// runIfDue compares if the last comparison is a period ago. The state remembers it across restarts.
func (c *Comparison) runIfDue(ctx context.Context) error {
	state, err := c.State.Read(ctx)
	if err != nil {
		return err
	}
	start := c.Clock.Now()
	last, err := time.Parse(time.RFC3339, state[stateReconciledAt])
	if err == nil && !last.After(start) && start.Sub(last) < c.Period {
		return nil
	}
	r := &run{
		Comparison: c, since: start.Add(-c.Window), compared: map[string]bool{}, missing: map[string]int{}, differences: map[client.ObjectKey][]string{},
	}
	if err := r.compareAll(ctx); err != nil {
		return err
	}
	c.Metrics.Compared.WithLabelValues().Set(float64(len(r.compared)))
	c.Metrics.Disagreements.WithLabelValues().Set(float64(r.disagreeing()))
	c.Metrics.LastSuccess.WithLabelValues().Set(float64(c.Clock.Now().UnixMilli()) / 1000)
	c.Log.Info("Compared Stripe with the orders", "sessions", len(r.compared), "missing", r.missing, "disagree", r.disagreeing(), "dryRun", c.DryRun)
	return c.State.Write(ctx, map[string]string{stateReconciledAt: start.UTC().Format(time.RFC3339), stateSummary: r.summary()})
}
