// Package checkout creates orders before their buyers go to Stripe. Shops with a backend and a token use /api/orders, and
// pages without them use /buy. The product and the price always come from the PaymentLink. A request cannot set them.
package checkout

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// The indices of orders that this package needs in a cache.
const (
	// IndexOpen finds the unpaid anonymous orders of a PaymentLink.
	IndexOpen = "openPublicOrder"
	// IndexKeyed finds the orders that were created with an Idempotency-Key, by their names.
	IndexKeyed = "idempotencyKey"
)

// ByOpen is the IndexerFunc of IndexOpen.
func ByOpen(o client.Object) []string {
	order, ok := o.(*v1alpha1.Order)
	if !ok || order.Labels[v1alpha1.LabelCheckout] != v1alpha1.CheckoutPublic || order.Spec.PaymentLinkRef == nil {
		return nil
	}
	if phase := order.Status.Phase; phase != "" && phase != v1alpha1.OrderPending {
		return nil
	}
	return []string{order.Spec.PaymentLinkRef.Name}
}

// ByKeyed is the IndexerFunc of IndexKeyed.
func ByKeyed(o client.Object) []string {
	if !keyedName.MatchString(o.GetName()) {
		return nil
	}
	return []string{o.GetName()}
}

// Index registers the indices with a cache.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	for name, keys := range map[string]client.IndexerFunc{IndexOpen: ByOpen, IndexKeyed: ByKeyed} {
		if err := indexer.IndexField(ctx, &v1alpha1.Order{}, name, keys); err != nil {
			return fmt.Errorf("index orders by %s: %w", name, err)
		}
	}
	return nil
}
