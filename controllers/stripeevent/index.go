package stripeevent

import (
	"context"
	"fmt"
	"slices"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

// indexAwaited indexes events by the object that they wait for or waited for: an order's reference, the order that a person
// assigned, or a payment. Sessions are indexed by their payment too.
const indexAwaited = "awaited"

// Index registers the indices of the reconciler.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	if err := indexer.IndexField(ctx, &v1alpha1.StripeEvent{}, indexAwaited, byAwaited); err != nil {
		return fmt.Errorf("index events by %s: %w", indexAwaited, err)
	}
	return nil
}

func awaitedReference(reference string) string   { return "reference/" + reference }
func awaitedOrder(namespace, name string) string { return "order/" + namespace + "/" + name }
func awaitedPayment(intent string) string        { return "payment/" + intent }
func sessionOf(intent string) string             { return "session-of/" + intent }

func byAwaited(o client.Object) []string {
	event, ok := o.(*v1alpha1.StripeEvent)
	if !ok {
		return nil
	}
	if event.Spec.Fact.Session == nil {
		return []string{awaitedPayment(event.Spec.Fact.PaymentIntentID)}
	}
	keys := []string{awaitedReference(event.Spec.Fact.ClientReferenceID)}
	if to := event.Spec.Resolution.AssignTo; to != nil {
		keys = append(keys, awaitedOrder(to.Namespace, to.Name))
	}
	if event.Spec.Fact.PaymentIntentID != "" {
		keys = append(keys, sessionOf(event.Spec.Fact.PaymentIntentID))
	}
	return keys
}

// ofSamePayment returns the other events of a payment on which the status of this one depends. For a session these are the
// refunds and disputes, and for a refund or dispute the sessions.
func ofSamePayment(ctx context.Context, reader client.Reader, fact v1alpha1.StripeEventFact) ([]v1alpha1.StripeEvent, error) {
	switch {
	case fact.PaymentIntentID == "":
		return nil, nil
	case fact.Session != nil:
		return eventsBy(ctx, reader, awaitedPayment(fact.PaymentIntentID))
	default:
		return eventsBy(ctx, reader, sessionOf(fact.PaymentIntentID))
	}
}

// eventsBy returns the events with a key of indexAwaited.
func eventsBy(ctx context.Context, reader client.Reader, key string) ([]v1alpha1.StripeEvent, error) {
	var found v1alpha1.StripeEventList
	if err := reader.List(ctx, &found, client.MatchingFields{indexAwaited: key}); err != nil {
		return nil, fmt.Errorf("list stripe events: %w", err)
	}
	return found.Items, nil
}

// SessionsOf returns the events of the sessions of a payment.
func SessionsOf(ctx context.Context, reader client.Reader, intent string) ([]v1alpha1.StripeEvent, error) {
	return eventsBy(ctx, reader, sessionOf(intent))
}

// eventsOfSamePayment returns the other events of an event's payment.
func (r *Reconciler) eventsOfSamePayment(ctx context.Context, o client.Object) []reconcile.Request {
	event, ok := o.(*v1alpha1.StripeEvent)
	if !ok {
		return nil
	}
	found, err := ofSamePayment(ctx, r.Client, event.Spec.Fact)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Cannot list the events of a payment", "stripeEvent", client.ObjectKeyFromObject(event))
		return nil
	}
	requests := make([]reconcile.Request, len(found))
	for i := range found {
		requests[i].NamespacedName = client.ObjectKeyFromObject(&found[i])
	}
	return requests
}

// eventsAwaiting returns the events that can wait for an order.
func (r *Reconciler) eventsAwaiting(ctx context.Context, order *v1alpha1.Order) []reconcile.Request {
	keys := []string{awaitedReference(order.ClientReferenceID()), awaitedOrder(order.Namespace, order.Name)}
	for _, intent := range ledger.PaymentIntents(order) {
		// Sessions too: a person can have assigned one to this order, and it can have several events.
		keys = append(keys, awaitedPayment(intent), sessionOf(intent))
	}
	var requests []reconcile.Request
	for _, key := range keys {
		found, err := eventsBy(ctx, r.Client, key)
		if err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "Cannot list the events that wait for an order", "order", client.ObjectKeyFromObject(order))
			return requests
		}
		for i := range found {
			request := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&found[i])}
			if !slices.Contains(requests, request) { // a session can have both keys
				requests = append(requests, request)
			}
		}
	}
	return requests
}
