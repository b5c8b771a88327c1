package ordercache

import (
	"cmp"
	"context"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// Change is a change of one order. Old is nil when the order is new, and New is nil when it is deleted. All sources share
// both orders, so they must not be modified.
type Change struct {
	Old, New *v1alpha1.Order
}

// Order returns the order as it is now, or its last known state if it is deleted.
func (c Change) Order() *v1alpha1.Order {
	return cmp.Or(c.New, c.Old)
}

// RequestsFunc returns the requests that a change of an order enqueues.
type RequestsFunc func(context.Context, Change) []reconcile.Request

// queue is the work queue of a controller.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// Keys returns a source that enqueues the key of each order that is created, changed or deleted. It enqueues all keys when
// it starts and at each resync, with low priority. It decodes no order.
func (c *Cache) Keys() source.SyncingSource {
	return &orderSource{c, "keys of orders", func(_ context.Context, q queue) subscriber { return &keyEnqueuer{q} }}
}

// Changes returns a source that enqueues requests for each order that is created, changed or deleted. The orders that exist
// when the source starts do not count as changes, and neither does a resync. The cache calls the function and waits for it.
func (c *Cache) Changes(requests RequestsFunc) source.SyncingSource {
	return &orderSource{c, "changes of orders", func(ctx context.Context, q queue) subscriber { return &changeEnqueuer{ctx, q, requests} }}
}

// orderSource subscribes the queue of a controller to the changes of orders.
type orderSource struct {
	cache      *Cache
	name       string
	subscriber func(context.Context, queue) subscriber
}

// String returns the name of the source for logs.
func (s *orderSource) String() string { return s.name }

// Start subscribes the queue until the context ends.
func (s *orderSource) Start(ctx context.Context, q queue) error {
	context.AfterFunc(ctx, s.cache.store.subscribe(s.subscriber(ctx, q)))
	return nil
}

// WaitForSync waits until the cache has all orders.
func (s *orderSource) WaitForSync(ctx context.Context) error { return s.cache.waitUntilFilled(ctx) }

// subscriber receives the changes of a store. Several reflectors may call it at once.
type subscriber interface {
	// changed receives one change.
	changed(*change)
	// listed receives all orders, at the start and at each resync.
	listed([]*encodedOrder)
}

// change is a change of one encoded order.
type change struct {
	old, new *encodedOrder
	// initial is set for the orders of the first list.
	initial bool
	decoded []Change
}

// orders decodes the change, once for all subscribers. An order that was replaced by another one of the same name is
// deleted, and then the other one is created.
func (c *change) orders() []Change {
	if c.decoded != nil {
		return c.decoded
	}
	o := Change{Old: decodeOrReport(c.old), New: decodeOrReport(c.new)}
	switch {
	case o.Order() == nil:
	case o.Old != nil && o.New != nil && o.Old.UID != o.New.UID:
		c.decoded = []Change{{Old: o.Old}, {New: o.New}}
	default:
		c.decoded = []Change{o}
	}
	return c.decoded
}

// decodeOrReport returns nil if there is no order, or if it cannot be decoded.
func decodeOrReport(e *encodedOrder) *v1alpha1.Order {
	if e == nil {
		return nil
	}
	o, err := e.decode()
	if err != nil {
		utilruntime.HandleError(err)
	}
	return o
}

// keyEnqueuer enqueues the key of each order.
type keyEnqueuer struct{ queue queue }

func (e *keyEnqueuer) changed(c *change) {
	order := cmp.Or(c.new, c.old)
	if c.initial {
		e.listed([]*encodedOrder{order})
		return
	}
	e.queue.Add(reconcile.Request{NamespacedName: order.key()})
}

// listed enqueues keys with low priority, behind the keys of changes.
func (e *keyEnqueuer) listed(orders []*encodedOrder) {
	requests := make([]reconcile.Request, len(orders))
	for i, order := range orders {
		requests[i].NamespacedName = order.key()
	}
	if q, ok := e.queue.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		q.AddWithOpts(priorityqueue.AddOpts{Priority: ptr.To(handler.LowPriority)}, requests...)
		return
	}
	for _, request := range requests {
		e.queue.Add(request)
	}
}

// changeEnqueuer enqueues the requests for each change.
type changeEnqueuer struct {
	ctx      context.Context
	queue    queue
	requests RequestsFunc
}

func (e *changeEnqueuer) changed(c *change) {
	if c.initial {
		return
	}
	for _, orders := range c.orders() {
		for _, request := range e.requests(e.ctx, orders) {
			e.queue.Add(request)
		}
	}
}

func (*changeEnqueuer) listed([]*encodedOrder) {}
