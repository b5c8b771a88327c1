package stripeevent

import (
	"context"
	"errors"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// PaymentFinder is asked for the sessions of a payment. *stripeclient.Client is the real one.
type PaymentFinder interface {
	// Live reports which mode it sees.
	Live() bool
	SessionsOfPayment(ctx context.Context, intent string) ([]stripeclient.Session, error)
}

// FactKeeper writes facts to orders, or keeps them. *ledger.Ledger is the real one.
type FactKeeper interface {
	FactRecorder
	Apply(context.Context, payment.Fact) (ledger.Result, error)
	Preview(context.Context, payment.Fact) (ledger.Result, error)
	Ours(context.Context, payment.Fact) (bool, error)
}

// Resolver finds out at Stripe whose a refund or dispute is that no order has the payment of: the webhook of its session
// may have been lost.
type Resolver struct {
	Stripe PaymentFinder
	Ledger FactKeeper
	// Events answers look-ups of StripeEvents from a cache.
	Events client.Reader
	Clock  clock.PassiveClock
}

// verdict is whose a payment is.
type verdict int

const (
	// undecided: nobody can tell now.
	undecided verdict = iota
	// ours: its session is known by now.
	ours
	// foreign: of somebody else, on the same Stripe account.
	foreign
)

// patience is how old a refund or dispute must be before its payment counts as somebody else's for want of a session
// of ours. Stripe's lists may lag behind its events.
const patience = 5 * time.Minute

// Resolve says whose a fact's payment is, and makes its session known where it is ours. Facts of sessions, and those of
// the mode that the API key cannot see, are undecided.
func (r *Resolver) Resolve(ctx context.Context, fact payment.Fact) (verdict, error) {
	if fact.OfSession() || fact.Livemode != r.Stripe.Live() {
		return undecided, nil
	}
	// The session may be kept already, without an order.
	if kept, err := ofSamePayment(ctx, r.Events, v1alpha1.StripeEventFact(fact)); err != nil || len(kept) > 0 {
		return undecided, err
	}
	sessions, err := r.Stripe.SessionsOfPayment(ctx, fact.PaymentIntentID)
	if err != nil {
		return undecided, err
	}
	for _, session := range sessions {
		isOurs, err := r.Ledger.Ours(ctx, session.Fact)
		if err != nil {
			return undecided, err
		}
		if !isOurs {
			continue
		}
		if _, err := r.Ledger.Apply(ctx, session.Fact); err != nil {
			return undecided, err
		}
		return ours, nil
	}
	if r.Clock.Since(fact.Created.Time) < patience {
		return undecided, nil
	}
	return foreign, nil
}

// Apply is the ledger's, but for a fact whose payment no order has: that one is looked up first, and is not kept where it
// is somebody else's.
func (r *Resolver) Apply(ctx context.Context, fact payment.Fact) (ledger.Result, error) {
	if !fact.OfSession() {
		_, wrote, err := r.Ledger.Record(ctx, fact, nil)
		if err == nil && wrote {
			return ledger.Applied, nil
		}
		if errors.Is(err, ledger.ErrUnknown) {
			if whose, err := r.Resolve(ctx, fact); err != nil || whose == foreign {
				return ledger.NotOurs, err
			}
		}
	}
	return r.Ledger.Apply(ctx, fact)
}
