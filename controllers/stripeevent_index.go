package controllers

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

// indexAwaited finds the events by what they wait for, or waited for: an order's reference or a payment.
const indexAwaited = "awaited"

func awaitedReference(reference string) string { return "reference/" + reference }
func awaitedPayment(intent string) string      { return "payment/" + intent }

func byAwaited(o client.Object) []string {
	event, ok := o.(*v1alpha1.StripeEvent)
	if !ok {
		return nil
	}
	if event.Spec.Session == nil {
		return []string{awaitedPayment(event.Spec.PaymentIntentID)}
	}
	return []string{awaitedReference(event.Spec.ClientReferenceID)}
}

// eventsAwaiting returns the events that an order, as it is now, may be what they waited for.
func (r *StripeEventReconciler) eventsAwaiting(ctx context.Context, o client.Object) []reconcile.Request {
	order, ok := o.(*v1alpha1.Order)
	if !ok {
		return nil
	}
	keys := []string{awaitedReference(order.ClientReferenceID())}
	for _, intent := range ledger.PaymentIntents(order) {
		keys = append(keys, awaitedPayment(intent))
	}
	var requests []reconcile.Request
	for _, key := range keys {
		var found v1alpha1.StripeEventList
		if err := r.Client.List(ctx, &found, client.MatchingFields{indexAwaited: key}); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "List the events that wait for an order", "order", client.ObjectKeyFromObject(order))
			return requests
		}
		for i := range found.Items {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&found.Items[i])})
		}
	}
	return requests
}
