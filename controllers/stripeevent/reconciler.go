// Package stripeevent reconciles StripeEvents.
package stripeevent

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// FactRecorder writes a fact to its order. *ledger.Ledger is the real one.
type FactRecorder interface {
	Record(context.Context, payment.Fact, *v1alpha1.OrderReference) (order *v1alpha1.Order, wrote bool, err error)
}

// Retention says how long StripeEvents are kept.
type Retention struct {
	// Applied is how long after it was applied an event is removed.
	Applied time.Duration
	// ExpireAfter is how long after it came an event that was not applied becomes Expired.
	ExpireAfter time.Duration
	// Unresolved is how long after it came an event that was not applied is removed.
	Unresolved time.Duration
}

// DefaultRetention removes applied events after a day, gives up waiting after three (as long as Stripe itself keeps
// trying), and keeps what was given up for thirty.
func DefaultRetention() Retention {
	return Retention{Applied: 24 * time.Hour, ExpireAfter: 72 * time.Hour, Unresolved: 30 * 24 * time.Hour}
}

// Check says what is wrong with a retention, if anything.
func (r Retention) Check() error {
	switch {
	case r.Applied <= 0 || r.ExpireAfter <= 0:
		return errors.New("how long StripeEvents are kept, and wait, must be more than 0s")
	case r.Unresolved < r.ExpireAfter:
		return fmt.Errorf("StripeEvents must be kept (%s) at least as long as they wait (%s), or nobody would see that they waited in vain", r.Unresolved, r.ExpireAfter)
	default:
		return nil
	}
}

// Reconciler applies kept events as soon as their order or payment is known, and gives up loudly.
type Reconciler struct {
	Client    client.Client
	Ledger    FactRecorder
	Clock     clock.PassiveClock
	Recorder  events.EventRecorder
	Metrics   *metrics.Controller
	Retention Retention
	// Resolver asks Stripe whose a payment is; nil: there is no API key to ask with.
	Resolver *Resolver
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
	awaiting := func(ctx context.Context, c ordercache.Change) []reconcile.Request {
		return r.eventsAwaiting(ctx, c.Order())
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.StripeEvent{}).
		WatchesRawSource(orders.Changes(awaiting)).
		Watches(&v1alpha1.StripeEvent{}, handler.EnqueueRequestsFromMapFunc(r.samePayment)).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

// Reconcile tries to apply one event, or removes it when its time has come.
func (r *Reconciler) Reconcile(ctx context.Context, event *v1alpha1.StripeEvent) (ctrl.Result, error) {
	if !event.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	// An applied event is recorded again too, which changes nothing unless its order was deleted and made anew.
	order, _, err := r.Ledger.Record(ctx, payment.Fact(event.Spec.Fact), event.Spec.Resolution.AssignTo)
	if event.Status.Phase == v1alpha1.StripeEventApplied {
		if err != nil && !errors.Is(err, ledger.ErrUnknown) {
			return ctrl.Result{}, fmt.Errorf("apply event again: %w", err)
		}
		return r.removeAt(ctx, event, appliedAt(event).Add(r.Retention.Applied))
	}
	if errors.Is(err, ledger.ErrUnknown) && r.Resolver != nil {
		switch r.resolve(ctx, event) {
		case foreign:
			return r.dropForeign(ctx, event)
		case ours:
			order, _, err = r.Ledger.Record(ctx, payment.Fact(event.Spec.Fact), event.Spec.Resolution.AssignTo)
		}
	}
	now := v1alpha1.Now(r.Clock)
	next := event.DeepCopy()
	var links []v1alpha1.PaymentLink
	switch {
	case err == nil:
		next.Status = v1alpha1.StripeEventStatus{
			Phase:     v1alpha1.StripeEventApplied,
			Message:   fmt.Sprintf("Applied to Order %s/%s.", order.Namespace, order.Name),
			OrderRef:  &v1alpha1.OrderReference{Namespace: order.Namespace, Name: order.Name},
			AppliedAt: &now,
		}
	case errors.Is(err, ledger.ErrUnknown):
		around, err := r.look(ctx, event)
		if err != nil {
			return ctrl.Result{}, err
		}
		links, next.Status = around.links, r.unknown(event, around, now)
	case apierrors.IsInvalid(err):
		next.Status = r.waiting(event, refusedStatus(err), now)
	default:
		return ctrl.Result{}, fmt.Errorf("apply event: %w", err)
	}
	wrote, err := r.write(ctx, event, next)
	if err != nil {
		return status.HandlePatchError("event status", err)
	}
	if wrote {
		r.tell(event, next, links)
	}
	return r.comeBack(ctx, next)
}

// resolve says whose an event is. Where Stripe cannot be asked it waits as if there were nobody to ask.
func (r *Reconciler) resolve(ctx context.Context, event *v1alpha1.StripeEvent) verdict {
	whose, err := r.Resolver.Resolve(ctx, payment.Fact(event.Spec.Fact))
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Look up at Stripe whose a payment is")
		return undecided
	}
	return whose
}

