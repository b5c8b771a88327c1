// Package orders is the servers' memory of orders: a cache for controller-runtime's manager that keeps each order in some
// hundred bytes, and everything else as controller-runtime's own cache does.
package ordercache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// kind of what is kept here.
var kind = v1alpha1.GroupVersion.WithKind("Order")

// resyncPeriod is how often handlers are told of every order anew, as controller-runtime's own cache does.
const resyncPeriod = 10 * time.Hour

var errStopped = errors.New("the cache of orders has stopped")

// Cache reads and tells of orders, and leaves all else to the cache that it is around.
type Cache struct {
	cache.Cache

	shelf  *shelf
	feeds  map[string]*feed // by namespace, or the one of all ("")
	api    rest.Interface
	mapper meta.RESTMapper
	resync time.Duration
	// backoff is how long is waited between attempts to list and watch; nil: as client-go does.
	backoff *wait.Backoff

	started chan struct{} // closed by Start
	filled  chan struct{} // closed when all orders are there
	stopped chan struct{} // closed when Start ends
}

// New returns a cache of the namespaces that the options name, or of all. It is a cache.NewCacheFunc.
func New(config *rest.Config, options cache.Options) (cache.Cache, error) {
	if err := check(options); err != nil {
		return nil, err
	}
	others, err := cache.New(config, options)
	if err != nil {
		return nil, err
	}
	api, err := apiutil.RESTClientForGVK(kind, true, false, config, serializer.NewCodecFactory(options.Scheme), options.HTTPClient)
	if err != nil {
		return nil, fmt.Errorf("make a client for orders: %w", err)
	}
	c := &Cache{
		Cache: others, shelf: newShelf(), feeds: map[string]*feed{}, api: api, mapper: options.Mapper,
		resync:  ptr.Deref(options.SyncPeriod, resyncPeriod),
		started: make(chan struct{}), filled: make(chan struct{}), stopped: make(chan struct{}),
	}
	namespaces := slices.Collect(maps.Keys(options.DefaultNamespaces))
	if len(namespaces) == 0 || slices.Contains(namespaces, metav1.NamespaceAll) {
		namespaces = []string{metav1.NamespaceAll} // and no other beside it: an order has one feed
	}
	for _, namespace := range namespaces {
		c.feeds[namespace] = &feed{shelf: c.shelf, namespace: namespace, filled: make(chan struct{})}
	}
	return c, nil
}

// check refuses options that would be ignored in silence.
func check(options cache.Options) error {
	if options.Scheme == nil || options.Mapper == nil {
		return errors.New("a cache of orders needs a scheme and a mapper")
	}
	for o := range options.ByObject {
		if _, is := o.(*v1alpha1.Order); is {
			return errors.New("the cache of orders has no options of its own")
		}
	}
	selects := options.DefaultLabelSelector != nil || options.DefaultFieldSelector != nil
	for _, c := range options.DefaultNamespaces {
		selects = selects || c.LabelSelector != nil || c.FieldSelector != nil
	}
	if selects {
		return errors.New("the cache of orders keeps all orders of its namespaces, and knows no selectors")
	}
	return nil
}

// Start fills the cache and keeps it up to date until the context ends.
func (c *Cache) Start(ctx context.Context) error {
	if !c.shelf.seal() {
		return errors.New("the cache of orders was started already")
	}
	close(c.started)
	defer close(c.stopped)
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel() // what ends the other cache ends this one
	for _, f := range c.feeds {
		from := &source{api: c.api, namespace: f.namespace, shelf: c.shelf}
		reflector := toolscache.NewReflectorWithOptions(from.listerWatcher(), &packed{}, f, toolscache.ReflectorOptions{
			Name: "orders", TypeDescription: kind.String(), ResyncPeriod: c.resync, Backoff: c.backoff,
		})
		running.Go(func() { reflector.RunWithContext(ctx) })
	}
	running.Go(func() { c.shelf.audience.run(ctx) })
	running.Go(func() {
		for _, f := range c.feeds {
			select {
			case <-f.filled:
			case <-ctx.Done():
				return
			}
		}
		c.shelf.audience.allThere()
		close(c.filled)
	})
	return c.Cache.Start(ctx)
}

// WaitForCacheSync returns when everything that there was is in the cache, or false when the context, or the cache, ends
// before.
func (c *Cache) WaitForCacheSync(ctx context.Context) bool {
	select {
	case <-c.filled:
		return c.Cache.WaitForCacheSync(ctx)
	case <-c.stopped:
		return false
	case <-ctx.Done():
		return false
	}
}

// ready waits until orders can be read.
func (c *Cache) ready(ctx context.Context) error {
	select {
	case <-c.filled:
		return nil
	default:
	}
	select {
	case <-c.started:
	default:
		return &cache.ErrCacheNotStarted{}
	}
	select {
	case <-c.filled:
		return nil
	case <-c.stopped:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watches fails where the orders of a namespace are not here, or nobody could tell them from those that do not exist.
func (c *Cache) watches(namespace string) error {
	if c.feeds[metav1.NamespaceAll] == nil && c.feeds[namespace] == nil {
		return fmt.Errorf("the cache has no orders of namespace %q: it is not among those that are watched", namespace)
	}
	return nil
}

// Get reads an order, which is the caller's to change.
func (c *Cache) Get(ctx context.Context, key client.ObjectKey, out client.Object, options ...client.GetOption) error {
	into, ok := out.(*v1alpha1.Order)
	if !ok {
		return c.Cache.Get(ctx, key, out, options...)
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	if err := c.watches(key.Namespace); err != nil {
		return err
	}
	p := c.shelf.get(key)
	if p == nil {
		return apierrors.NewNotFound(schema.GroupResource{Group: kind.Group, Resource: resource}, key.Name)
	}
	o, err := p.unpack()
	if err != nil {
		return err
	}
	*into = *o
	return nil
}
