package ordercache

import (
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// List reads orders, which the caller may modify, by namespace and by one indexed field. Into a PartialObjectMetadataList it
// lists only names. It trusts the hash of the index then, and decodes no order.
func (c *Cache) List(ctx context.Context, out client.ObjectList, options ...client.ListOption) error {
	names, isNames := out.(*metav1.PartialObjectMetadataList)
	isNames = isNames && names.GroupVersionKind() == listKind
	into, isOrders := out.(*v1alpha1.OrderList)
	if !isOrders && !isNames {
		return c.Cache.List(ctx, out, options...)
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	found, matches, err := c.find(options)
	if err != nil {
		return err
	}
	if isNames {
		names.Items = make([]metav1.PartialObjectMetadata, len(found))
		for i, e := range found {
			names.Items[i].Namespace, names.Items[i].Name = e.namespace, e.name
			names.Items[i].SetGroupVersionKind(kind)
		}
		return nil
	}
	into.Items = make([]v1alpha1.Order, 0, len(found))
	return each(found, func(o *v1alpha1.Order) error {
		if matches(o) {
			into.Items = append(into.Items, *o)
		}
		return nil
	})
}

// Each calls visit with every order of a reader. It decodes the orders of a Cache one at a time, as a list of all orders
// would take thousands of bytes for each.
func Each(ctx context.Context, reader client.Reader, visit func(*v1alpha1.Order) error) error {
	if c, ok := reader.(*Cache); ok {
		if err := c.ready(ctx); err != nil {
			return err
		}
		return each(c.store.list(metav1.NamespaceAll), visit)
	}
	var all v1alpha1.OrderList
	if err := reader.List(ctx, &all); err != nil {
		return err
	}
	for i := range all.Items {
		if err := visit(&all.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

func each(orders []*encodedOrder, visit func(*v1alpha1.Order) error) error {
	for _, e := range orders {
		o, err := e.decode()
		if err != nil {
			return err
		}
		if err := visit(o); err != nil {
			return err
		}
	}
	return nil
}

// find returns the orders of a list. Indices hold hashes, so the function that it returns finds the orders that match.
func (c *Cache) find(options []client.ListOption) (found []*encodedOrder, matches func(*v1alpha1.Order) bool, err error) {
	o := (&client.ListOptions{}).ApplyOptions(options)
	if o.Namespace != metav1.NamespaceAll {
		if err := c.checkNamespace(o.Namespace); err != nil {
			return nil, nil, err
		}
	}
	if o.Continue != "" || o.Limit != 0 || o.LabelSelector != nil && !o.LabelSelector.Empty() {
		return nil, nil, errors.New("the cache of orders has no pages, and selects by no label")
	}
	if o.FieldSelector == nil || o.FieldSelector.Empty() {
		return c.store.list(o.Namespace), func(*v1alpha1.Order) bool { return true }, nil
	}
	by := o.FieldSelector.Requirements()
	if len(by) != 1 || by[0].Operator != selection.Equals {
		return nil, nil, fmt.Errorf("the cache of orders selects by = of one field, not by %s", o.FieldSelector)
	}
	found, values, err := c.store.find(by[0].Field, by[0].Value, o.Namespace)
	return found, func(o *v1alpha1.Order) bool { return slices.Contains(values(o), by[0].Value) }, err
}