// dropForeign removes an event that is somebody else's, and counts it.
func (r *Reconciler) dropForeign(ctx context.Context, event *v1alpha1.StripeEvent) (ctrl.Result, error) {
	result, err := r.removeAt(ctx, event, r.Clock.Now())
	if err == nil {
		r.Metrics.ForeignEvents.Inc()
	}
	return result, err
}

// write patches the status where it differs, and reports whether it did.
func (r *Reconciler) write(ctx context.Context, event, next *v1alpha1.StripeEvent) (bool, error) {
	if equality.Semantic.DeepEqual(event.Status, next.Status) {
		return false, nil
	}
	err := r.Client.Status().Patch(ctx, next, client.MergeFromWithOptions(event, client.MergeFromWithOptimisticLock{}))
	return err == nil, err
}

// The event of an unknown order is tried again when as much time has passed as it has waited already, which is an
// exponential back-off that needs no counter. It is woken anyway when its order or payment appears.
const (
	firstRetry = 5 * time.Second
	lastRetry  = time.Hour
)

// comeBack says when the event is to be looked at again.
func (r *Reconciler) comeBack(ctx context.Context, event *v1alpha1.StripeEvent) (ctrl.Result, error) {
	if event.Status.Phase == v1alpha1.StripeEventApplied {
		return r.removeAt(ctx, event, appliedAt(event).Add(r.Retention.Applied))
	}
	if event.Status.Phase == v1alpha1.StripeEventOrphaned { // however long it takes
		return ctrl.Result{RequeueAfter: lastRetry}, nil
	}
	age := r.Clock.Since(event.CreationTimestamp.Time)
	if age >= r.Retention.Unresolved {
		return r.removeAt(ctx, event, r.Clock.Now())
	}
	wait := min(max(age, firstRetry), lastRetry, r.Retention.Unresolved-age)
	if untilExpiry := r.Retention.ExpireAfter - age; untilExpiry > 0 {
		wait = min(wait, untilExpiry)
	}
	return ctrl.Result{RequeueAfter: wait}, nil
}

// appliedAt is when the event was applied; where a person set the phase by hand, when it came.
func appliedAt(event *v1alpha1.StripeEvent) time.Time {
	if event.Status.AppliedAt == nil {
		return event.CreationTimestamp.Time
	}
	return event.Status.AppliedAt.Time
}

// removeAt removes the event when its time has come.
func (r *Reconciler) removeAt(ctx context.Context, event *v1alpha1.StripeEvent, at time.Time) (ctrl.Result, error) {
	if left := at.Sub(r.Clock.Now()); left > 0 {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	err := r.Client.Delete(ctx, event, client.Preconditions{UID: &event.UID})
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("remove event: %w", err)
	}
	return ctrl.Result{}, nil
}
