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

// openOrders keeps the anonymous orders of each PaymentLink that are not paid yet to a number. They are counted in the
// cache; what this replica is just creating, and the cache may not have yet, is counted beside it. Several replicas at
// once may go over the number by what the others are just creating.
type openOrders struct {
	cache client.Reader
	most  int

	mu     sync.Mutex
	making map[types.NamespacedName]int
}

// enter reports whether a link may have one more, and counts it as being made until leave is called.
func (o *openOrders) enter(ctx context.Context, link *v1alpha1.PaymentLink) (may bool, leave func(), err error) {
	key := types.NamespacedName{Namespace: link.Namespace, Name: link.Name}
	o.mu.Lock()
	defer o.mu.Unlock()
	var open metav1.PartialObjectMetadataList // nothing in them is looked at
	open.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("OrderList"))
	err = o.cache.List(ctx, &open, client.InNamespace(link.Namespace), client.MatchingFields{IndexOpen: link.Name})
	if err != nil {
		return false, nil, fmt.Errorf("count open orders: %w", err)
	}
	if len(open.Items)+o.making[key] >= o.most {
		return false, nil, nil
	}
	if o.making == nil {
		o.making = map[types.NamespacedName]int{}
	}
	o.making[key]++
	return true, func() { o.leave(key) }, nil
}

func (o *openOrders) leave(key types.NamespacedName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.making[key]--; o.making[key] == 0 {
		delete(o.making, key)
	}
}
