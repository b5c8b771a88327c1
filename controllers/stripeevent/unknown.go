package stripeevent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
)

// orphanGrace is how long a payment may wait for the order that it names before it is called an orphan: the order is
// created before its buyer is sent to pay, but a cache may not know it yet.
const orphanGrace = time.Minute

// company is what the status of an event that belongs to no order depends on beside the event itself.
type company struct {
	// links are the PaymentLinks that the session came through.
	links []v1alpha1.PaymentLink
	// others are the other events of its payment, as ofSamePayment returns them.
	others []v1alpha1.StripeEvent
}

// look reads the company of an event.
func (r *Reconciler) look(ctx context.Context, event *v1alpha1.StripeEvent) (company, error) {
	var around company
	var err error
	if around.others, err = ofSamePayment(ctx, r.Client, event.Spec.Fact); err != nil {
		return around, err
	}
	if event.Spec.Fact.Session == nil || event.Spec.Fact.Session.PaymentLinkID == "" {
		return around, nil
	}
	var links v1alpha1.PaymentLinkList
	if err := r.Client.List(ctx, &links, client.MatchingFields{ledger.IndexPaymentLinkID: event.Spec.Fact.Session.PaymentLinkID}); err != nil {
		return around, fmt.Errorf("list the payment links of a session: %w", err)
	}
	around.links = links.Items
	return around, nil
}

// unknown is the status of an event whose order or payment is unknown.
func (r *Reconciler) unknown(event *v1alpha1.StripeEvent, around company, now metav1.Time) v1alpha1.StripeEventStatus {
	switch {
	case event.Spec.Fact.Session == nil:
		return r.unknownAftermath(event, around, now)
	case !r.orphaned(event, around):
		return r.waiting(event, waitsFor(&event.Spec), now)
	case event.Spec.Resolution.Acknowledged:
		return v1alpha1.StripeEventStatus{Phase: v1alpha1.StripeEventClosed, Message: "An orphan payment, acknowledged: " + describePayment(&event.Spec) + "."}
	case slices.ContainsFunc(around.others, func(e v1alpha1.StripeEvent) bool { return e.Spec.Fact.Refund != nil && e.Spec.Fact.Refund.Full }):
		return v1alpha1.StripeEventStatus{Phase: v1alpha1.StripeEventClosed, Message: "An orphan payment, refunded in full: " + describePayment(&event.Spec) + "."}
	default:
		return v1alpha1.StripeEventStatus{Phase: v1alpha1.StripeEventOrphaned, Message: orphanMessage(&event.Spec)}
	}
}

// orphaned reports whether an event is of money that came through a link of ours for no order. What was one stays one,
// even where its PaymentLink is deleted.
func (r *Reconciler) orphaned(event *v1alpha1.StripeEvent, around company) bool {
	switch session := event.Spec.Fact.Session; {
	case session.Outcome != v1alpha1.OutcomePaid || session.Amount == 0:
		return false
	case event.Status.Phase == v1alpha1.StripeEventOrphaned, event.Status.Phase == v1alpha1.StripeEventClosed:
		return true
	case len(around.links) == 0:
		return false
	default:
		return event.Spec.Fact.ClientReferenceID == "" || r.Clock.Since(event.CreationTimestamp.Time) >= orphanGrace
	}
}

// unknownAftermath is the status of a refund or dispute. That of an orphan payment shares its fate.
func (r *Reconciler) unknownAftermath(event *v1alpha1.StripeEvent, around company, now metav1.Time) v1alpha1.StripeEventStatus {
	for i := range around.others {
		session := &around.others[i]
		if phase := session.Status.Phase; phase == v1alpha1.StripeEventOrphaned || phase == v1alpha1.StripeEventClosed {
			return v1alpha1.StripeEventStatus{Phase: phase, Message: fmt.Sprintf("Of the orphan payment in StripeEvent %s, whose fate it shares.", session.Name)}
		}
	}
	return r.waiting(event, waitsFor(&event.Spec), now)
}

