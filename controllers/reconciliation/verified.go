package reconciliation

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// setVerified writes an order's condition Verified, and raises an Event where a difference is new. An order that never
// differed has no such condition.
func (r *run) setVerified(ctx context.Context, key client.ObjectKey, differences []string) error {
	if len(differences) > 0 {
		r.Log.Info("Order disagrees with Stripe", "order", key, "differences", differences)
	}
	if r.DryRun {
		return nil
	}
	condition := r.verified(differences)
	order, wrote, err := r.patchVerified(ctx, key, condition)
	switch {
	case apierrors.IsNotFound(err): // deleted after the comparison
		return nil
	case err != nil:
		return fmt.Errorf("patch condition %s: %w", v1alpha1.ConditionVerified, err)
	}
	if wrote && condition.Status == metav1.ConditionFalse {
		r.Recorder.Eventf(order, nil, corev1.EventTypeWarning, condition.Reason, "Reconcile", "%s", condition.Message)
	}
	return nil
}

// verified returns the condition for the differences between an order and Stripe.
func (r *run) verified(differences []string) metav1.Condition {
	condition := metav1.Condition{
		Type: v1alpha1.ConditionVerified, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonStripeAgrees,
		Message: "The payments agree with Stripe.", LastTransitionTime: v1alpha1.Now(r.Clock),
	}
	if len(differences) > 0 {
		condition.Status, condition.Reason = metav1.ConditionFalse, v1alpha1.ReasonStripeDisagrees
		condition.Message = "Stripe disagrees: " + strings.Join(differences, "; ") + ". Look at the payment at Stripe."
	}
	return condition
}

// patchVerified patches the condition where it differs, and reports whether it did. It reads the order from the cache
// first, and from the API server after a conflict.
func (r *run) patchVerified(ctx context.Context, key client.ObjectKey, condition metav1.Condition) (order *v1alpha1.Order, wrote bool, err error) {
	reader := r.Cache
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		before := &v1alpha1.Order{}
		if err := reader.Get(ctx, key, before); err != nil {
			return err
		}
		reader = r.Live
		order = before.DeepCopy()
		known := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionVerified) != nil
		wrote = (known || condition.Status == metav1.ConditionFalse) && meta.SetStatusCondition(&order.Status.Conditions, condition)
		if !wrote {
			return nil
		}
		return r.Writer.Status().Patch(ctx, order, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
	return order, wrote, err
}
