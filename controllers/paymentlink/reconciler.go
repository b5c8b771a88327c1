// Package paymentlink reconciles PaymentLinks.
package paymentlink

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/checkout"
	"github.com/paylink-dev/paylink/controllers/status"
	"github.com/paylink-dev/paylink/internal/payment"
)

// +kubebuilder:rbac:groups=payments.paylink.dev,resources=paymentlinks/status,verbs=patch

// Reconciler writes the status of PaymentLinks: whether orders can be made from them.
type Reconciler struct {
	Client client.Client
	Clock  clock.PassiveClock
}

// SetupWithManager registers the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.PaymentLink{}).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

// Reconcile updates the status of one PaymentLink.
func (r *Reconciler) Reconcile(ctx context.Context, link *v1alpha1.PaymentLink) (ctrl.Result, error) {
	if !link.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	next := link.DeepCopy()
	setStatus(next, v1alpha1.Now(r.Clock))
	if equality.Semantic.DeepEqual(link.Status, next.Status) {
		return ctrl.Result{}, nil
	}
	patch := client.MergeFromWithOptions(link, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, next, patch); err != nil {
		return status.HandlePatchError("payment link status", err)
	}
	return ctrl.Result{}, nil
}

// setStatus computes the status of a link.
func setStatus(link *v1alpha1.PaymentLink, now metav1.Time) {
	ready := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue,
		Reason: v1alpha1.ReasonLinkAvailable, Message: "Orders can be made from this link.",
		ObservedGeneration: link.Generation, LastTransitionTime: now,
	}
	link.Status.URL = link.Spec.URL
	if _, err := checkout.WithReference(link.Spec.URL, "check"); err != nil {
		link.Status.URL = ""
		ready.Status, ready.Reason = metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec
		ready.Message = "spec.url cannot be used: write the Payment Link's full address, such as https://buy.stripe.com/abc123."
	}
	link.Status.PaymentLinkID = link.Spec.PaymentLinkID
	link.Status.Price = payment.FormatAmount(link.Spec.Amount, link.Spec.Currency)
	link.Status.ObservedGeneration = link.Generation
	meta.SetStatusCondition(&link.Status.Conditions, ready)
}
