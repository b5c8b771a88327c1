package reconciliation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/stripeevent"
	"github.com/paylink-dev/paylink/controllers/stripestate"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/ordercache"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// Books are Stripe's own. *stripeclient.Client is the real one.
type Books interface {
	Live() bool
	SessionsOfLink(ctx context.Context, link string, since time.Time, each func(stripeclient.Session) error) error
	SessionWithCharge(ctx context.Context, id string) (stripeclient.Session, error)
	Disputes(ctx context.Context, intent string) ([]payment.Fact, error)
	FailedRefunds(ctx context.Context, intent string) ([]payment.Fact, error)
}

// Audit compares Stripe's books with the orders: events may be lost for good, at Stripe or here, and what an event said
// may not be so any more. Only the leader audits.
type Audit struct {
	Books  Books
	Keeper stripeevent.FactKeeper
	// Cache answers look-ups, with the indices of the ledger and of stripeevent.Reconciler.
	Cache client.Reader
	// Live and Writer change the condition Verified of orders.
	Live     client.Reader
	Writer   client.Client
	State    *stripestate.ConfigMap
	Clock    clock.PassiveClock
	Log      logr.Logger
	Recorder events.EventRecorder
	Metrics  *metrics.Audit
	// Period is from one audit to the next.
	Period time.Duration
	// Window is how old the sessions may be that are compared.
	Window time.Duration
	// Grace is how long ago money must have been taken to be missing here: before that its webhook is on its way.
	Grace time.Duration
	// DryRun says that nothing is to be changed: what is missing or disagrees is logged and counted.
	DryRun bool
}

// Keys of what the state keeps of the last audit, for people to read too.
const (
	stateAuditedAt = "audited-at"
	stateAudit     = "audit"
)

// auditPatience is how soon an audit that failed, or is not due yet, is looked at again.
const auditPatience = 10 * time.Minute

// NeedLeaderElection says that only the leader audits.
func (a *Audit) NeedLeaderElection() bool { return true }

// Start audits whenever it is due, until the context ends.
func (a *Audit) Start(ctx context.Context) error {
	for _, eventType := range webhook.EventTypes() { // at 0, so that an alert on their growth sees the first one
		a.Metrics.Missing.WithLabelValues(eventType)
	}
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := a.ifDue(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error(err, "The audit of Stripe's books stopped: it begins anew soon")
		}
	}, min(a.Period, auditPatience))
	return nil
}

// ifDue audits if the last audit is long enough ago. A restart does not bring one about.
func (a *Audit) ifDue(ctx context.Context) error {
	kept, err := a.State.Read(ctx)
	if err != nil {
		return err
	}
	begun := a.Clock.Now()
	last, err := time.Parse(time.RFC3339, kept[stateAuditedAt])
	if err == nil && !last.After(begun) && begun.Sub(last) < a.Period {
		return nil
	}
	r := &auditRound{
		Audit: a, since: begun.Add(-a.Window), compared: map[string]bool{}, missing: map[string]int{}, verdicts: map[client.ObjectKey][]string{},
	}
	if err := r.run(ctx); err != nil {
		return err
	}
	a.Metrics.Compared.WithLabelValues().Set(float64(len(r.compared)))
	a.Metrics.Disagreements.WithLabelValues().Set(float64(r.disagreeing()))
	a.Metrics.LastSuccess.WithLabelValues().Set(float64(a.Clock.Now().UnixMilli()) / 1000)
	a.Log.Info("Compared Stripe's books with the orders", "sessions", len(r.compared), "missing", r.missing, "disagree", r.disagreeing(), "dryRun", a.DryRun)
	return a.State.Write(ctx, map[string]string{stateAuditedAt: begun.UTC().Format(time.RFC3339), stateAudit: r.summary()})
}

// auditRound is one audit.
type auditRound struct {
	*Audit
	since time.Time
	// compared are the sessions looked at so far.
	compared map[string]bool
	// missing counts what was not known here, by type.
	missing map[string]int
	// verdicts are the orders that were compared, with what they say otherwise than Stripe.
	verdicts map[client.ObjectKey][]string
}

// disagreeing is how many orders say otherwise than Stripe.
func (r *auditRound) disagreeing() (n int) {
	for _, disagreements := range r.verdicts {
		if len(disagreements) > 0 {
			n++
		}
	}
	return n
}

// judge notes in what an order disagrees, by one of its payments; "" is in nothing.
func (r *auditRound) judge(order *v1alpha1.Order, disagrees string) {
	key := client.ObjectKeyFromObject(order)
	verdict := r.verdicts[key]
	if disagrees != "" {
		verdict = append(verdict, disagrees)
	}
	r.verdicts[key] = verdict
}

func (r *auditRound) summary() string {
	missing := 0
	for _, n := range r.missing {
		missing += n
	}
	fate := "applied"
	if r.DryRun {
		fate = "not applied: this is a dry run"
	}
	return fmt.Sprintf("%d sessions since %s compared: %d facts were missing here (%s), %d orders disagree with Stripe",
		len(r.compared), r.since.UTC().Format(time.RFC3339), missing, fate, r.disagreeing())
}

// run compares the sessions of every known link, and then those payments of orders that came through others.
func (r *auditRound) run(ctx context.Context) error {
	links, err := r.links(ctx)
	if err != nil {
		return err
	}
	for _, link := range links {
		err := r.Books.SessionsOfLink(ctx, link, r.since, func(s stripeclient.Session) error { return r.compare(ctx, s) })
		if err != nil {
			return fmt.Errorf("audit payment link %s: %w", link, err)
		}
	}
	if err := ordercache.Each(ctx, r.Cache, func(o *v1alpha1.Order) error { return r.others(ctx, o) }); err != nil {
		return fmt.Errorf("audit orders: %w", err)
	}
	for key, disagreements := range r.verdicts {
		if err := r.pronounce(ctx, key, disagreements); err != nil {
			return err
		}
	}
	return nil
}

