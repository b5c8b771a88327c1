package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// The indices that the ledger's cache must have.
const (
	// IndexReference finds orders by their client_reference_id.
	IndexReference = "clientReferenceId"
	// IndexSession finds orders by the Checkout Sessions of their payments.
	IndexSession = "sessionId"
	// IndexPaymentIntent finds orders by the PaymentIntents of their payments.
	IndexPaymentIntent = "paymentIntentId"
	// IndexPaymentLinkID finds PaymentLinks by Stripe's id of the link.
	IndexPaymentLinkID = "paymentLinkId"
)

// Fields by which the API server can select orders and links. The CRDs declare them.
const (
	fieldOrderID       = "spec.orderId"
	fieldReference     = "status.clientReferenceId"
	fieldCaptureID     = "status.providerCaptureId"
	fieldPaymentLinkID = "spec.paymentLinkId"
)

// ByReference is the IndexerFunc of IndexReference.
func ByReference(o client.Object) []string {
	order, ok := o.(*v1alpha1.Order)
	if !ok {
		return nil
	}
	return []string{order.ClientReferenceID()}
}

// BySession is the IndexerFunc of IndexSession.
func BySession(o client.Object) []string {
	order, ok := o.(*v1alpha1.Order)
	if !ok {
		return nil
	}
	var sessions []string
	for i := range order.Status.Payments {
		sessions = append(sessions, order.Status.Payments[i].SessionID)
	}
	return sessions
}

// ByPaymentIntent is the IndexerFunc of IndexPaymentIntent.
func ByPaymentIntent(o client.Object) []string {
	order, ok := o.(*v1alpha1.Order)
	if !ok {
		return nil
	}
	return PaymentIntents(order)
}

// PaymentIntents returns the PaymentIntents of an order's payments, each once.
func PaymentIntents(order *v1alpha1.Order) []string {
	var intents []string
	for i := range order.Status.Payments {
		if id := order.Status.Payments[i].PaymentIntentID; id != "" && !slices.Contains(intents, id) {
			intents = append(intents, id)
		}
	}
	return intents
}

// ByPaymentLinkID is the IndexerFunc of IndexPaymentLinkID.
func ByPaymentLinkID(o client.Object) []string {
	link, ok := o.(*v1alpha1.PaymentLink)
	if !ok || link.Spec.PaymentLinkID == "" {
		return nil
	}
	return []string{link.Spec.PaymentLinkID}
}

// Index registers the indices with a cache.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	for _, index := range []struct {
		object client.Object
		name   string
		keys   client.IndexerFunc
	}{
		{&v1alpha1.Order{}, IndexReference, ByReference},
		{&v1alpha1.Order{}, IndexSession, BySession},
		{&v1alpha1.Order{}, IndexPaymentIntent, ByPaymentIntent},
		{&v1alpha1.PaymentLink{}, IndexPaymentLinkID, ByPaymentLinkID},
	} {
		if err := indexer.IndexField(ctx, index.object, index.name, index.keys); err != nil {
			return fmt.Errorf("index %T by %s: %w", index.object, index.name, err)
		}
	}
	return nil
}

// find returns the order of a fact, or ErrUnknown.
//
// A session belongs to the order that has it already, so that one payment never counts for two orders. Next comes the order
// that a person assigned it to, and then the order that it names.
//
// The order must have its checkout URL. Before that, its Payment Link is not fixed, and the evaluation of a payment would
// depend on when it came.
//
// The API server can select by reference and by the payment that counts, but not by an order's other payments. A fact
// about one of those is parked at worst, and the controller applies it as soon as its cache has the payment.
func (l *Ledger) find(ctx context.Context, fact payment.Fact, assignTo *v1alpha1.OrderReference) (*v1alpha1.Order, error) {
	if !fact.OfSession() {
		return l.lookUp(ctx, fact.PaymentIntentID, IndexPaymentIntent, []string{fieldCaptureID}, nil)
	}
	holders, err := l.list(ctx, l.Cache, IndexSession, fact.Session.ID)
	if err != nil {
		return nil, fmt.Errorf("find order of a session: %w", err)
	}
	if len(holders) > 0 {
		return Oldest(holders), nil
	}
	if assignTo != nil {
		return l.assigned(ctx, *assignTo)
	}
	return l.lookUp(ctx, fact.ClientReferenceID, IndexReference, referenceFields, ready)
}

