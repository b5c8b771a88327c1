// Package stripeevent reconciles StripeEvents: facts of Stripe that could not be applied to an order when they arrived.
package stripeevent

import (
	"context"
	"errors"
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
	"github.com/paylink-dev/paylink/internal/payment"
)

// +kubebuilder:rbac:groups=payments.paylink.dev,resources=stripeevents,verbs=create;get;list;watch;delete
// +kubebuilder:rbac:groups=payments.paylink.dev,resources=stripeevents/status,verbs=patch

// FactRecorder writes a fact to its order. *ledger.Ledger implements it.
type FactRecorder interface {
	Record(context.Context, payment.Fact, *v1alpha1.OrderReference) (order *v1alpha1.Order, wrote bool, err error)
}

// Reconciler applies parked events as soon as their order or payment is known. Others expire, with an Event.
type Reconciler struct {
	Client    client.Client
	Ledger    FactRecorder
	Clock     clock.PassiveClock
	Recorder  events.EventRecorder
	Metrics   *metrics.Controller
	Retention Retention
	// Resolver finds the owner of a payment at Stripe; nil without an API key.
	Resolver *Resolver
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
	awaiting := func(ctx context.Context, c ordercache.Change) []reconcile.Request {
		return r.eventsAwaiting(ctx, c.Order())
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.StripeEvent{}).
		WatchesRawSource(orders.Changes(awaiting)).
		Watches(&v1alpha1.StripeEvent{}, handler.EnqueueRequestsFromMapFunc(r.eventsOfSamePayment)).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

// Reconcile tries to apply one event, and writes or removes it.
func (r *Reconciler) Reconcile(ctx context.Context, event *v1alpha1.StripeEvent) (ctrl.Result, error) {
	if !event.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	in, err := r.fetchInputs(ctx, event)
	if err != nil {
		return ctrl.Result{}, err
	}
	decided := decide(event, in, r.Retention)
	if err := r.patchStatus(ctx, event, decided.status, in.links); err != nil {
		return status.HandlePatchError("event status", err)
	}
	if !decided.removes() {
		return ctrl.Result{RequeueAfter: decided.requeueAfter}, nil
	}
	if err := r.Client.Delete(ctx, event, client.Preconditions{UID: &event.UID}); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("delete event: %w", err)
	}
	if in.owner == foreign {
		r.Metrics.ForeignEvents.Inc()
	}
	return ctrl.Result{}, nil
}

// fetchInputs records the fact, and reads the objects that the event depends on if its order is unknown. An applied event is
// recorded again: this changes nothing unless its order was deleted and created again.
func (r *Reconciler) fetchInputs(ctx context.Context, event *v1alpha1.StripeEvent) (inputs, error) {
	in := inputs{now: r.Clock.Now()}
	in.order, in.recordErr = r.record(ctx, event)
	applied := event.Status.Phase == v1alpha1.StripeEventApplied
	if errors.Is(in.recordErr, ledger.ErrUnknown) && !applied && r.Resolver != nil {
		if in.owner = r.findOwner(ctx, event); in.owner == ours {
			in.order, in.recordErr = r.record(ctx, event)
		}
	}
	switch {
	case in.recordErr == nil, in.owner == foreign:
		return in, nil
	case errors.Is(in.recordErr, ledger.ErrUnknown):
		if applied {
			return in, nil
		}
		return in, r.fetchRelated(ctx, event, &in)
	case apierrors.IsInvalid(in.recordErr) && !applied:
		return in, nil
	default:
		return in, fmt.Errorf("apply event: %w", in.recordErr)
	}
}

func (r *Reconciler) record(ctx context.Context, event *v1alpha1.StripeEvent) (*v1alpha1.Order, error) {
	order, _, err := r.Ledger.Record(ctx, payment.Fact(event.Spec.Fact), event.Spec.Resolution.AssignTo)
	return order, err
}

// findOwner finds the owner of a payment. If Stripe fails, the event waits as without an API key.
func (r *Reconciler) findOwner(ctx context.Context, event *v1alpha1.StripeEvent) ownership {
	owner, err := r.Resolver.Resolve(ctx, payment.Fact(event.Spec.Fact))
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Cannot find the owner of a payment")
		return undecided
	}
	return owner
}

// fetchRelated reads the other events of the payment, and the PaymentLinks of the session.
func (r *Reconciler) fetchRelated(ctx context.Context, event *v1alpha1.StripeEvent, in *inputs) (err error) {
	if in.related, err = ofSamePayment(ctx, r.Client, event.Spec.Fact); err != nil {
		return err
	}
	session := event.Spec.Fact.Session
	if session == nil || session.PaymentLinkID == "" {
		return nil
	}
	var links v1alpha1.PaymentLinkList
	if err := r.Client.List(ctx, &links, client.MatchingFields{ledger.IndexPaymentLinkID: session.PaymentLinkID}); err != nil {
		return fmt.Errorf("list the payment links of a session: %w", err)
	}
	in.links = links.Items
	return nil
}

// patchStatus patches the status if it differs, and then raises the Events of the transition.
func (r *Reconciler) patchStatus(ctx context.Context, event *v1alpha1.StripeEvent, next v1alpha1.StripeEventStatus, links []v1alpha1.PaymentLink) error {
	if equality.Semantic.DeepEqual(event.Status, next) {
		return nil
	}
	after := event.DeepCopy()
	after.Status = next
	if err := r.Client.Status().Patch(ctx, after, client.MergeFromWithOptions(event, client.MergeFromWithOptimisticLock{})); err != nil {
		return err
	}
	r.raiseEvents(event, after, links)
	return nil
}
