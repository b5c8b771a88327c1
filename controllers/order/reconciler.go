// Package order reconciles Orders.
package order

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/status"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/ordercache"
)

// +kubebuilder:rbac:groups=payments.paylink.dev,resources=orders,verbs=get;list;watch
// +kubebuilder:rbac:groups=payments.paylink.dev,resources=orders/status,verbs=patch
// +kubebuilder:rbac:groups=payments.paylink.dev,resources=paymentlinks,verbs=get;list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// indexAwaitedLink finds the orders that have no checkout URL yet by the PaymentLink they wait for.
const indexAwaitedLink = "awaitedPaymentLink"

// Reconciler makes orders ready to be paid, expires those that nobody paid, and raises an Event where one needs
// a person.
type Reconciler struct {
	Client   client.Client
	Ledger   *ledger.Ledger
	Clock    clock.PassiveClock
	Recorder events.EventRecorder
	Metrics  *metrics.Controller

	told told
}

// Index registers the indices that the reconciler looks up by.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	if err := indexer.IndexField(ctx, &v1alpha1.Order{}, indexAwaitedLink, byAwaitedLink); err != nil {
		return fmt.Errorf("index orders by the link they wait for: %w", err)
	}
	return nil
}

// SetupWithManager registers the reconciler and what wakes it.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	orders, err := ordercache.From(mgr.GetCache())
	if err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("order").
		WatchesRawSource(orders.Keys()).
		WatchesRawSource(orders.Changes(r.ordersSharing)).
		Watches(&v1alpha1.PaymentLink{}, handler.EnqueueRequestsFromMapFunc(r.ordersAwaiting)).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

// Reconcile brings one order's readiness and expiry up to date.
func (r *Reconciler) Reconcile(ctx context.Context, order *v1alpha1.Order) (ctrl.Result, error) {
	if !order.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	around, err := r.look(ctx, order)
	if err != nil {
		return ctrl.Result{}, err
	}
	next := order.DeepCopy()
	judgeReadiness(order, around).apply(next, v1alpha1.Now(r.Clock))
	if !equality.Semantic.DeepEqual(order.Status, next.Status) {
		patch := client.MergeFromWithOptions(order, client.MergeFromWithOptimisticLock{})
		if err := r.Client.Status().Patch(ctx, next, patch); err != nil {
			return status.HandlePatchError("order readiness", err)
		}
		order = next
	}
	r.tell(order)
	return r.expire(ctx, order)
}

// look reads what the order's readiness depends on.
func (r *Reconciler) look(ctx context.Context, order *v1alpha1.Order) (surroundings, error) {
	var sharing v1alpha1.OrderList
	err := r.Client.List(ctx, &sharing, client.MatchingFields{ledger.IndexReference: order.ClientReferenceID()})
	if err != nil {
		return surroundings{}, fmt.Errorf("list orders of the same reference: %w", err)
	}
	var around surroundings
	if len(sharing.Items) > 0 {
		around.owner = ledger.Oldest(sharing.Items)
	}
	if order.Spec.PaymentLinkRef == nil || order.Status.CheckoutURL != "" {
		return around, nil
	}
	var link v1alpha1.PaymentLink
	err = r.Client.Get(ctx, client.ObjectKey{Namespace: order.Namespace, Name: order.Spec.PaymentLinkRef.Name}, &link)
	if apierrors.IsNotFound(err) {
		return around, nil
	}
	if err != nil {
		return surroundings{}, fmt.Errorf("get payment link: %w", err)
	}
	around.link = &link
	return around, nil
}

// expire hands an order whose time is up to the ledger, and otherwise comes back when it will be.
func (r *Reconciler) expire(ctx context.Context, order *v1alpha1.Order) (ctrl.Result, error) {
	if order.Spec.ExpiresAfter == nil || !ledger.Expirable(order) {
		return ctrl.Result{}, nil
	}
	due := order.CreationTimestamp.Add(order.Spec.ExpiresAfter.Duration)
	if left := due.Sub(r.Clock.Now()); left > 0 {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	wrote, err := r.Ledger.Expire(ctx, order)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("expire order: %w", err)
	}
	if wrote {
		r.Metrics.ExpiredOrders.Inc()
	}
	return ctrl.Result{}, nil
}

func byAwaitedLink(o client.Object) []string {
	order, ok := o.(*v1alpha1.Order)
	if !ok || order.Spec.PaymentLinkRef == nil || order.Status.CheckoutURL != "" {
		return nil
	}
	return []string{order.Spec.PaymentLinkRef.Name}
}

// ordersAwaiting returns the orders that may become ready now that a PaymentLink changed.
func (r *Reconciler) ordersAwaiting(ctx context.Context, link client.Object) []reconcile.Request {
	var orders v1alpha1.OrderList
	if err := r.Client.List(ctx, &orders, client.InNamespace(link.GetNamespace()),
		client.MatchingFields{indexAwaitedLink: link.GetName()}); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "List the orders that wait for a payment link", "paymentLink", link.GetName())
		return nil
	}
	requests := make([]reconcile.Request, len(orders.Items))
	for i := range orders.Items {
		requests[i].NamespacedName = client.ObjectKeyFromObject(&orders.Items[i])
	}
	return requests
}
