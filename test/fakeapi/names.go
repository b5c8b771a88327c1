package fakeapi

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// listNames answers a List of order metadata, as the servers' cache does. The fake client itself finds no metadata by
// an index.
func listNames(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
	names, is := list.(*metav1.PartialObjectMetadataList)
	if !is {
		return c.List(ctx, list, options...)
	}
	var orders v1alpha1.OrderList
	if err := c.List(ctx, &orders, options...); err != nil {
		return err
	}
	for i := range orders.Items {
		o := &orders.Items[i]
		names.Items = append(names.Items, metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name}})
	}
	return nil
}
