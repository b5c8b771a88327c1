package stripeevent

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// inputs are the facts that the next status of an event depends on, beside the event.
type inputs struct {
	now time.Time
	// order is the order that the fact was recorded in; nil if recordErr is set.
	order *v1alpha1.Order
	// recordErr is ledger.ErrUnknown, or the API server's rejection of the order's status as invalid.
	recordErr error
	// owner is the owner of the payment at Stripe.
	owner ownership
	// links are the PaymentLinks of the session.
	links []v1alpha1.PaymentLink
	// related are the other events of the payment, as ofSamePayment returns them.
	related []v1alpha1.StripeEvent
}

// decision is the next status of an event, and the time after which it is reconciled again.
type decision struct {
	status v1alpha1.StripeEventStatus
	// requeueAfter is 0 if the event is to be removed.
	requeueAfter time.Duration
}

// removes reports whether the event is to be removed.
func (d decision) removes() bool { return d.requeueAfter == 0 }

// Limits of the time between two attempts. An event is retried after as much time as it has waited already, which is an
// exponential back-off without a counter. A change of its order or payment enqueues it as well.
const (
	firstRetry = 5 * time.Second
	lastRetry  = time.Hour
)

// orphanGrace is the age at which a payment whose order is unknown becomes an orphan. The order is created before the buyer
// pays, but the cache can lag behind.
const orphanGrace = time.Minute

// decide computes the next status of an event, and when to reconcile or remove it.
func decide(event *v1alpha1.StripeEvent, in inputs, retention Retention) decision {
	if in.owner == foreign {
		return decision{status: event.Status}
	}
	next := nextStatus(event, in, retention)
	return decision{next, requeueAfter(event, next, in.now, retention)}
}

func nextStatus(event *v1alpha1.StripeEvent, in inputs, retention Retention) v1alpha1.StripeEventStatus {
	switch {
	case event.Status.Phase == v1alpha1.StripeEventApplied:
		return event.Status
	case in.order != nil:
		return v1alpha1.StripeEventStatus{
			Phase:     v1alpha1.StripeEventApplied,
			Message:   fmt.Sprintf("Applied to Order %s/%s.", in.order.Namespace, in.order.Name),
			OrderRef:  &v1alpha1.OrderReference{Namespace: in.order.Namespace, Name: in.order.Name},
			AppliedAt: in.timestamp(),
		}
	case !isUnknown(in.recordErr):
		return waitingStatus(event, rejectedMessage(in.recordErr), in, retention)
	case event.Spec.Fact.Session == nil:
		return refundOrDisputeStatus(event, in, retention)
	case !isOrphan(event, in):
		return waitingStatus(event, waitingMessage(&event.Spec), in, retention)
	case event.Spec.Resolution.Acknowledged:
		return closedStatus("acknowledged", &event.Spec)
	case slices.ContainsFunc(in.related, isFullRefund):
		return closedStatus("refunded in full", &event.Spec)
	default:
		return v1alpha1.StripeEventStatus{Phase: v1alpha1.StripeEventOrphaned, Message: orphanMessage(&event.Spec)}
	}
}

// isOrphan reports whether a session was paid through a link of ours without an order. An orphan stays one if its PaymentLink
// is deleted.
func isOrphan(event *v1alpha1.StripeEvent, in inputs) bool {
	switch session := event.Spec.Fact.Session; {
	case session.Outcome != v1alpha1.OutcomePaid || session.Amount == 0:
		return false
	case event.Status.Phase == v1alpha1.StripeEventOrphaned, event.Status.Phase == v1alpha1.StripeEventClosed:
		return true
	case len(in.links) == 0:
		return false
	default:
		return event.Spec.Fact.ClientReferenceID == "" || in.now.Sub(event.CreationTimestamp.Time) >= orphanGrace
	}
}

func isFullRefund(event v1alpha1.StripeEvent) bool {
	return event.Spec.Fact.Refund != nil && event.Spec.Fact.Refund.Full
}

// refundOrDisputeStatus returns the status of a refund or dispute of an unknown payment. If the payment is an orphan, it is
// the payment's phase.
func refundOrDisputeStatus(event *v1alpha1.StripeEvent, in inputs, retention Retention) v1alpha1.StripeEventStatus {
	for i := range in.related {
		session := &in.related[i]
		if phase := session.Status.Phase; phase == v1alpha1.StripeEventOrphaned || phase == v1alpha1.StripeEventClosed {
			return v1alpha1.StripeEventStatus{Phase: phase, Message: fmt.Sprintf("Follows the orphan payment in StripeEvent %s.", session.Name)}
		}
	}
	return waitingStatus(event, waitingMessage(&event.Spec), in, retention)
}

// waitingStatus returns the status of an event that waits. It is Expired from the age retention.ExpireAfter on.
func waitingStatus(event *v1alpha1.StripeEvent, message string, in inputs, retention Retention) v1alpha1.StripeEventStatus {
	next := v1alpha1.StripeEventStatus{Phase: v1alpha1.StripeEventParked, Message: message, ExpiredAt: event.Status.ExpiredAt}
	if event.Status.Phase == v1alpha1.StripeEventExpired {
		next.Phase = v1alpha1.StripeEventExpired
	} else if in.timestamp().Sub(event.CreationTimestamp.Time) >= retention.ExpireAfter {
		next.Phase, next.ExpiredAt = v1alpha1.StripeEventExpired, in.timestamp()
	}
	return next
}

func closedStatus(reason string, spec *v1alpha1.StripeEventSpec) v1alpha1.StripeEventStatus {
	return v1alpha1.StripeEventStatus{Phase: v1alpha1.StripeEventClosed, Message: "An orphan payment, " + reason + ": " + describePayment(spec) + "."}
}

// timestamp returns the time as the API stores it, to the second.
func (in inputs) timestamp() *metav1.Time { return &metav1.Time{Time: in.now.Truncate(time.Second)} }

// requeueAfter returns the time after which an event is reconciled again; 0 removes it. An orphan is never removed.
func requeueAfter(event *v1alpha1.StripeEvent, next v1alpha1.StripeEventStatus, now time.Time, retention Retention) time.Duration {
	switch next.Phase {
	case v1alpha1.StripeEventApplied:
		return max(0, deleteAt(event, next, retention).Sub(now))
	case v1alpha1.StripeEventOrphaned:
		return lastRetry
	}
	age := now.Sub(event.CreationTimestamp.Time)
	if age >= retention.Unresolved {
		return 0
	}
	wait := min(max(age, firstRetry), lastRetry, retention.Unresolved-age)
	if untilExpiry := retention.ExpireAfter - age; untilExpiry > 0 {
		wait = min(wait, untilExpiry)
	}
	return wait
}

// deleteAt returns the time at which an applied event is removed. If a person set the phase, the creation time counts.
func deleteAt(event *v1alpha1.StripeEvent, next v1alpha1.StripeEventStatus, retention Retention) time.Time {
	if next.AppliedAt == nil {
		return event.CreationTimestamp.Add(retention.Applied)
	}
	return next.AppliedAt.Add(retention.Applied)
}
