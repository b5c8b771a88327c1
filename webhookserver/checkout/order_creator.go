package checkout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

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

// OrderCreator creates orders of PaymentLinks and waits until they can be paid. Only the controller makes an order ready,
// so that no buyer pays for an order that does not accept the payment.
type OrderCreator struct {
	// Cache has the indices of this package and of the ledger.
	Cache client.Reader
	// Live reads from the API server.
	Live   client.Reader
	Writer client.Writer
	// Namespaces are those whose orders are served. Empty: all.
	Namespaces []string
	Metrics    *metrics.Checkout

	// creating is a semaphore.
	creating chan struct{}
}

// NewOrderCreator returns an OrderCreator.
func NewOrderCreator(cache, live client.Reader, writer client.Writer, namespaces []string, m *metrics.Checkout) *OrderCreator {
	return &OrderCreator{Cache: cache, Live: live, Writer: writer, Namespaces: namespaces, Metrics: m, creating: make(chan struct{}, maxCreating)}
}

// orderParams are the fields of an order that do not come from its PaymentLink.
type orderParams struct {
	// name of the Order; empty: the API server generates one.
	name                string
	orderID, customerID string
	// checkout is the value of v1alpha1.LabelCheckout.
	checkout string
	// expiresAfter is the time after which the unpaid order expires; 0: it does not.
	expiresAfter time.Duration
}

// newOrder returns the order of a PaymentLink with these parameters.
func newOrder(link *v1alpha1.PaymentLink, p orderParams) *v1alpha1.Order {
	live := link.Live()
	order := &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: link.Namespace, Name: p.name,
			Labels: map[string]string{v1alpha1.LabelCheckout: p.checkout},
		},
		Spec: v1alpha1.OrderSpec{
			ProductID:      link.Spec.ProductID,
			ProductName:    link.Spec.ProductName,
			Amount:         link.Spec.Amount,
			Currency:       link.Spec.Currency,
			Provider:       link.Spec.Provider,
			Livemode:       &live,
			PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: link.Name},
			OrderID:        p.orderID,
			CustomerID:     p.customerID,
		},
	}
	if p.name == "" {
		order.GenerateName = link.Name + "-"
	}
	if p.expiresAfter > 0 {
		order.Spec.ExpiresAfter = &metav1.Duration{Duration: p.expiresAfter}
	}
	return order
}

// create creates an order. If there is an order of its name already, it leaves that one as it is and returns true.
func (c *OrderCreator) create(ctx context.Context, order *v1alpha1.Order) (exists bool, err error) {
	select {
	case c.creating <- struct{}{}:
		defer func() { <-c.creating }()
	default:
		c.Metrics.Limited.WithLabelValues(metrics.LimitInFlight).Inc()
		return false, problem.Unavailable("Too many orders are being created at once: try again.", nil)
	}
	err = c.createWithRetry(ctx, order)
	switch {
	case err == nil:
		c.Metrics.Orders.WithLabelValues(order.Labels[v1alpha1.LabelCheckout]).Inc()
		return false, nil
	case apierrors.IsAlreadyExists(err) && order.GenerateName == "":
		return true, nil
	default:
		return false, problem.Unavailable("The order could not be created: try again later.", fmt.Errorf("create order: %w", err))
	}
}

// An API server answers 503 for about 3 s after its start, even though it is ready, to requests that an admission policy can
// change. The chart installs such a policy for orders.
const (
	createTimeout  = 5 * time.Second
	createInterval = 500 * time.Millisecond
)

// createWithRetry creates the order, and retries while the API server is unavailable.
func (c *OrderCreator) createWithRetry(ctx context.Context, order *v1alpha1.Order) error {
	var err error
	waitErr := wait.PollUntilContextTimeout(ctx, createInterval, createTimeout, true, func(ctx context.Context) (bool, error) {
		err = c.Writer.Create(ctx, order)
		return !apierrors.IsServiceUnavailable(err), nil
	})
	if err != nil {
		return err
	}
	return waitErr
}

// awaitReady waits until the order has its checkout URL, and returns the order. If the wait fails the order stays, and the
// error is a problem with its id.
func (c *OrderCreator) awaitReady(ctx context.Context, order *v1alpha1.Order) (*v1alpha1.Order, error) {
	current := &v1alpha1.Order{}
	err := wait.PollUntilContextCancel(ctx, readyInterval, true, func(ctx context.Context) (bool, error) {
		err := c.Cache.Get(ctx, client.ObjectKeyFromObject(order), current)
		if apierrors.IsNotFound(err) || (err == nil && current.UID != order.UID) { // the cache is behind
			return false, nil
		}
		if err != nil || current.Status.CheckoutURL != "" {
			return true, err
		}
		return false, terminalReason(current)
	})
	if err == nil {
		return current, nil
	}
	var terminal *problem.Problem
	if errors.As(err, &terminal) {
		return nil, terminal
	}
	p := problem.Unavailable("The order was created, but is not ready to be paid yet. With the same Idempotency-Key, the same request returns it once it is.",
		fmt.Errorf("order %s/%s did not become ready (is the controller running?): %w", order.Namespace, order.Name, err))
	p.OrderID = order.ClientReferenceID()
	return nil, p
}

// terminalReason returns the reason why an order will never have a checkout URL. Nil: it can still become ready.
func terminalReason(o *v1alpha1.Order) error {
	ready := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return nil
	}
	var p *problem.Problem
	switch ready.Reason {
	case v1alpha1.ReasonDuplicateOrderID: // without OrderID: that id belongs to the other order
		return problem.ForField(http.StatusConflict, "orderId", "another order has this id: choose another, or leave it out.")
	case v1alpha1.ReasonPaymentLinkMismatch:
		p = problem.ForField(http.StatusConflict, "paymentLink", "the PaymentLink has just changed: create another order.")
	case v1alpha1.ReasonExpired:
		p = problem.New(http.StatusConflict, "The order has expired: create another.")
	default:
		return nil
	}
	p.OrderID = o.ClientReferenceID()
	return p
}
