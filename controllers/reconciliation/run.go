package reconciliation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/stripeevent"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/ordercache"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// run is one comparison.
type run struct {
	*Comparison
	since time.Time
	// compared are the sessions compared so far.
	compared map[string]bool
	// missing counts the facts that the orders lacked, by type.
	missing map[string]int
	// differences are the differences between each compared order and Stripe.
	differences map[client.ObjectKey][]string
}

// disagreeing counts the orders that differ from Stripe.
func (r *run) disagreeing() (n int) {
	for _, differences := range r.differences {
		if len(differences) > 0 {
			n++
		}
	}
	return n
}

// addDifference records that an order was compared, and the difference of one of its payments. An empty string is none.
func (r *run) addDifference(order *v1alpha1.Order, difference string) {
	key := client.ObjectKeyFromObject(order)
	differences := r.differences[key]
	if difference != "" {
		differences = append(differences, difference)
	}
	r.differences[key] = differences
}

func (r *run) summary() string {
	missing := 0
	for _, n := range r.missing {
		missing += n
	}
	applied := "applied"
	if r.DryRun {
		applied = "not applied: this is a dry run"
	}
	return fmt.Sprintf("%d sessions since %s compared: %d facts were missing here (%s), %d orders disagree with Stripe",
		len(r.compared), r.since.UTC().Format(time.RFC3339), missing, applied, r.disagreeing())
}

// compareAll compares the sessions of every known link, and then the other payments of the orders.
func (r *run) compareAll(ctx context.Context) error {
	links, err := r.links(ctx)
	if err != nil {
		return err
	}
	for _, link := range links {
		err := r.Stripe.SessionsOfLink(ctx, link, r.since, func(s stripeclient.Session) error { return r.compare(ctx, s) })
		if err != nil {
			return fmt.Errorf("compare payment link %s: %w", link, err)
		}
	}
	if err := ordercache.Each(ctx, r.Cache, func(o *v1alpha1.Order) error { return r.compareOthers(ctx, o) }); err != nil {
		return fmt.Errorf("compare orders: %w", err)
	}
	for key, differences := range r.differences {
		if err := r.setVerified(ctx, key, differences); err != nil {
			return err
		}
	}
	return nil
}

// links returns Stripe's ids of the PaymentLinks in the mode of the API key, each once.
func (r *run) links(ctx context.Context) ([]string, error) {
	var links v1alpha1.PaymentLinkList
	if err := r.Cache.List(ctx, &links, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list payment links: %w", err)
	}
	ids := map[string]bool{}
	for i := range links.Items {
		if link := &links.Items[i]; link.Spec.PaymentLinkID != "" && link.Live() == r.Stripe.Live() {
			ids[link.Spec.PaymentLinkID] = true
		}
	}
	return slices.Sorted(maps.Keys(ids)), nil
}

// compareOthers compares the payments of an order whose sessions no link lists.
func (r *run) compareOthers(ctx context.Context, order *v1alpha1.Order) error {
	for _, p := range order.Status.Payments {
		if p.Livemode != r.Stripe.Live() || p.Created.Time.Before(r.since) || r.compared[p.SessionID] {
			continue
		}
		if err := r.comparePayment(ctx, order, p); err != nil {
			return fmt.Errorf("compare session %s: %w", p.SessionID, err)
		}
	}
	return nil
}

// comparePayment compares one payment of an order.
func (r *run) comparePayment(ctx context.Context, order *v1alpha1.Order, p v1alpha1.Payment) error {
	session, err := r.Stripe.SessionWithCharge(ctx, p.SessionID)
	if errors.Is(err, stripeclient.ErrNoSuchObject) {
		r.compared[p.SessionID] = true
		r.addDifference(order, fmt.Sprintf("Stripe has no session %s", p.SessionID))
		return nil
	}
	if err != nil {
		return err
	}
	return r.compare(ctx, session)
}

// compare applies the missing facts of a session, and then records the difference between its order and Stripe.
func (r *run) compare(ctx context.Context, s stripeclient.Session) error {
	r.compared[s.Fact.Session.ID] = true
	_, p, err := r.findPayment(ctx, s)
	if err != nil {
		return err
	}
	if p == nil || !contains(p, s.Fact) {
		if r.Clock.Since(s.Fact.Created.Time) < r.Grace {
			return nil
		}
		if err := r.applyMissing(ctx, s.Fact); err != nil {
			return err
		}
	}
	if s.Charge != nil && s.Charge.Refund != nil {
		if err := r.applyMissing(ctx, *s.Charge.Refund); err != nil {
			return err
		}
	}
	order, p, err := r.findPayment(ctx, s)
	if err != nil || p == nil {
		return err
	}
	if err := r.applyRefundsAndDisputes(ctx, p, s); err != nil {
		return err
	}
	difference := differenceOf(p, s)
	if difference != "" {
		if difference, err = r.compareAgain(ctx, p); err != nil {
			return err
		}
	}
	r.addDifference(order, difference)
	return nil
}

// findPayment returns the order that has a session, and its payment; nil where the cache has none.
func (r *run) findPayment(ctx context.Context, s stripeclient.Session) (*v1alpha1.Order, *v1alpha1.Payment, error) {
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

// compareAgain reads the session again and returns the difference. A webhook can have changed the order after Stripe
// answered the first request.
func (r *run) compareAgain(ctx context.Context, p *v1alpha1.Payment) (string, error) {
	s, err := r.Stripe.SessionWithCharge(ctx, p.SessionID)
	if errors.Is(err, stripeclient.ErrNoSuchObject) {
		return fmt.Sprintf("Stripe has no session %s", p.SessionID), nil
	}
	if err != nil {
		return "", fmt.Errorf("read session %s again: %w", p.SessionID, err)
	}
	return differenceOf(p, s), nil
}

// applyMissing applies a fact if it is not known here, and counts it.
func (r *run) applyMissing(ctx context.Context, fact payment.Fact) error {
	result, err := r.Ledger.Preview(ctx, fact)
	if err != nil {
		return err
	}
	if result == ledger.Parked && fact.OfSession() { // another event of the session can be parked already
		parked, err := stripeevent.SessionsOf(ctx, r.Cache, fact.PaymentIntentID)
		if err != nil || len(parked) > 0 {
			return err
		}
	}
	if result != ledger.Applied && result != ledger.Parked {
		return nil
	}
	if !r.DryRun {
		result, err = r.Ledger.Apply(ctx, fact)
		if err != nil || (result != ledger.Applied && result != ledger.Parked) { // the cache was stale
			return err
		}
	}
	r.missing[fact.Type]++
	r.Metrics.Missing.WithLabelValues(fact.Type).Inc()
	r.Log.Info("Found a missing fact at Stripe", "event", fact.EventID, "type", fact.Type, "dryRun", r.DryRun)
	return nil
}
