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

// raiseEvents raises an Event for each reason for attention that the order's previous state did not have. before is nil for
// a new order. The cache delivers both states after the write, and no change for the orders of its first list. So the
// reconciler needs no memory, and a restart raises no Event again.
func (r *Reconciler) raiseEvents(before, after *v1alpha1.Order) {
	if !r.isLeader() {
		return
	}
	for _, attention := range newAttention(before, after) {
		note := strings.ToValidUTF8(attention.Message[:min(len(attention.Message), maxNote)], "")
		r.Recorder.Eventf(after, nil, corev1.EventTypeWarning, attention.Reason, "Settle", "%s", note)
	}
}

// newAttention returns the reasons for attention that the order's previous state did not have.
func newAttention(before, after *v1alpha1.Order) []payment.Attention {
	reasons := payment.AttentionOf(after)
	if before == nil || len(reasons) == 0 {
		return reasons
	}
	known := payment.AttentionOf(before)
	return slices.DeleteFunc(reasons, func(a payment.Attention) bool { return slices.Contains(known, a) })
}

// isLeader reports whether this replica leads. The others watch orders too, so that a new leader has them at once.
func (r *Reconciler) isLeader() bool {
	select {
	case <-r.elected:
		return true
	default:
		return r.elected == nil
	}
}
