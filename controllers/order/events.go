package order

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// maxNote is the maximum length of an Event's note in bytes.
const maxNote = 1024

// raiseEvents raises an Event for each need of an order that its previous state did not have. before is nil for a new order.
// The cache delivers both states after the write, and no change for the orders of its first list. So the reconciler needs no
// memory, and a restart raises no Event again.
func (r *Reconciler) raiseEvents(before, after *v1alpha1.Order) {
	if !r.leads() {
		return
	}
	for _, need := range newNeeds(before, after) {
		note := strings.ToValidUTF8(need.Message[:min(len(need.Message), maxNote)], "")
		r.Recorder.Eventf(after, nil, corev1.EventTypeWarning, need.Reason, "Settle", "%s", note)
	}
}

// newNeeds returns the needs of an order that its previous state did not have.
func newNeeds(before, after *v1alpha1.Order) []payment.Attention {
	needs := payment.Needs(after)
	if before == nil || len(needs) == 0 {
		return needs
	}
	known := payment.Needs(before)
	return slices.DeleteFunc(needs, func(need payment.Attention) bool { return slices.Contains(known, need) })
}

// leads reports whether this replica leads. The others watch orders too, so that a new leader has them at once.
func (r *Reconciler) leads() bool {
	select {
	case <-r.elected:
		return true
	default:
		return r.elected == nil
	}
}