// links returns Stripe's ids of the PaymentLinks of the mode that can be seen, each once.
func (r *auditRound) links(ctx context.Context) ([]string, error) {
	var links v1alpha1.PaymentLinkList
	if err := r.Cache.List(ctx, &links, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list payment links: %w", err)
	}
	ids := map[string]bool{}
	for i := range links.Items {
		if link := &links.Items[i]; link.Spec.PaymentLinkID != "" && link.Live() == r.Books.Live() {
			ids[link.Spec.PaymentLinkID] = true
		}
	}
	return slices.Sorted(maps.Keys(ids)), nil
}

// others compares the payments of an order that no link's list had.
func (r *auditRound) others(ctx context.Context, order *v1alpha1.Order) error {
	for _, p := range order.Status.Payments {
		if p.Livemode != r.Books.Live() || p.Created.Time.Before(r.since) || r.compared[p.SessionID] {
			continue
		}
		if err := r.lookUp(ctx, order, p); err != nil {
			return fmt.Errorf("audit session %s: %w", p.SessionID, err)
		}
	}
	return nil
}

// lookUp compares one payment of an order.
func (r *auditRound) lookUp(ctx context.Context, order *v1alpha1.Order, p v1alpha1.Payment) error {
	session, err := r.Books.SessionWithCharge(ctx, p.SessionID)
	if errors.Is(err, stripeclient.ErrNoSuchObject) {
		r.compared[p.SessionID] = true
		r.judge(order, fmt.Sprintf("Stripe has no session %s", p.SessionID))
		return nil
	}
	if err != nil {
		return err
	}
	return r.compare(ctx, session)
}

// compare applies what is missing of a session, and then says whether its order agrees with it.
func (r *auditRound) compare(ctx context.Context, s stripeclient.Session) error {
	r.compared[s.Fact.Session.ID] = true
	_, p, err := r.holder(ctx, s)
	if err != nil {
		return err
	}
	if p == nil || !says(p, s.Fact) {
		if r.Clock.Since(s.Fact.Created.Time) < r.Grace { // its webhook is on its way
			return nil
		}
		if err := r.supply(ctx, s.Fact); err != nil {
			return err
		}
	}
	if s.Charge != nil && s.Charge.Refund != nil {
		if err := r.supply(ctx, *s.Charge.Refund); err != nil {
			return err
		}
	}
	order, p, err := r.holder(ctx, s)
	if err != nil || p == nil {
		return err
	}
	if err := r.supplyAftermath(ctx, p, s); err != nil {
		return err
	}
	disagrees := disagreement(p, s)
	if disagrees != "" {
		if disagrees, err = r.askAgain(ctx, p); err != nil {
			return err
		}
	}
	r.judge(order, disagrees)
	return nil
}

// holder returns the order that has a session, and what it knows of it; nil where none has, as far as the cache knows.
func (r *auditRound) holder(ctx context.Context, s stripeclient.Session) (*v1alpha1.Order, *v1alpha1.Payment, error) {
	var found v1alpha1.OrderList
	if err := r.Cache.List(ctx, &found, client.MatchingFields{ledger.IndexSession: s.Fact.Session.ID}); err != nil {
		return nil, nil, fmt.Errorf("find the order of a session: %w", err)
	}
	if len(found.Items) == 0 {
		return nil, nil, nil
	}
	order := ledger.Oldest(found.Items)
	i := slices.IndexFunc(order.Status.Payments, func(p v1alpha1.Payment) bool { return p.SessionID == s.Fact.Session.ID })
	return order, &order.Status.Payments[i], nil
}

// askAgain says in what a payment is not as Stripe has it now: a webhook may have brought the order what came after Stripe
// was asked the first time.
func (r *auditRound) askAgain(ctx context.Context, p *v1alpha1.Payment) (string, error) {
	s, err := r.Books.SessionWithCharge(ctx, p.SessionID)
	if errors.Is(err, stripeclient.ErrNoSuchObject) {
		return fmt.Sprintf("Stripe has no session %s", p.SessionID), nil
	}
	if err != nil {
		return "", fmt.Errorf("ask again for session %s: %w", p.SessionID, err)
	}
	return disagreement(p, s), nil
}

// supply applies a fact that is not known here, and counts it.
func (r *auditRound) supply(ctx context.Context, fact payment.Fact) error {
	result, err := r.Keeper.Preview(ctx, fact)
	if err != nil {
		return err
	}
	if result == ledger.Parked && fact.OfSession() { // another event of the session may be kept already
		kept, err := stripeevent.SessionsOf(ctx, r.Cache, fact.PaymentIntentID)
		if err != nil || len(kept) > 0 {
			return err
		}
	}
	if result != ledger.Applied && result != ledger.Parked {
		return nil
	}
	if !r.DryRun {
		result, err = r.Keeper.Apply(ctx, fact)
		if err != nil || (result != ledger.Applied && result != ledger.Parked) { // the cache was behind
			return err
		}
	}
	r.missing[fact.Type]++
	r.Metrics.Missing.WithLabelValues(fact.Type).Inc()
	r.Log.Info("Stripe's books have what was not known here", "event", fact.EventID, "type", fact.Type, "dryRun", r.DryRun)
	return nil
}
