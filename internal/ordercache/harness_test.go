package ordercache

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

// optionsFor are those that a manager would call New with.
func optionsFor(t testing.TB, namespaces ...string) cache.Options {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper(scheme.PrioritizedVersionsAllGroups())
	mapper.Add(kind, meta.RESTScopeNamespace)
	mapper.Add(v1alpha1.GroupVersion.WithKind("PaymentLink"), meta.RESTScopeNamespace)
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

// newCache makes a cache of the API server's orders that does not wait between its attempts.
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

// filled waits until the cache is.
func filled(t testing.TB, c *Cache) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if !c.WaitForCacheSync(ctx) {
		t.Fatal("the cache was not filled")
	}
}

// listen adds a handler.
func listen(t testing.TB, c *Cache, to toolscache.ResourceEventHandler) toolscache.ResourceEventHandlerRegistration {
	t.Helper()
	informer, err := c.GetInformer(t.Context(), &v1alpha1.Order{}, cache.BlockUntilSynced(false))
	if err != nil {
		t.Fatal(err)
	}
	registration, err := informer.AddEventHandler(to)
	if err != nil {
		t.Fatal(err)
	}
	return registration
}

// agree waits until the cache, and what its handlers were told, are what the API server has.
func (a *api) agree(c *Cache, ears ...*ear) {
	a.Helper()
	there := a.there()
	eventually(a, "the cache is what the API server has", func() bool {
		n := len(c.shelf.all(""))
		for key, o := range there {
			if p := c.shelf.get(key); p == nil || p.GetResourceVersion() != o.ResourceVersion {
				return false
			}
		}
		return n == len(there)
	})
	last := newEar()
	closed(a, "a handler knows all", listen(a, c, last).HasSyncedChecker().Done())
	for _, e := range append(ears, last) {
		e.check(a, there)
	}
}

// running starts an API server with orders, and a cache of them with a handler.
func running(t *testing.T, set func(*api)) (*api, *Cache, *ear) {
	t.Helper()
	a := startAPI(t)
	a.do(func() { set(a) })
	for n := range 10 {
		a.put(paidOrder(n))
	}
	c, e := a.newCache(), newEar()
	listen(t, c, e)
	start(t, c)
	filled(t, c)
	a.agree(c, e)
	return a, c, e
}

// ways are how a cache may be filled.
var ways = map[string]func(*api){
	"streamed": func(*api) {},
	"listed":   func(a *api) { a.noStreams = true },
	"in pages": func(a *api) { a.noStreams, a.page = true, 3 },
}

// onlyOrders registers indices of orders: the API server of these tests has nothing else.
type onlyOrders struct{ *Cache }

func (c onlyOrders) IndexField(ctx context.Context, o client.Object, field string, values client.IndexerFunc) error {
	if _, is := o.(*v1alpha1.Order); !is {
		return nil
	}
	return c.Cache.IndexField(ctx, o, field, values)
}
