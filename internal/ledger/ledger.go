// Package ledger is the only writer of an order's payment status. It finds the order of a fact, merges the fact, settles
// the order, and writes its status once. It keeps a fact whose order or payment is unknown as a StripeEvent.
//
// The fields of an order's status have three owners. The ledger owns phase, payments, paymentsDropped, expiredAt, paidAt,
// amountRefunded, providerOrderId, providerCaptureId and the conditions Paid and NeedsAttention. The order reconciler
// owns clientReferenceId, paymentLinkId, checkoutURL, total, observedGeneration and the condition Ready. The
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

// Result is the result of applying a fact.
type Result string

// The results of applying a fact.
const (
	// Applied: the fact was written to its order.
	Applied Result = metrics.ResultApplied
	// Unchanged: the order has the fact already, or a StripeEvent keeps it.
	Unchanged Result = metrics.ResultUnchanged
	// Parked: the fact is kept as a StripeEvent.
	Parked Result = metrics.ResultParked
	// NotOurs: the fact is about a payment of another shop on the same Stripe account, and is not kept.
	NotOurs Result = metrics.ResultIgnored
)

// Errors of the ledger. Its methods return errors of the API server as well.
var (
	// ErrUnknown means that no order has the fact's payment, and that none with its reference has a checkout URL.
	ErrUnknown = errors.New("no order has this reference or payment")
	// ErrConflict means that other writers kept changing the order. Try again later.
	ErrConflict = errors.New("other writers kept changing the order")
)

// Ledger writes payment facts to orders. All fields except Namespaces are required.
type Ledger struct {
	// Cache answers look-ups. It must have the indices of this package (see Index).
	Cache client.Reader
	// Live reads from the API server.
	Live client.Reader
	// Writer writes to the API server. Its field manager is FieldOwner.
	Writer client.Client
	// Namespaces are the namespaces of the served orders. Empty: all.
	Namespaces []string
	// EventNamespace is the namespace of the StripeEvents.
	EventNamespace string
	Clock          clock.PassiveClock
	Metrics        *metrics.Ledger
}

// FieldOwner is the field manager of every write by either server. One name for both keeps an object's managed fields
// short, which makes each write cheaper for the API server.
const FieldOwner = "paylink"

// Apply keeps the fact in its order's status or as a StripeEvent. It ignores a fact about a payment of another shop. It is
// safe to call any number of times, concurrently and in any order. After an error the caller must apply the fact again.
func (l *Ledger) Apply(ctx context.Context, fact payment.Fact) (Result, error) {
	_, wrote, err := l.Record(ctx, fact, nil)
	switch {
	case apierrors.IsInvalid(err):
		// A retry cannot help, and the fact must not be lost.
		l.Metrics.Invalid.Inc()
		log.FromContext(ctx).Error(err, "Order status is invalid: keeping the event", "event", fact.EventID)
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

// Record writes the fact to its order. It returns the resulting order, and whether a write was needed. assignTo is the
// order that a person chose for the fact's session; nil: the session's reference decides. It returns ErrUnknown where no
// order has the fact's payment or reference.
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

// Preview returns the expected result of Apply, and writes nothing.
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
	if settle(next, v1alpha1.Now(l.Clock)); sameStatus(order, next) {
		return Unchanged, nil
	}
	return Applied, nil
}

// Expire records that the order was not paid within spec.expiresAfter. It changes nothing if the order is paid, or a payment
// is still being processed.
func (l *Ledger) Expire(ctx context.Context, order *v1alpha1.Order) (wrote bool, err error) {
	_, wrote, err = l.update(ctx, order, func(o *v1alpha1.Order) error {
		if Expirable(o) {
			at := v1alpha1.Now(l.Clock)
			o.Status.ExpiredAt = &at
		}
		return nil
	})
	if apierrors.IsNotFound(err) || errors.Is(err, ErrUnknown) { // deleted, or created anew, meanwhile
		return false, nil
	}
	return wrote, err
}

// Expirable reports whether the order can expire: it has no accepted payment that is paid, refunded or being processed.
func Expirable(o *v1alpha1.Order) bool {
	if o.Status.ExpiredAt != nil {
		return false
	}
	s := payment.Settle(payment.TermsOf(o), payment.FactsOf(o))
	return s.Phase == v1alpha1.OrderPending || s.Reason == v1alpha1.ReasonPaymentFailed
}

// maxAttempts bounds the attempts of one update. Conflicts are few: an order has few writers, and the events of one sale
// are seconds apart.
const maxAttempts = 20

// update changes the order's facts, settles the order, and writes its status if it differs. The given order can be stale:
// the write carries its resourceVersion. After a conflict, update reads the order from the API server and starts again.
func (l *Ledger) update(ctx context.Context, order *v1alpha1.Order, change func(*v1alpha1.Order) error) (*v1alpha1.Order, bool, error) {
	for attempt := range maxAttempts {
		next := order.DeepCopy()
		if err := change(next); err != nil {
			return nil, false, err
		}
		settle(next, v1alpha1.Now(l.Clock))
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
			return nil, false, ErrUnknown // a new order of the same name
		}
		order = fresh
	}
	return nil, false, ErrConflict
}