// waiting is the status of an event that waits, and gives up loudly when it has waited long enough.
func (r *Reconciler) waiting(event *v1alpha1.StripeEvent, message string, now metav1.Time) v1alpha1.StripeEventStatus {
	status := v1alpha1.StripeEventStatus{Phase: v1alpha1.StripeEventParked, Message: message, ExpiredAt: event.Status.ExpiredAt}
	if event.Status.Phase == v1alpha1.StripeEventExpired {
		status.Phase = v1alpha1.StripeEventExpired
	} else if now.Sub(event.CreationTimestamp.Time) >= r.Retention.ExpireAfter {
		status.Phase, status.ExpiredAt = v1alpha1.StripeEventExpired, &now
	}
	return status
}

// maxMessage is the longest message the CRD allows.
const maxMessage = 1024

// refusedStatus says that the API server refuses what the event would make of its order.
func refusedStatus(cause error) string {
	message := "The API server refuses the order's new status; the CRDs may be older than this release. It says: " + cause.Error()
	return strings.ToValidUTF8(message[:min(len(message), maxMessage)], "")
}

// waitsFor says what an event waits for, and what a person can do.
func waitsFor(spec *v1alpha1.StripeEventSpec) string {
	switch {
	case spec.Resolution.AssignTo != nil:
		return notAssignable(spec)
	case spec.Fact.Session == nil:
		return fmt.Sprintf("No Order has the payment %s: look it up at Stripe.", spec.Fact.PaymentIntentID)
	case spec.Fact.ClientReferenceID == "":
		return fmt.Sprintf("Session %s came through a link of ours without naming an Order: look it up at Stripe.", spec.Fact.Session.ID)
	default:
		return fmt.Sprintf("No Order that was given its checkout URL has the reference %s: create one with that orderId, or look up session %s at Stripe.",
			spec.Fact.ClientReferenceID, spec.Fact.Session.ID)
	}
}

func notAssignable(spec *v1alpha1.StripeEventSpec) string {
	return fmt.Sprintf("spec.resolution.assignTo: there is no Order %s/%s that was given its checkout URL: name one that is Ready.", spec.Resolution.AssignTo.Namespace, spec.Resolution.AssignTo.Name)
}

// orphanMessage says what an orphan payment is, and what a person can do.
func orphanMessage(spec *v1alpha1.StripeEventSpec) string {
	if spec.Resolution.AssignTo != nil {
		return notAssignable(spec)
	}
	why := "it names no Order"
	if spec.Fact.ClientReferenceID != "" {
		why = fmt.Sprintf("no Order has its reference %s", spec.Fact.ClientReferenceID)
	}
	return fmt.Sprintf("Money without an Order: %s came through a PaymentLink, and %s. Set spec.resolution.assignTo to the Order that it is for, or refund it at Stripe; if neither is right, set spec.resolution.acknowledged.",
		describePayment(spec), why)
}

func describePayment(spec *v1alpha1.StripeEventSpec) string {
	return fmt.Sprintf("%s in session %s (%s)", payment.FormatAmount(spec.Fact.Session.Amount, spec.Fact.Session.Currency), spec.Fact.Session.ID, spec.Fact.PaymentIntentID)
}

// tell says so where an event was given up, and where money without an order came.
func (r *Reconciler) tell(before, after *v1alpha1.StripeEvent, links []v1alpha1.PaymentLink) {
	if after.Status.Phase == before.Status.Phase {
		return
	}
	switch after.Status.Phase {
	case v1alpha1.StripeEventExpired:
		r.Metrics.ExpiredEvents.WithLabelValues(after.Spec.Fact.Type).Inc()
		r.Recorder.Eventf(after, nil, corev1.EventTypeWarning, "Expired", "Apply", "Waited in vain: %s", after.Status.Message)
	case v1alpha1.StripeEventOrphaned:
		if after.Spec.Fact.Session == nil {
			return
		}
		r.Recorder.Eventf(after, nil, corev1.EventTypeWarning, "OrphanPayment", "Apply", "%s", after.Status.Message)
		for i := range links {
			r.Recorder.Eventf(&links[i], after, corev1.EventTypeWarning, "OrphanPayment", "Apply",
				"%s See StripeEvent %s/%s.", after.Status.Message, after.Namespace, after.Name)
		}
	}
}
