// Package ordercache_test compares the cache of orders with controller-runtime's own cache, and both with the API server,
// which restarts and crashes.
package ordercache_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/ordercache"
	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/cluster"
)

var (
	shared *cluster.Cluster
	api    client.Client
	scheme *runtime.Scheme
)

// namespaces are the namespaces of the orders. The narrow cache watches two of them.
var namespaces = []string{"north", "south", "west"}

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	klog.SetLogger(logr.Discard())
	utilruntime.ErrorHandlers = nil // the test stops the API server
	// Without the flag an API server that stops waits a minute for its watches.
	options := cluster.Options{APIServerFlags: []string{"--shutdown-watch-termination-grace-period=1s"}}
	goleak.VerifyTestMain(cluster.Around(m, options, func(ctx context.Context, c *cluster.Cluster) (err error) {
		shared = c
		if err := c.InstallCRDs(ctx, cluster.CRDs); err != nil {
			return err
		}
		if scheme, err = setup.Scheme(); err != nil {
			return err
		}
		if api, err = client.New(config(), client.Options{Scheme: scheme}); err != nil {
			return err
		}
		var errs []error
		for _, name := range namespaces {
			errs = append(errs, api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
		}
		return errors.Join(errs...)
	}))
}

// config has no limit on the rate of requests.
func config() *rest.Config {
	c := shared.Config()
	c.QPS = -1
	return c
}

// patience is how long a test waits. After an outage, client-go may pause for half a minute.
const patience = 2 * time.Minute

func eventually(t *testing.T, what string, is func() (bool, string)) {
	t.Helper()
	missing := ""
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, patience, true, func(context.Context) (done bool, _ error) {
		done, missing = is()
		return done, nil
	})
	if err != nil {
		t.Fatalf("%s: not within %s: %s", what, patience, missing)
	}
}

// subject is a cache, with sources that started at different times.
type subject struct {
	cache.Cache
	name    string
	watches []string

	mu      sync.Mutex
	sources []*orderSource
}

// open makes a cache, and runs it until the test ends.
func open(t *testing.T, name string, by cache.NewCacheFunc, watches ...string) *subject {
	t.Helper()
	at := config()
	transport, err := rest.HTTPClientFor(at)
	check.Must(t, err)
	mapper, err := apiutil.NewDynamicRESTMapper(at, transport)
	check.Must(t, err)
	options := cache.Options{
		Scheme: scheme, Mapper: mapper, HTTPClient: transport, DefaultTransform: ordercache.StripMetadata,
		ReaderFailOnMissingInformer: true, DefaultNamespaces: map[string]cache.Config{},
	}
	for _, namespace := range watches {
		options.DefaultNamespaces[namespace] = cache.Config{}
	}
	made, err := by(at, options)
	check.Must(t, err)
	check.Must(t, ledger.Index(t.Context(), made))
	s := &subject{Cache: made, name: name, watches: watches}
	s.addSource(t)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		check.NoError(t, made.Start(ctx))
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
		transport.CloseIdleConnections()
	})
	return s
}

// addSource starts the sources of a controller, if the cache has any.
func (s *subject) addSource(t *testing.T) {
	t.Helper()
	c, err := ordercache.From(s.Cache)
	if err != nil {
		return // controller-runtime's own
	}
	o := &orderSource{keys: map[types.NamespacedName]bool{}, orders: map[types.NamespacedName]*v1alpha1.Order{}}
	check.Must(t, errors.Join(c.Changes(o.changed).Start(t.Context(), o), c.Keys().Start(t.Context(), o)))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sources = append(s.sources, o)
}

// orderSource is the queue of a controller. It knows the keys that it received, and the orders by their changes alone.
type orderSource struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]

	mu     sync.Mutex
	keys   map[types.NamespacedName]bool
	orders map[types.NamespacedName]*v1alpha1.Order
	// problems are changes from a state that an order did not have.
	problems []string
}

// Add receives a key.
func (o *orderSource) Add(request reconcile.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keys[request.NamespacedName] = true
}

func (o *orderSource) changed(_ context.Context, c ordercache.Change) []reconcile.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := client.ObjectKeyFromObject(c.Order())
	known, is := o.orders[key]
	if is && (known == nil) != (c.Old == nil) || known != nil && !equality.Semantic.DeepEqual(known, c.Old) {
		o.problems = append(o.problems, fmt.Sprintf("%s changed from an unknown state", key))
	}
	o.orders[key] = c.New // nil: deleted
	return nil
}

// knows reports whether the source has all keys, and the last state of each order that changed.
func (o *orderSource) knows(want map[types.NamespacedName]*v1alpha1.Order) (bool, string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key := range want {
		if !o.keys[key] {
			return false, fmt.Sprintf("the key %s is missing", key)
		}
	}
	for key, known := range o.orders {
		switch is := want[key]; {
		case known == nil && is == nil:
		case known == nil || is == nil || !equality.Semantic.DeepEqual(known, is):
			return false, fmt.Sprintf("%s: %s", key, cmp.Diff(is, known))
		}
	}
	return true, ""
}

// transient reports whether a request may be tried again.
func transient(err error) bool {
	var status interface{ Status() metav1.Status }
	return !errors.As(err, &status) || status.Status().Code >= http.StatusInternalServerError || status.Status().Code == http.StatusTooManyRequests
}