// ready reports whether the order has been Ready: it keeps its reference from then on.
func ready(o *v1alpha1.Order) bool { return o.Status.ClientReferenceID != "" }

// assigned returns the order that a person assigned a session to, or ErrUnknown.
func (l *Ledger) assigned(ctx context.Context, to v1alpha1.OrderReference) (*v1alpha1.Order, error) {
	if len(l.Namespaces) > 0 && !slices.Contains(l.Namespaces, to.Namespace) {
		return nil, ErrUnknown
	}
	order := &v1alpha1.Order{}
	err := l.Live.Get(ctx, client.ObjectKey{Namespace: to.Namespace, Name: to.Name}, order)
	switch {
	case apierrors.IsNotFound(err):
		return nil, ErrUnknown
	case err != nil:
		return nil, fmt.Errorf("find assigned order: %w", err)
	case !ready(order):
		return nil, ErrUnknown
	}
	return order, nil
}

// ByReference returns the order that has a client_reference_id, or ErrUnknown.
func (l *Ledger) ByReference(ctx context.Context, reference string) (*v1alpha1.Order, error) {
	return l.lookUp(ctx, reference, IndexReference, referenceFields, nil)
}

// referenceFields are the fields by which the API server finds a reference. Only a cache finds an order that has no orderId
// and was never Ready.
var referenceFields = []string{fieldReference, fieldOrderID}

// lookUp returns the oldest order that has a key, or ErrUnknown. If usable is not nil, it must accept the order. The
// cache can lag behind an order that was just created or paid. So lookUp asks the API server next, by the fields that can
// hold the key.
func (l *Ledger) lookUp(ctx context.Context, key, index string, fields []string, usable func(*v1alpha1.Order) bool) (*v1alpha1.Order, error) {
	if key == "" {
		return nil, ErrUnknown
	}
	owner := func(found []v1alpha1.Order) *v1alpha1.Order {
		if len(found) == 0 {
			return nil
		}
		if order := Oldest(found); usable == nil || usable(order) {
			return order
		}
		return nil
	}
	cached, err := l.list(ctx, l.Cache, index, key)
	if err != nil {
		return nil, fmt.Errorf("find order: %w", err)
	}
	if order := owner(cached); order != nil {
		return order, nil
	}
	var live []v1alpha1.Order
	for _, field := range fields {
		found, err := l.list(ctx, l.Live, field, key)
		if err != nil {
			return nil, fmt.Errorf("find order at the API server: %w", err)
		}
		live = append(live, found...)
	}
	order := owner(live)
	l.countLiveRead(order != nil)
	if order == nil {
		return nil, ErrUnknown
	}
	return order, nil
}

func (l *Ledger) countLiveRead(found bool) {
	result := "missing"
	if found {
		result = "found"
	}
	l.Metrics.LiveReads.WithLabelValues(result).Inc()
}

// list returns the orders in the served namespaces that have the key in an index or field.
func (l *Ledger) list(ctx context.Context, from client.Reader, field, key string) ([]v1alpha1.Order, error) {
	var found []v1alpha1.Order
	for _, namespace := range l.namespaces() {
		var orders v1alpha1.OrderList
		if err := from.List(ctx, &orders, client.InNamespace(namespace), client.MatchingFields{field: key}); err != nil {
			return nil, err
		}
		found = append(found, orders.Items...)
	}
	return found, nil
}

func (l *Ledger) namespaces() []string {
	if len(l.Namespaces) == 0 {
		return []string{""}
	}
	return l.Namespaces
}

// Oldest returns the first order by creation time, then by uid. A shared reference belongs to it. orders must not be empty.
func Oldest(orders []v1alpha1.Order) *v1alpha1.Order {
	oldest := slices.MinFunc(orders, func(a, b v1alpha1.Order) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.UID, b.UID))
	})
	return &oldest
}
