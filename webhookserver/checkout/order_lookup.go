package checkout

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// findLink returns a PaymentLink, Ready or not.
func (c *OrderCreator) findLink(ctx context.Context, namespace, name string) (*v1alpha1.PaymentLink, error) {
	missing := problem.ForField(http.StatusNotFound, "paymentLink", "there is no PaymentLink of this name in the namespace.")
	if len(c.Namespaces) > 0 && !slices.Contains(c.Namespaces, namespace) {
		return nil, missing
	}
	link := &v1alpha1.PaymentLink{}
	err := c.Cache.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, link)
	switch {
	case apierrors.IsNotFound(err):
		return nil, missing
	case err != nil:
		return nil, problem.Unavailable("The PaymentLink could not be read: try again later.", fmt.Errorf("get PaymentLink: %w", err))
	}
	return link, nil
}

// checkOrderID returns an error if another order has the id of this order. An order without an id gets a unique one later.
// An order of the same name is the same order, created a moment ago with the same Idempotency-Key.
func (c *OrderCreator) checkOrderID(ctx context.Context, order *v1alpha1.Order) error {
	if order.Spec.OrderID == "" {
		return nil
	}
	found, err := c.listOrders(ctx, ledger.IndexReference, order.Spec.OrderID)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(found, func(o v1alpha1.Order) bool { return o.Namespace == order.Namespace && o.Name == order.Name })
	if len(others) == 0 {
		return nil
	}
	return problem.ForField(http.StatusConflict, "orderId", "another order has this id: choose another, or leave it out.")
}

// listOrders returns the orders in the cache with a key of an index.
func (c *OrderCreator) listOrders(ctx context.Context, index, key string) ([]v1alpha1.Order, error) {
	var found v1alpha1.OrderList
	if err := c.Cache.List(ctx, &found, client.MatchingFields{index: key}); err != nil {
		return nil, problem.Unavailable("The orders could not be read: try again later.", fmt.Errorf("list orders by %s: %w", index, err))
	}
	return found.Items, nil
}

// getLive reads an order of the same name from the API server, since the cache may not have it yet.
func (c *OrderCreator) getLive(ctx context.Context, order *v1alpha1.Order) (*v1alpha1.Order, error) {
	found := &v1alpha1.Order{}
	if err := c.Live.Get(ctx, client.ObjectKeyFromObject(order), found); err != nil {
		return nil, problem.Unavailable("The order could not be read: try again later.", fmt.Errorf("get order: %w", err))
	}
	return found, nil
}
