package checkout

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// +kubebuilder:rbac:groups=payments.paylink.dev,resources=orders,verbs=create

// Maker creates orders of PaymentLinks, and waits until they can be paid. The controller alone decides that: money must
// not be taken for an order that cannot have it.
type Maker struct {
	// Cache answers look-ups; it must have the indices of this package and of the ledger.
	Cache client.Reader
	// Live asks the API server itself.
	Live   client.Reader
	Writer client.Writer
	// Namespaces are those whose orders are served. Empty: all.
	Namespaces []string
	Metrics    *metrics.Buyer
	Log        logr.Logger

	making chan struct{}
}

// NewMaker returns a Maker that creates no more orders at once than the API server has room for beside the webhooks.
func NewMaker(cache, live client.Reader, writer client.Writer, namespaces []string, m *metrics.Buyer, log logr.Logger) *Maker {
	return &Maker{Cache: cache, Live: live, Writer: writer, Namespaces: namespaces, Metrics: m, Log: log, making: make(chan struct{}, maxMaking)}
}

// wish is what an order has beside what its PaymentLink says.
type wish struct {
	// name of the Order; empty: one is made up.
	name                string
	orderID, customerID string
	// checkout is the value of v1alpha1.LabelCheckout.
	checkout string
	// expiresAfter is how long the order waits to be paid; 0: for ever.
	expiresAfter time.Duration
}

// find returns a PaymentLink, which need not be Ready.
func (m *Maker) find(ctx context.Context, namespace, name string) (*v1alpha1.PaymentLink, *problem.Problem) {
	missing := problem.Of(http.StatusNotFound, "paymentLink", "there is no PaymentLink of this name in the namespace.")
	if len(m.Namespaces) > 0 && !slices.Contains(m.Namespaces, namespace) {
		return nil, missing
	}
	link := &v1alpha1.PaymentLink{}
	err := m.Cache.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, link)
	switch {
	case apierrors.IsNotFound(err):
		return nil, missing
	case err != nil:
		m.Log.Error(err, "Get a PaymentLink")
		return nil, tryAgain("The PaymentLink could not be read: try again later.", retryAfter)
	}
	return link, nil
}

// orderOf is the order that a wish makes of a PaymentLink.
func orderOf(link *v1alpha1.PaymentLink, w wish) *v1alpha1.Order {
	live := link.Live()
	order := &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: link.Namespace, Name: w.name,
			Labels: map[string]string{v1alpha1.LabelCheckout: w.checkout},
		},
		Spec: v1alpha1.OrderSpec{
			ProductID:      link.Spec.ProductID,
			ProductName:    link.Spec.ProductName,
			Amount:         link.Spec.Amount,
			Currency:       link.Spec.Currency,
			Provider:       link.Spec.Provider,
			Livemode:       &live,
			PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: link.Name},
			OrderID:        w.orderID,
			CustomerID:     w.customerID,
		},
	}
	if w.name == "" {
		order.GenerateName = link.Name + "-"
	}
	if w.expiresAfter > 0 {
		order.Spec.ExpiresAfter = &metav1.Duration{Duration: w.expiresAfter}
	}
	return order
}

// create writes an order. exists is true where there is one of its name already; that one is not touched.
func (m *Maker) create(ctx context.Context, order *v1alpha1.Order) (exists bool, _ *problem.Problem) {
	select {
	case m.making <- struct{}{}:
		defer func() { <-m.making }()
	default:
		m.Metrics.Limited.WithLabelValues(metrics.LimitInFlight).Inc()
		return false, tryAgain("Too many orders are being created at once: try again.", retryAfter)
	}
	err := m.write(ctx, order)
	switch {
	case err == nil:
		m.Metrics.Orders.WithLabelValues(order.Labels[v1alpha1.LabelCheckout]).Inc()
		return false, nil
	case apierrors.IsAlreadyExists(err) && order.GenerateName == "":
		return true, nil
	default:
		m.Log.Error(err, "Create an order")
		return false, tryAgain("The order could not be created: try again later.", retryAfter)
	}
}

// An API server that has just started refuses whatever an admission policy may change, for some 3 s in which it is said to be
// ready: the chart has such a policy for orders.
const (
	createPatience = 5 * time.Second
	createAgain    = 500 * time.Millisecond
)

// write creates the order, as soon as the API server is there for it.
func (m *Maker) write(ctx context.Context, order *v1alpha1.Order) (err error) {
	ended := wait.PollUntilContextTimeout(ctx, createAgain, createPatience, true, func(ctx context.Context) (bool, error) {
		err = m.Writer.Create(ctx, order)
		return !apierrors.IsServiceUnavailable(err), nil
	})
	if err == nil {
		err = ended
	}
	return err
}

// errNotReady ends a wait for an order that cannot be paid.
var errNotReady = errors.New("the order will not become ready")

// awaitReady waits until the order has its checkout URL, and returns it as it is then. Where that fails the order stays, and
// the problem holds its id.
func (m *Maker) awaitReady(ctx context.Context, order *v1alpha1.Order) (*v1alpha1.Order, *problem.Problem) {
	var why *problem.Problem
	current := &v1alpha1.Order{}
	err := wait.PollUntilContextCancel(ctx, readyPoll, true, func(ctx context.Context) (bool, error) {
		err := m.Cache.Get(ctx, client.ObjectKeyFromObject(order), current)
		if apierrors.IsNotFound(err) || (err == nil && current.UID != order.UID) { // the cache is behind
			return false, nil
		}
		if err != nil || current.Status.CheckoutURL != "" {
			return true, err
		}
		if why = hopeless(current); why != nil {
			return false, errNotReady
		}
		return false, nil
	})
	switch {
	case err == nil:
		return current, nil
	case why == nil:
		if !errors.Is(err, context.Canceled) { // by a client that is gone
			m.Log.Error(err, "An order did not become ready in time: is the controller running?", "namespace", order.Namespace, "order", order.Name)
		}
		why = tryAgain("The order was created, but is not ready to be paid yet. With the same Idempotency-Key, the same request returns it once it is.", retryAfter)
		why.OrderID = order.ClientReferenceID()
	}
	return nil, why
}

// hopeless says why an order will never have a checkout URL; nil: it may.
func hopeless(o *v1alpha1.Order) *problem.Problem {
	ready := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return nil
	}
	var p *problem.Problem
	switch ready.Reason {
	case v1alpha1.ReasonDuplicateOrderID: // the id is the other order's, and not to be told as that of this one
		return problem.Of(http.StatusConflict, "orderId", "another order has this id: choose another, or leave it out.")
	case v1alpha1.ReasonPaymentLinkMismatch:
		p = problem.Of(http.StatusConflict, "paymentLink", "the PaymentLink has just changed: create another order.")
	case v1alpha1.ReasonExpired:
		p = problem.New(http.StatusConflict, "The order has expired: create another.")
	default:
		return nil
	}
	p.OrderID = o.ClientReferenceID()
	return p
}
