package stripeevent

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// raiseEvents raises Events, and counts, when an event becomes Expired, or its payment an orphan.
func (r *Reconciler) raiseEvents(before, after *v1alpha1.StripeEvent, links []v1alpha1.PaymentLink) {
	if after.Status.Phase == before.Status.Phase {
		return
	}
	switch after.Status.Phase {
	case v1alpha1.StripeEventExpired:
		r.Metrics.ExpiredEvents.WithLabelValues(after.Spec.Fact.Type).Inc()
		r.Recorder.Eventf(after, nil, corev1.EventTypeWarning, "Expired", "Apply", "Expired before it could be applied: %s", after.Status.Message)
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
