package ordercache

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

// optionsFor returns the options with which a manager calls New.
func optionsFor(t testing.TB, namespaces ...string) cache.Options {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper(scheme.PrioritizedVersionsAllGroups())
	mapper.Add(kind, meta.RESTScopeNamespace)
	mapper.Add(v1alpha1.GroupVersion.WithKind("PaymentLink"), meta.RESTScopeNamespace)
	mapper.Add(v1alpha1.GroupVersion.WithKind("StripeEvent"), meta.RESTScopeNamespace)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	o := cache.Options{
		Scheme: scheme, Mapper: mapper, HTTPClient: &http.Client{Transport: transport},
		ReaderFailOnMissingInformer: true, DefaultNamespaces: map[string]cache.Config{},
	}
	for _, namespace := range namespaces {
		o.DefaultNamespaces[namespace] = cache.Config{}
	}
	return o
}

// newCache makes a cache that does not wait between attempts to list and watch.
func (a *api) newCache(namespaces ...string) *Cache {
	a.Helper()
	made, err := New(&rest.Config{Host: a.url, QPS: -1}, optionsFor(a.T, namespaces...))
	if err != nil {
		a.Fatal(err)
	}
	c := made.(*Cache)
	c.backoff = &wait.Backoff{Duration: time.Millisecond}
	if err := ledger.Index(a.Context(), onlyOrders{c}); err != nil {
		a.Fatal(err)
	}
	return c
}

// start runs a cache until the test ends, or the returned function is called.
func start(t testing.TB, c *Cache) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Start(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

// filled waits until the cache has all objects.
func filled(t testing.TB, c *Cache) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if !c.WaitForCacheSync(ctx) {
		t.Fatal("the cache was not filled")
	}
}

// agree waits until the cache, and the recorders, have the orders of the API server.
func (a *api) agree(c *Cache, recorders ...*recorder) {
	a.Helper()
	exist := a.existing()
	eventually(a, "the cache has the orders of the API server", func() bool { return has(c, exist) })
	for _, r := range recorders {
		_ = wait.PollUntilContextTimeout(a.Context(), interval, patience, true, func(context.Context) (bool, error) {
			return len(r.differences(exist)) == 0, nil // otherwise check says why
		})
		r.check(a, exist)
	}
}

// has reports whether the cache has the orders in their current versions, and no others.
func has(c *Cache, orders map[types.NamespacedName]*v1alpha1.Order) bool {
	for key, o := range orders {
		if e := c.store.get(key); e == nil || e.GetResourceVersion() != o.ResourceVersion {
			return false
		}
	}
	return len(c.store.list("")) == len(orders)
}

// running starts an API server with orders, and a cache of them with a subscriber.
func running(t *testing.T, set func(*api)) (*api, *Cache, *recorder) {
	t.Helper()
	a := startAPI(t)
	a.do(func() { set(a) })
	for n := range 10 {
		a.put(paidOrder(n))
	}
	c, r := a.newCache(), newRecorder()
	c.store.subscribe(r)
	start(t, c)
	filled(t, c)
	a.agree(c, r)
	return a, c, r
}

// ways are the ways in which a cache is filled.
var ways = map[string]func(*api){
	"streamed": func(*api) {},
	"listed":   func(a *api) { a.noStreams = true },
	"in pages": func(a *api) { a.noStreams, a.page = true, 3 },
}

// onlyOrders registers the indices of orders alone, as the API server of these tests has no other kind.
type onlyOrders struct{ *Cache }

func (c onlyOrders) IndexField(ctx context.Context, o client.Object, field string, values client.IndexerFunc) error {
	if _, is := o.(*v1alpha1.Order); !is {
		return nil
	}
	return c.Cache.IndexField(ctx, o, field, values)
}
