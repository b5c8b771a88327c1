package ordercache

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// List reads orders, which are the caller's to change. Into a PartialObjectMetadataList it lists names alone, which
// costs nearly nothing.
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

// Each calls visit with every order that a reader has: of a Cache one at a time, since all of them at once would take
// thousands of bytes each.
func Each(ctx context.Context, reader client.Reader, visit func(*v1alpha1.Order) error) error {
	if c, ok := reader.(*Cache); ok {
		if err := c.ready(ctx); err != nil {
			return err
		}
		q := query{found: c.shelf.all(metav1.NamespaceAll)}
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

// query is a list of orders that is still packed.
type query struct {
	found  []*packed
	fields fields.Requirements
	values []client.IndexerFunc // of the indices that fields name
	labels labels.Selector
}

func (c *Cache) query(options []client.ListOption) (q query, err error) {
	o := (&client.ListOptions{}).ApplyOptions(options)
	if o.Namespace != metav1.NamespaceAll {
		if err := c.watches(o.Namespace); err != nil {
			return q, err
		}
	}
	switch {
	case o.Continue != "" || o.Limit != 0:
		return q, fmt.Errorf("the cache of orders has no pages")
	case o.FieldSelector == nil || o.FieldSelector.Empty():
		q.found = c.shelf.all(o.Namespace)
	default:
		q.fields = o.FieldSelector.Requirements()
	}
	if o.LabelSelector != nil && !o.LabelSelector.Empty() {
		q.labels = o.LabelSelector
	}
	for i, r := range q.fields {
		if r.Operator != "=" && r.Operator != "==" {
			return q, fmt.Errorf("the cache of orders finds only equal fields, not %s%s%s", r.Field, r.Operator, r.Value)
		}
		found, values, err := c.shelf.by(r.Field, r.Value, o.Namespace)
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

// each unpacks the orders, and calls visit with those that are meant.
func (q *query) each(visit func(*v1alpha1.Order) error) error {
	for _, p := range q.found {
		o, err := p.unpack()
		if err != nil {
			return err
		}
		if !q.means(o) {
			continue
		}
		if err := visit(o); err != nil {
			return err
		}
	}
	return nil
}

// names lists the names of the orders that are meant. One field alone is taken at its hash's word.
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
	for _, p := range q.found {
		add(p.namespace, p.name)
	}
	return nil
}

func (q *query) means(o *v1alpha1.Order) bool {
	for i, values := range q.values {
		if !slices.Contains(values(o), q.fields[i].Value) {
			return false
		}
	}
	return q.labels == nil || q.labels.Matches(labels.Set(o.Labels))
}
