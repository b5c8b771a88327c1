package order

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/ordercache"
)

// handleChange raises the Events of a change, and returns the orders of the same reference if an order is created or deleted.
// After a deletion, the next oldest order takes the reference over. Creation times are to the second. If two
// orders are created in the same second, their uids decide, and the later one can become the oldest.
func (r *Reconciler) handleChange(ctx context.Context, change ordercache.Change) []reconcile.Request {
	if change.New != nil {
		r.raiseEvents(change.Old, change.New)
	}
	if change.New != nil && change.Old != nil {
		return nil
	}
	order := change.Order()
	var duplicates v1alpha1.OrderList
	if err := r.Client.List(ctx, &duplicates, client.MatchingFields{ledger.IndexReference: order.ClientReferenceID()}); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Cannot list orders of the same reference", "order", client.ObjectKeyFromObject(order))
		return nil
	}
	var requests []reconcile.Request
	for i := range duplicates.Items {
		if duplicates.Items[i].UID != order.UID {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&duplicates.Items[i])})
		}
	}
	return requests
}
