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

// PaymentFinder finds the sessions of a payment at Stripe. *stripeclient.Client implements it.
type PaymentFinder interface {
	// Live reports the mode of its API key.
	Live() bool
	SessionsOfPayment(ctx context.Context, intent string) ([]stripeclient.Session, error)
}

// Ledger writes facts to orders, or parks them. *ledger.Ledger implements it.
type Ledger interface {
	FactRecorder
	Apply(context.Context, payment.Fact) (ledger.Result, error)
	OwnsSession(context.Context, payment.Fact) (bool, error)
}

// Resolver finds the owner of a refund or dispute at Stripe if no order has its payment. The webhook of the payment's
// session can be lost.
type Resolver struct {
	Stripe PaymentFinder
	Ledger Ledger
	// Events is a cache of StripeEvents, with the indices of Index.
	Events client.Reader
	Clock  clock.PassiveClock
}

// ownership is the owner of a payment.
type ownership int

const (
	// undecided: the owner cannot be determined now.
	undecided ownership = iota
	// ours: the payment has a session of ours, which was applied or parked.
	ours
	// foreign: the payment belongs to another shop on the same Stripe account.
	foreign
)

// foreignAfter is the minimum age of a refund or dispute whose payment counts as foreign if Stripe lists no session of ours.
// Stripe's lists can lag behind its events.
const foreignAfter = 5 * time.Minute

// Resolve returns the owner of a fact's payment, and applies its session if it is ours. A fact of a session is undecided. So
// is a fact in another mode than the API key's.
func (r *Resolver) Resolve(ctx context.Context, fact payment.Fact) (ownership, error) {
	if fact.OfSession() || fact.Livemode != r.Stripe.Live() {
		return undecided, nil
	}
	// The session can be parked already.
	if parked, err := ofSamePayment(ctx, r.Events, v1alpha1.StripeEventFact(fact)); err != nil || len(parked) > 0 {
		return undecided, err
	}
	sessions, err := r.Stripe.SessionsOfPayment(ctx, fact.PaymentIntentID)
	if err != nil {
		return undecided, err
	}
	for _, session := range sessions {
		owns, err := r.Ledger.OwnsSession(ctx, session.Fact)
		if err != nil {
			return undecided, err
		}
		if !owns {
			continue
		}
		if _, err := r.Ledger.Apply(ctx, session.Fact); err != nil {
			return undecided, err
		}
		return ours, nil
	}
	if r.Clock.Since(fact.Created.Time) < foreignAfter {
		return undecided, nil
	}
	return foreign, nil
}

// Apply applies a fact through the ledger. If no order has the fact's payment, it first asks Stripe for the payment's owner.
// It does not park a fact of a foreign payment.
func (r *Resolver) Apply(ctx context.Context, fact payment.Fact) (ledger.Result, error) {
	if !fact.OfSession() {
		_, wrote, err := r.Ledger.Record(ctx, fact, nil)
		if err == nil && wrote {
			return ledger.Applied, nil
		}
		if errors.Is(err, ledger.ErrUnknown) {
			if owner, err := r.Resolve(ctx, fact); err != nil || owner == foreign {
				return ledger.NotOurs, err
			}
		}
	}
	return r.Ledger.Apply(ctx, fact)
}
