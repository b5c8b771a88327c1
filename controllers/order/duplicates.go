package order

import (
	"context"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

// sharers wakes the orders that share another one's reference when that one comes or goes. When it goes, the next
// oldest takes the reference over. When it comes it is the youngest, but creation times are to the second: of two in
// the same second the uid decides, and that may be for the one that came later.
func (r *Reconciler) sharers() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			r.wakeSharers(ctx, e.Object, queue)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			r.told.forget(e.Object.GetUID())
			r.wakeSharers(ctx, e.Object, queue)
		},
	}
}

func (r *Reconciler) wakeSharers(ctx context.Context, o client.Object, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	order, ok := o.(*v1alpha1.Order)
	if !ok {
		return
	}
	var sharing v1alpha1.OrderList
	if err := r.Client.List(ctx, &sharing, client.MatchingFields{ledger.IndexReference: order.ClientReferenceID()}); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "List the orders that share an id", "order", client.ObjectKeyFromObject(order))
		return
	}
	for i := range sharing.Items {
		if sharing.Items[i].UID != order.UID {
			queue.Add(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&sharing.Items[i])})
		}
	}
}
