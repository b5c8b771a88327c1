// Package orders_test compares the servers' cache of orders with controller-runtime's own, and both with the API server,
// which does not always stay up.
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
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/test/cluster"
)

var (
	shared *cluster.Cluster
	api    client.Client
	scheme *runtime.Scheme
)

// namespaces of the orders. Of them, the narrow cache has two.
var namespaces = []string{"north", "south", "west"}

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	klog.SetLogger(logr.Discard())
	utilruntime.ErrorHandlers = nil // an API server that is away is what the test is about
	// An API server that stops tells its watches, or it would wait for them for a minute.
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

// config is that of whoever may ask as often as he likes.
func config() *rest.Config {
	c := shared.Config()
	c.QPS = -1
	return c
}

// patience is how long a test waits for what must happen. After an outage, client-go may pause for half a minute.
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

// subject is a cache, with handlers that came at different times.
type subject struct {
	cache.Cache
	name     string
	watches  []string
	careful  bool // its handlers are told exactly what changed
	informer cache.Informer
	mu       sync.Mutex
	ears     []*ear
}

// open makes a cache, and runs it until the test ends.
func open(t *testing.T, name string, by cache.NewCacheFunc, careful bool, watches ...string) *subject {
	t.Helper()
	at := config()
	transport, err := rest.HTTPClientFor(at)
	if err != nil {
		t.Fatal(err)
	}
	mapper, err := apiutil.NewDynamicRESTMapper(at, transport)
	if err != nil {
		t.Fatal(err)
	}
	options := cache.Options{
		Scheme: scheme, Mapper: mapper, HTTPClient: transport, DefaultTransform: cache.TransformStripManagedFields(),
		ReaderFailOnMissingInformer: true, DefaultNamespaces: map[string]cache.Config{},
	}
	for _, namespace := range watches {
		options.DefaultNamespaces[namespace] = cache.Config{}
	}
	made, err := by(at, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.Index(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	s := &subject{Cache: made, name: name, careful: careful, watches: watches}
	if s.informer, err = made.GetInformer(t.Context(), &v1alpha1.Order{}, cache.BlockUntilSynced(false)); err != nil {
		t.Fatal(err)
	}
	s.listen(t)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := made.Start(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
		transport.CloseIdleConnections()
	})
	return s
}

func (s *subject) listen(t *testing.T) {
	t.Helper()
	e := &ear{orders: map[types.NamespacedName]*v1alpha1.Order{}, careful: s.careful}
	registration, err := s.informer.AddEventHandler(e)
	if err != nil {
		t.Fatal(err)
	}
	e.registration = registration
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ears = append(s.ears, e)
}

// ear is a handler that knows the orders by nothing but what it is told.
type ear struct {
	registration toolscache.ResourceEventHandlerRegistration
	careful      bool

	mu         sync.Mutex
	orders     map[types.NamespacedName]*v1alpha1.Order
	complaints []string
}

func (e *ear) complain(key types.NamespacedName, what string) {
	if e.careful {
		e.complaints = append(e.complaints, fmt.Sprintf("%s %s", key, what))
	}
}

func (e *ear) OnAdd(o any, _ bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	order := o.(*v1alpha1.Order)
	key := client.ObjectKeyFromObject(order)
	if e.orders[key] != nil {
		e.complain(key, "came and was there")
	}
	e.orders[key] = order
}

func (e *ear) OnUpdate(was, is any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	order := is.(*v1alpha1.Order)
	key := client.ObjectKeyFromObject(order)
	if known := e.orders[key]; known == nil || known.UID != order.UID || !equality.Semantic.DeepEqual(known, was.(*v1alpha1.Order)) {
		e.complain(key, "changed from what it was not")
	}
	e.orders[key] = order
}

func (e *ear) OnDelete(o any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if unseen, is := o.(toolscache.DeletedFinalStateUnknown); is {
		o = unseen.Obj
	}
	order := o.(*v1alpha1.Order)
	key := client.ObjectKeyFromObject(order)
	if known := e.orders[key]; known == nil || !equality.Semantic.DeepEqual(known, order) {
		e.complain(key, "went and was not there so")
	}
	delete(e.orders, key)
}

// transient reports whether whoever asked may ask again.
func transient(err error) bool {
	var status interface{ Status() metav1.Status }
	return !errors.As(err, &status) || status.Status().Code >= http.StatusInternalServerError || status.Status().Code == http.StatusTooManyRequests
}
