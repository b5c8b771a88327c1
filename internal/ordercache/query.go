package ordercache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// List reads orders, which the caller may modify. Into a PartialObjectMetadataList it lists only names, and decodes no
// order in most cases.
func (c *Cache) List(ctx context.Context, out client.ObjectList, options ...client.ListOption) error {
	names, isNames := out.(*metav1.PartialObjectMetadataList)
	if isNames {
		of := names.GroupVersionKind()
		of.Kind = strings.TrimSuffix(of.Kind, "List")
		isNames = of == kind
	}
	into, isOrders := out.(*v1alpha1.OrderList)
	if !isOrders && !isNames {
		return c.Cache.List(ctx, out, options...)
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	q, err := c.query(options)
	if err != nil {
		return err
	}
	if isNames {
		return q.names(names)
	}
	into.Items = make([]v1alpha1.Order, 0, len(q.found))
	return q.each(func(o *v1alpha1.Order) error {
		into.Items = append(into.Items, *o)
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
		q := query{found: c.store.list(metav1.NamespaceAll)}
		return q.each(visit)
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

// query selects orders that are still encoded.
type query struct {
	found  []*encodedOrder
	fields fields.Requirements
	values []client.IndexerFunc // of the index of each field
	labels labels.Selector
}

func (c *Cache) query(options []client.ListOption) (q query, err error) {
	o := (&client.ListOptions{}).ApplyOptions(options)
	if o.Namespace != metav1.NamespaceAll {
		if err := c.checkNamespace(o.Namespace); err != nil {
			return q, err
		}
	}
	switch {
	case o.Continue != "" || o.Limit != 0:
		return q, errors.New("the cache of orders has no pages")
	case o.FieldSelector == nil || o.FieldSelector.Empty():
		q.found = c.store.list(o.Namespace)
	default:
		q.fields = o.FieldSelector.Requirements()
	}
	if o.LabelSelector != nil && !o.LabelSelector.Empty() {
		requirements, _ := o.LabelSelector.Requirements()
		for _, r := range requirements {
			if !usedLabels[r.Key()] {
				return q, fmt.Errorf("the cache of orders does not keep the label %q", r.Key())
			}
		}
		q.labels = o.LabelSelector
	}
	for i, r := range q.fields {
		if r.Operator != "=" && r.Operator != "==" {
			return q, fmt.Errorf("the cache of orders selects fields by = alone, not by %s%s%s", r.Field, r.Operator, r.Value)
		}
		found, values, err := c.store.find(r.Field, r.Value, o.Namespace)
		if err != nil {
			return q, err
		}
		q.values = append(q.values, values)
		if i == 0 {
			q.found = found
		}
	}
	return q, nil
}

// each decodes the orders, and calls visit with those that match.
func (q *query) each(visit func(*v1alpha1.Order) error) error {
	for _, e := range q.found {
		o, err := e.decode()
		if err != nil {
			return err
		}
		if !q.matches(o) {
			continue
		}
		if err := visit(o); err != nil {
			return err
		}
	}
	return nil
}

// names lists the names of the orders that match. For a single field it trusts the hash, and decodes no order.
func (q *query) names(into *metav1.PartialObjectMetadataList) error {
	into.Items = make([]metav1.PartialObjectMetadata, 0, len(q.found))
	add := func(namespace, name string) {
		o := metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		o.SetGroupVersionKind(kind)
		into.Items = append(into.Items, o)
	}
	if q.labels != nil || len(q.fields) > 1 {
		return q.each(func(o *v1alpha1.Order) error {
			add(o.Namespace, o.Name)
			return nil
		})
	}
	for _, e := range q.found {
		add(e.namespace, e.name)
	}
	return nil
}

func (q *query) matches(o *v1alpha1.Order) bool {
	for i, values := range q.values {
		if !slices.Contains(values(o), q.fields[i].Value) {
			return false
		}
	}
	return q.labels == nil || q.labels.Matches(labels.Set(o.Labels))
}
