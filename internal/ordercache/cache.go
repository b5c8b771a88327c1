// Package ordercache is the cache of orders for controller-runtime's manager. It keeps each order in some hundred bytes.
// All other kinds stay in controller-runtime's own cache.
package ordercache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
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

// kind is the kind of an order, and listKind the kind of a list of orders.
var (
	kind     = v1alpha1.GroupVersion.WithKind("Order")
	listKind = v1alpha1.GroupVersion.WithKind("OrderList")
)

// resyncPeriod is how often sources enqueue all orders. controller-runtime's own cache has the same default.
const resyncPeriod = 10 * time.Hour

var (
	errStarted = errors.New("the cache of orders was started already")
	errStopped = errors.New("the cache of orders has stopped")
)

// Cache reads orders from a compact store, and all other kinds from the cache that it embeds.
type Cache struct {
	cache.Cache

	store *store
	// sources list and watch the orders by namespace, or all orders ("").
	sources map[string]*namespaceStore
	mapper  meta.RESTMapper
	resync  time.Duration
	// backoff is the time between attempts to list and watch; nil: client-go's default.
	backoff *wait.Backoff

	started  atomic.Bool
	unfilled atomic.Int32  // the number of sources that have not listed yet
	filled   chan struct{} // closed when the store has all orders
	stopped  chan struct{} // closed when Start returns
}

var _ cache.Cache = (*Cache)(nil)

// New returns a cache of the namespaces in the options, or of all namespaces. It is a cache.NewCacheFunc.
func New(config *rest.Config, options cache.Options) (cache.Cache, error) {
	if err := check(options); err != nil {
		return nil, err
	}
	if options.NewInformer == nil {
		options.NewInformer = newInformer
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
		Cache: others, store: newStore(), sources: map[string]*namespaceStore{}, mapper: options.Mapper,
		resync: ptr.Deref(options.SyncPeriod, resyncPeriod), filled: make(chan struct{}), stopped: make(chan struct{}),
	}
	namespaces := slices.Collect(maps.Keys(options.DefaultNamespaces))
	if len(namespaces) == 0 || slices.Contains(namespaces, metav1.NamespaceAll) {
		namespaces = []string{metav1.NamespaceAll} // alone, as two reflectors must not have the same order
	}
	for _, namespace := range namespaces {
		c.sources[namespace] = &namespaceStore{api: api, namespace: namespace, store: c.store, onFilled: c.sourceFilled}
	}
	c.unfilled.Store(int32(len(c.sources))) //nolint:gosec // there are few namespaces
	return c, nil
}

func (c *Cache) sourceFilled() {
	if c.unfilled.Add(-1) == 0 {
		close(c.filled)
	}
}

// From returns the Cache of a manager whose options have New as NewCache.
func From(c cache.Cache) (*Cache, error) {
	orders, ok := c.(*Cache)
	if !ok {
		return nil, fmt.Errorf("%T is not a cache of orders: set NewCache in the options of the manager", c)
	}
	return orders, nil
}

// check rejects options that have no effect on orders.
func check(options cache.Options) error {
	for o := range options.ByObject {
		if _, ok := o.(*v1alpha1.Order); ok {
			return errors.New("the cache of orders has no options by object")
		}
	}
	selects := options.DefaultLabelSelector != nil || options.DefaultFieldSelector != nil
	for _, c := range options.DefaultNamespaces {
		selects = selects || c.LabelSelector != nil || c.FieldSelector != nil
	}
	if selects {
		return errors.New("the cache of orders keeps all orders of its namespaces, and has no selectors")
	}
	return nil
}

// Start fills the cache and keeps it up to date until the context ends.
func (c *Cache) Start(ctx context.Context) error {
	if !c.started.CompareAndSwap(false, true) {
		return errStarted
	}
	defer close(c.stopped)
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel() // stop the reflectors when the embedded cache stops
	for _, s := range c.sources {
		lw := &toolscache.ListWatch{ListWithContextFunc: s.list, WatchFuncWithContext: s.watch}
		reflector := toolscache.NewReflectorWithOptions(lw, &encodedOrder{}, s, toolscache.ReflectorOptions{
			Name: "orders", TypeDescription: kind.String(), ResyncPeriod: c.resync, Backoff: c.backoff,
		})
		running.Go(func() { reflector.RunWithContext(ctx) })
	}
	return c.Cache.Start(ctx)
}

// WaitForCacheSync waits until the cache has all objects. It returns false if the context or the cache ends before.
func (c *Cache) WaitForCacheSync(ctx context.Context) bool {
	return c.waitUntilFilled(ctx) == nil && c.Cache.WaitForCacheSync(ctx)
}

// waitUntilFilled waits until the store has all orders. The cache need not have started yet.
func (c *Cache) waitUntilFilled(ctx context.Context) error {
	select {
	case <-c.filled:
		return nil
	default:
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

// ready waits until orders can be read.
func (c *Cache) ready(ctx context.Context) error {
	if !c.started.Load() {
		return &cache.ErrCacheNotStarted{}
	}
	return c.waitUntilFilled(ctx)
}

// checkNamespace fails for a namespace that the cache does not watch. Otherwise its orders would seem not to exist.
func (c *Cache) checkNamespace(namespace string) error {
	if c.sources[metav1.NamespaceAll] == nil && c.sources[namespace] == nil {
		return fmt.Errorf("the cache has no orders of namespace %q, which it does not watch", namespace)
	}
	return nil
}

// Get reads an order, which the caller may modify.
func (c *Cache) Get(ctx context.Context, key client.ObjectKey, out client.Object, options ...client.GetOption) error {
	into, ok := out.(*v1alpha1.Order)
	if !ok {
		return c.Cache.Get(ctx, key, out, options...)
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	if err := c.checkNamespace(key.Namespace); err != nil {
		return err
	}
	encoded := c.store.get(key)
	if encoded == nil {
		return apierrors.NewNotFound(schema.GroupResource{Group: kind.Group, Resource: resource}, key.Name)
	}
	o, err := encoded.decode()
	if err != nil {
		return err
	}
	*into = *o
	return nil
}

// IndexField adds an index of orders, or of another kind. It must be called before the cache starts.
func (c *Cache) IndexField(ctx context.Context, o client.Object, field string, values client.IndexerFunc) error {
	if _, ok := o.(*v1alpha1.Order); !ok {
		return c.Cache.IndexField(ctx, o, field, values)
	}
	// Without the CRD at the API server, fail now: the cache would never be filled.
	if _, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version); err != nil {
		return err
	}
	if c.started.Load() {
		return errStarted // orders that are encoded already would be missing in the index
	}
	return c.store.addIndex(field, values)
}

// CountBy sets the function that computes the state by which Counts counts orders. It must be called before the cache
// starts.
func (c *Cache) CountBy(state func(*v1alpha1.Order) State) error {
	if c.started.Load() {
		return errStarted
	}
	c.store.state = state
	return nil
}

// Counts returns the number of orders of each state. It returns false until the cache has all orders.
func (c *Cache) Counts() (map[State]int, bool) {
	select {
	case <-c.filled:
		return c.store.countStates(), true
	default:
		return nil, false
	}
}

// GetInformer returns the informer of another kind. An informer of orders would keep all orders a second time.
func (c *Cache) GetInformer(ctx context.Context, o client.Object, options ...cache.InformerGetOption) (cache.Informer, error) {
	if _, ok := o.(*v1alpha1.Order); ok {
		return nil, errors.New("orders have no informer: use Keys or Changes")
	}
	return c.Cache.GetInformer(ctx, o, options...)
}
