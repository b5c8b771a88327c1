package checkout

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// openOrders limits the unpaid anonymous orders of each PaymentLink. It counts the orders in the cache, and the
// orders that this replica is creating, which the cache may not have yet. Several replicas can exceed the limit by the
// orders that they are creating at the same time.
type openOrders struct {
	cache client.Reader
	limit int

	mu       sync.Mutex
	creating map[types.NamespacedName]int
}

// reserve reports whether a link can have another order. If so, it counts the order as being created until release.
func (o *openOrders) reserve(ctx context.Context, link *v1alpha1.PaymentLink) (ok bool, release func(), err error) {
	key := types.NamespacedName{Namespace: link.Namespace, Name: link.Name}
	o.mu.Lock()
	defer o.mu.Unlock()
	var open metav1.PartialObjectMetadataList // only their number matters
	open.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("OrderList"))
	err = o.cache.List(ctx, &open, client.InNamespace(link.Namespace), client.MatchingFields{IndexOpen: link.Name})
	if err != nil {
		return false, nil, fmt.Errorf("count open orders: %w", err)
	}
	if len(open.Items)+o.creating[key] >= o.limit {
		return false, nil, nil
	}
	if o.creating == nil {
		o.creating = map[types.NamespacedName]int{}
	}
	o.creating[key]++
	return true, func() { o.release(key) }, nil
}

func (o *openOrders) release(key types.NamespacedName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.creating[key]--; o.creating[key] == 0 {
		delete(o.creating, key)
	}
}
