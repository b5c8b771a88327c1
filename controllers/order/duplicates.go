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

// ordersSharing returns the orders that share the reference of an order that is created or deleted. After a deletion, the
// next oldest order takes the reference over. A created order is the youngest, but creation times are to the second: of two
// orders in the same second the uid decides, and it may be in favour of the later one.
func (r *Reconciler) ordersSharing(ctx context.Context, change ordercache.Change) []reconcile.Request {
	if change.New != nil && change.Old != nil {
		return nil
	}
	order := change.Order()
	if change.New == nil {
		r.told.forget(order.UID)
	}
	var sharing v1alpha1.OrderList
	if err := r.Client.List(ctx, &sharing, client.MatchingFields{ledger.IndexReference: order.ClientReferenceID()}); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "List orders of the same reference", "order", client.ObjectKeyFromObject(order))
		return nil
	}
	var requests []reconcile.Request
	for i := range sharing.Items {
		if sharing.Items[i].UID != order.UID {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&sharing.Items[i])})
		}
	}
	return requests
}
