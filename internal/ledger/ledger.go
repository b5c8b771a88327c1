// Package ledger is the only writer of an order's payment status. It finds the order that a fact is about, merges the
// fact into what is known, settles, and writes once; a fact whose order or payment is unknown it keeps as a
// StripeEvent.
//
// Who owns which field of an order's status: the ledger owns phase, payments, paymentsDropped, expiredAt, paidAt,
// amountRefunded, providerOrderId, providerCaptureId and the conditions Paid and NeedsAttention. The order reconciler
// owns the rest: clientReferenceId, paymentLinkId, checkoutURL, total, observedGeneration and the condition Ready. The
// reconciliation owns the condition Verified.
package ledger

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
)

// Result is what became of a fact.
type Result string

// The results of applying a fact.
const (
	// Applied: the fact was written to its order.
	Applied Result = metrics.ResultApplied
	// Unchanged: the order knew it already, or a StripeEvent keeps it.
	Unchanged Result = metrics.ResultUnchanged
	// Parked: the fact is kept as a StripeEvent.
	Parked Result = metrics.ResultParked
	// NotOurs: the fact is of somebody else's payment, and not kept.
	NotOurs Result = metrics.ResultIgnored
)

// Errors of the ledger, beside those of the API server.
var (
	// ErrUnknown means that no order has the fact's payment, or its reference and a checkout URL.
	ErrUnknown = errors.New("no order has this reference or payment")
	// ErrConflict means that other writers kept changing the order. Trying again later is right.
	ErrConflict = errors.New("other writers kept changing the order")
)

// Ledger writes payment facts to orders. All fields are required but Namespaces.
type Ledger struct {
	// Cache answers look-ups; the indices of this package must be registered with it (see Index).
	Cache client.Reader
	// Live asks the API server itself.
	Live client.Reader
	// Writer writes; its field manager is FieldOwner.
	Writer client.Client
	// Namespaces are those whose orders are served. Empty: all.
	Namespaces []string
	// EventNamespace is where StripeEvents are kept.
	EventNamespace string
	Clock          clock.PassiveClock
	Metrics        *metrics.Ledger
}

// FieldOwner is the field manager of every write by either server. One for both keeps an object's managed fields
// short, which the API server pays for at each write.
const FieldOwner = "paylink"

// Apply makes sure that the fact is kept, in its order's status or as a StripeEvent, or is nobody's business here.
// It is safe to call any number of times, at once and in any order. An error means that nothing is certain: apply
// the fact again.
func (l *Ledger) Apply(ctx context.Context, fact payment.Fact) (Result, error) {
	_, wrote, err := l.Record(ctx, fact, nil)
	switch {
	case apierrors.IsInvalid(err):
		// Trying again cannot help, and the fact must not be lost: keep it, and say so.
		l.Metrics.Invalid.Inc()
		log.FromContext(ctx).Error(err, "The API server refuses the order's new status; keeping the event", "event", fact.EventID)
		return l.park(ctx, fact)
	case errors.Is(err, ErrUnknown):
		return l.parkIfOurs(ctx, fact)
	case err != nil:
		return "", err
	case wrote:
		return Applied, nil
	default:
		return Unchanged, nil
	}
}

// Record writes the fact to its order and returns the order as it is then, and whether that took a write. assignTo is the
// order that a person chose for the fact's session; nil: the session's reference decides. Record returns ErrUnknown where
// no order has the fact's reference or payment.
func (l *Ledger) Record(ctx context.Context, fact payment.Fact, assignTo *v1alpha1.OrderReference) (order *v1alpha1.Order, wrote bool, err error) {
	order, err = l.find(ctx, fact, assignTo)
	if err != nil {
		return nil, false, err
	}
	order, wrote, err = l.update(ctx, order, func(o *v1alpha1.Order) error { return merge(o, fact) })
	if apierrors.IsNotFound(err) { // deleted since it was found
		return nil, false, ErrUnknown
	}
	return order, wrote, err
}

// Preview returns what Apply would do with a fact, as far as can be told without doing it.
func (l *Ledger) Preview(ctx context.Context, fact payment.Fact) (Result, error) {
	order, err := l.find(ctx, fact, nil)
	if errors.Is(err, ErrUnknown) {
		return l.previewPark(ctx, fact)
	}
	if err != nil {
		return "", err
	}
	next := order.DeepCopy()
	if err := merge(next, fact); errors.Is(err, ErrUnknown) {
		return l.previewPark(ctx, fact)
	} else if err != nil {
		return "", err
	}
	if settle(next, now(l.Clock)); sameStatus(order, next) {
		return Unchanged, nil
	}
	return Applied, nil
}

// Expire records that the order waited for its money longer than it was told to. It changes nothing where the order
// is paid, or the money may still be on its way.
func (l *Ledger) Expire(ctx context.Context, order *v1alpha1.Order) (wrote bool, err error) {
	_, wrote, err = l.update(ctx, order, func(o *v1alpha1.Order) error {
		if Expirable(o) {
			at := now(l.Clock)
			o.Status.ExpiredAt = &at
		}
		return nil
	})
	if apierrors.IsNotFound(err) || errors.Is(err, ErrUnknown) { // deleted, or made anew, meanwhile
		return false, nil
	}
	return wrote, err
}

// Expirable reports whether running out of time would mean anything for the order: no money is held, was given back,
// or is on its way.
func Expirable(o *v1alpha1.Order) bool {
	if o.Status.ExpiredAt != nil {
		return false
	}
	s := payment.Settle(payment.TermsOf(o), payment.FactsOf(o))
	return s.Phase == v1alpha1.OrderPending || s.Reason == v1alpha1.ReasonPaymentFailed
}

// maxAttempts bounds how often one update is redone. Conflicts are few: an order has two writers, and the buyer's
// events come seconds apart.
const maxAttempts = 20

// update changes the order's facts, settles, and writes the status if anything differs. It begins with the order as
// given, which may be stale: the write carries its resourceVersion, and a conflict is answered by reading the order
// from the API server and doing the same again.
func (l *Ledger) update(ctx context.Context, order *v1alpha1.Order, change func(*v1alpha1.Order) error) (*v1alpha1.Order, bool, error) {
	for attempt := range maxAttempts {
		next := order.DeepCopy()
		if err := change(next); err != nil {
			return nil, false, err
		}
		settle(next, now(l.Clock))
		if sameStatus(order, next) {
			return order, false, nil
		}
		err := l.write(ctx, order, next)
		if err == nil {
			l.Metrics.Writes.Inc()
			return next, true, nil
		}
		if !apierrors.IsConflict(err) {
			return nil, false, fmt.Errorf("patch order status: %w", err)
		}
		l.Metrics.Conflicts.Inc()
		if err := l.pause(ctx, attempt); err != nil {
			return nil, false, err
		}
		fresh := &v1alpha1.Order{}
		if err := l.Live.Get(ctx, client.ObjectKeyFromObject(order), fresh); err != nil {
			return nil, false, fmt.Errorf("read order after a conflict: %w", err)
		}
		if fresh.UID != order.UID {
			return nil, false, ErrUnknown // another order of the same name: this one is gone
		}
		order = fresh
	}
	return nil, false, ErrConflict
}
