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

// indexAwaitedLink indexes the orders without a checkout URL by the PaymentLink that they wait for.
const indexAwaitedLink = "awaitedPaymentLink"

// Reconciler gives orders their checkout URL, expires unpaid orders, and raises an Event if an order needs a person.
type Reconciler struct {
	Client   client.Client
	Ledger   *ledger.Ledger
	Clock    clock.PassiveClock
	Recorder events.EventRecorder
	Metrics  *metrics.Controller

	// elected is closed when this replica becomes the leader. Nil: this replica leads.
	elected <-chan struct{}
}

// Index registers the indices of the reconciler.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	if err := indexer.IndexField(ctx, &v1alpha1.Order{}, indexAwaitedLink, byAwaitedLink); err != nil {
		return fmt.Errorf("index orders by the link they wait for: %w", err)
	}
	return nil
}

// SetupWithManager registers the reconciler and its watches.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	orders, err := ordercache.From(mgr.GetCache())
	if err != nil {
		return err
	}
	r.elected = mgr.Elected()
	return ctrl.NewControllerManagedBy(mgr).
		Named("order").
		WatchesRawSource(orders.Keys()).
		WatchesRawSource(orders.Changes(r.handleChange)).
		Watches(&v1alpha1.PaymentLink{}, handler.EnqueueRequestsFromMapFunc(r.ordersOfLink)).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

// Reconcile updates the readiness and the expiry of one order.
func (r *Reconciler) Reconcile(ctx context.Context, order *v1alpha1.Order) (ctrl.Result, error) {
	if !order.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	in, err := r.fetchInputs(ctx, order)
	if err != nil {
		return ctrl.Result{}, err
	}
	next := order.DeepCopy()
	evaluate(order, in).apply(next, v1alpha1.Now(r.Clock))
	if !equality.Semantic.DeepEqual(order.Status, next.Status) {
		patch := client.MergeFromWithOptions(order, client.MergeFromWithOptimisticLock{})
		if err := r.Client.Status().Patch(ctx, next, patch); err != nil {
			return status.HandlePatchError("order readiness", err)
		}
		order = next
	}
	return r.expire(ctx, order)
}

// fetchInputs reads the objects that the readiness of an order depends on.
func (r *Reconciler) fetchInputs(ctx context.Context, order *v1alpha1.Order) (inputs, error) {
	var duplicates v1alpha1.OrderList
	err := r.Client.List(ctx, &duplicates, client.MatchingFields{ledger.IndexReference: order.ClientReferenceID()})
	if err != nil {
		return inputs{}, fmt.Errorf("list orders of the same reference: %w", err)
	}
	var in inputs
	if len(duplicates.Items) > 0 {
		in.owner = ledger.Oldest(duplicates.Items)
	}
	if order.Spec.PaymentLinkRef == nil || order.Status.CheckoutURL != "" {
		return in, nil
	}
	var link v1alpha1.PaymentLink
	err = r.Client.Get(ctx, client.ObjectKey{Namespace: order.Namespace, Name: order.Spec.PaymentLinkRef.Name}, &link)
	if apierrors.IsNotFound(err) {
		return in, nil
	}
	if err != nil {
		return inputs{}, fmt.Errorf("get payment link: %w", err)
	}
	in.link = &link
	return in, nil
}

// expire expires an order if it is due, and otherwise requeues it for the due time.
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

// ordersOfLink returns the orders that wait for a PaymentLink.
func (r *Reconciler) ordersOfLink(ctx context.Context, link client.Object) []reconcile.Request {
	var orders v1alpha1.OrderList
	if err := r.Client.List(ctx, &orders, client.InNamespace(link.GetNamespace()),
		client.MatchingFields{indexAwaitedLink: link.GetName()}); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Cannot list orders that wait for a payment link", "paymentLink", link.GetName())
		return nil
	}
	requests := make([]reconcile.Request, len(orders.Items))
	for i := range orders.Items {
		requests[i].NamespacedName = client.ObjectKeyFromObject(&orders.Items[i])
	}
	return requests
}
