package ordercache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// IndexField adds an index of orders, or of another kind. It must be called before the cache starts.
func (c *Cache) IndexField(ctx context.Context, o client.Object, field string, values client.IndexerFunc) error {
	if _, ok := o.(*v1alpha1.Order); !ok {
		return c.Cache.IndexField(ctx, o, field, values)
	}
	// A cluster that does not know orders is better found out now than by waiting for them.
	if _, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version); err != nil {
		return err
	}
	return c.shelf.index(field, values)
}

// GetInformer returns what tells of orders, or of another kind.
func (c *Cache) GetInformer(ctx context.Context, o client.Object, options ...cache.InformerGetOption) (cache.Informer, error) {
	if _, ok := o.(*v1alpha1.Order); !ok {
		return c.Cache.GetInformer(ctx, o, options...)
	}
	return c.informer(ctx, options)
}

// GetInformerForKind is GetInformer by the kind's name.
func (c *Cache) GetInformerForKind(ctx context.Context, gvk schema.GroupVersionKind, options ...cache.InformerGetOption) (cache.Informer, error) {
	if gvk != kind {
		return c.Cache.GetInformerForKind(ctx, gvk, options...)
	}
	return c.informer(ctx, options)
}

// informer returns what tells of orders: once all are there, where the cache runs and the options do not say otherwise.
func (c *Cache) informer(ctx context.Context, options []cache.InformerGetOption) (cache.Informer, error) {
	var o cache.InformerGetOptions
	for _, option := range options {
		option(&o)
	}
	if o.BlockUntilSynced != nil && !*o.BlockUntilSynced {
		return &informer{c}, nil
	}
	var notStarted *cache.ErrCacheNotStarted
	if err := c.ready(ctx); err != nil && !errors.As(err, &notStarted) {
		return nil, err
	}
	return &informer{c}, nil
}

// RemoveInformer removes that of another kind. Orders are there for as long as the cache is.
func (c *Cache) RemoveInformer(ctx context.Context, o client.Object) error {
	if _, ok := o.(*v1alpha1.Order); ok {
		return errors.New("orders are always cached")
	}
	return c.Cache.RemoveInformer(ctx, o)
}

// informer tells of orders.
type informer struct{ cache *Cache }

// AddEventHandler adds a handler. It is told of every order that is there first, and then of each change in turn: of one that
// went unseen by a DeletedFinalStateUnknown, as by client-go. Orders are shared by all handlers: they must not be changed. One
// goroutine tells them all: a handler that waits keeps the others waiting.
func (i *informer) AddEventHandler(handler toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
	r := i.cache.shelf.join(handler)
	if r == nil {
		return nil, errStopped
	}
	return r, nil
}

// AddEventHandlerWithResyncPeriod is AddEventHandler: the period is the cache's.
func (i *informer) AddEventHandlerWithResyncPeriod(handler toolscache.ResourceEventHandler, _ time.Duration) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(handler)
}

// AddEventHandlerWithOptions is AddEventHandler: nothing is logged, and the period is the cache's.
func (i *informer) AddEventHandlerWithOptions(handler toolscache.ResourceEventHandler, _ toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(handler)
}

// RemoveEventHandler removes a handler, which may be told of one more change that is just being told.
func (i *informer) RemoveEventHandler(handle toolscache.ResourceEventHandlerRegistration) error {
	r, ok := handle.(*registration)
	if !ok {
		return fmt.Errorf("a %T is no registration of a handler of orders", handle)
	}
	i.cache.shelf.audience.leave(r)
	return nil
}

// AddIndexers is not how orders are indexed.
func (i *informer) AddIndexers(toolscache.Indexers) error {
	return errors.New("index orders by IndexField")
}

// HasSynced reports whether all orders are there.
func (i *informer) HasSynced() bool { return toolscache.IsDone(i) }

// HasSyncedChecker returns the same to wait for.
func (i *informer) HasSyncedChecker() toolscache.DoneChecker { return i }

// Name says what is waited for.
func (i *informer) Name() string { return "cache of orders" }

// Done is closed when HasSynced is true.
func (i *informer) Done() <-chan struct{} { return i.cache.filled }

// IsStopped reports whether nothing is told any more.
func (i *informer) IsStopped() bool { return i.cache.shelf.audience.isClosed() }

var (
	_ cache.Cache    = (*Cache)(nil)
	_ cache.Informer = (*informer)(nil)
)
