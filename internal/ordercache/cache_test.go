package ordercache

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

var shopOrder = types.NamespacedName{Namespace: "shop", Name: paidOrder(1).Name}

func TestReadBeforeStart(t *testing.T) {
	c := startAPI(t).newCache()
	var notStarted *cache.ErrCacheNotStarted
	for name, err := range map[string]error{
		"get":   c.Get(t.Context(), shopOrder, &v1alpha1.Order{}),
		"list":  c.List(t.Context(), &v1alpha1.OrderList{}),
		"names": c.List(t.Context(), namesOf()),
		"each":  Each(t.Context(), c, func(*v1alpha1.Order) error { return nil }),
	} {
		if !errors.As(err, &notStarted) {
			t.Errorf("%s: got %v, want ErrCacheNotStarted", name, err)
		}
	}
	soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if c.WaitForCacheSync(soon) {
		t.Error("the cache is filled before it is started")
	}
}

// TestReadWhileFilling: a read waits until the cache has all orders, or until its context ends.
func TestReadWhileFilling(t *testing.T) {
	a := startAPI(t)
	a.put(paidOrder(1))
	release := a.hold()
	c, r := a.newCache(), newRecorder()
	keys := &fakeQueue{}
	if err := c.Keys().Start(t.Context(), keys); err != nil { // a source may start before the cache
		t.Fatal(err)
	}
	c.store.subscribe(r)
	start(t, c)
	eventually(t, "the cache starts", c.started.Load)
	eventually(t, "the cache sends a request", func() bool { return len(a.queries()) > 0 })

	short, cancel := context.WithCancel(t.Context())
	results := make(chan error)
	reads := []func(context.Context) error{
		func(ctx context.Context) error { return c.Get(ctx, shopOrder, &v1alpha1.Order{}) },
		func(ctx context.Context) error { return c.List(ctx, &v1alpha1.OrderList{}) },
		func(ctx context.Context) error { return c.Keys().WaitForSync(ctx) },
		func(ctx context.Context) error { return c.Changes(namesOfChange).WaitForSync(ctx) },
	}
	for _, read := range reads {
		go func() { results <- read(short) }()
	}
	cancel()
	for range reads {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	}
	for _, read := range reads {
		go func() { results <- read(t.Context()) }()
	}
	select {
	case err := <-results:
		t.Errorf("a read does not wait: %v", err)
	default:
	}
	release()
	for range reads {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	a.agree(c, r)
	if r.initial != 1 {
		t.Errorf("first list: got %d orders, want 1", r.initial)
	}
	if now, later := keys.take(); len(now) > 0 || !slices.Equal(later, []string{shopOrder.String()}) {
		t.Errorf("got keys %q and later %q, want the order later", now, later)
	}
}

// TestStopBeforeFilled: a cache that stops before it has all orders ends the reads that wait for it.
func TestStopBeforeFilled(t *testing.T) {
	a := startAPI(t)
	defer a.hold()()
	c := a.newCache()
	stop := start(t, c)
	eventually(t, "the cache starts", c.started.Load)
	ctx := context.WithoutCancel(t.Context())
	reads := []func() error{
		func() error { return c.Get(ctx, shopOrder, &v1alpha1.Order{}) },
		func() error { return c.Keys().WaitForSync(ctx) },
		func() error {
			if c.WaitForCacheSync(ctx) {
				return nil
			}
			return errStopped
		},
	}
	results := make(chan error)
	for _, read := range reads {
		go func() { results <- read() }()
	}
	stop()
	for range reads {
		if err := <-results; !errors.Is(err, errStopped) {
			t.Errorf("got %v, want %v", err, errStopped)
		}
	}
	if _, ok := c.Counts(); ok {
		t.Error("a cache without orders counts them")
	}
	if err := c.Start(t.Context()); err == nil {
		t.Error("it starts again")
	}
}

// TestStopAtAnyTime: Start returns when its context ends before, while or after the cache is filled.
func TestStopAtAnyTime(t *testing.T) {
	a := startAPI(t)
	for n := range 30 {
		a.put(paidOrder(n))
	}
	for n := range 30 {
		c := a.newCache()
		c.store.subscribe(newRecorder())
		ctx, cancel := context.WithCancel(t.Context())
		asked := len(a.queries())
		go func() {
			if n%3 > 0 {
				_ = wait.PollUntilContextCancel(ctx, time.Millisecond/4, true, func(context.Context) (bool, error) {
					return n%3 == 1 && len(a.queries()) > asked || len(c.store.list("")) > 0, nil
				})
			}
			cancel()
		}()
		if err := c.Start(ctx); err != nil {
			t.Error(err)
		}
	}
}

func TestGet(t *testing.T) {
	_, c, r := running(t, ways["streamed"])
	var o v1alpha1.Order
	if err := c.Get(t.Context(), shopOrder, &o); err != nil {
		t.Fatal(err)
	}
	if o.GroupVersionKind() != kind || o.ManagedFields != nil || o.Status.Payments[0].SessionID == "" {
		t.Errorf("got %+v", o)
	}
	// The caller may modify the order, and no other reader sees it.
	o.Status.Payments[0].SessionID, o.Status.Conditions[0].Reason, o.Spec.PaymentLinkRef.Name = "x", "x", "x"
	again := v1alpha1.Order{Status: v1alpha1.OrderStatus{Phase: v1alpha1.OrderFailed, PaymentsDropped: true}}
	if err := c.Get(t.Context(), shopOrder, &again, client.UnsafeDisableDeepCopy); err != nil || !same(&again, r.orders[shopOrder]) {
		t.Errorf("%v: got %+v", err, again)
	}
	if err := c.Get(t.Context(), types.NamespacedName{Namespace: "shop", Name: "none"}, &o); !apierrors.IsNotFound(err) {
		t.Errorf("an order that does not exist: got %v, want NotFound", err)
	}
	var notCached *cache.ErrResourceNotCached
	if err := c.Get(t.Context(), shopOrder, &v1alpha1.PaymentLink{}); !errors.As(err, &notCached) {
		t.Errorf("another kind: got %v, want ErrResourceNotCached", err)
	}
}

func TestOptions(t *testing.T) {
	for name, change := range map[string]func(*cache.Options){
		"options of orders": func(o *cache.Options) {
			o.ByObject = map[client.Object]cache.ByObject{&v1alpha1.Order{}: {}}
		},
		"labels": func(o *cache.Options) { o.DefaultLabelSelector = labels.Everything() },
		"fields": func(o *cache.Options) { o.DefaultFieldSelector = fields.Everything() },
		"labels in a namespace": func(o *cache.Options) {
			o.DefaultNamespaces["a"] = cache.Config{LabelSelector: labels.Everything()}
		},
	} {
		o := optionsFor(t)
		change(&o)
		if _, err := New(&rest.Config{Host: "http://127.0.0.1:1"}, o); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	o := optionsFor(t, "", "a")
	period := time.Hour
	o.SyncPeriod = &period
	made, err := New(&rest.Config{Host: "http://127.0.0.1:1"}, o)
	if err != nil {
		t.Fatal(err)
	}
	if c := made.(*Cache); len(c.sources) != 1 || c.sources[""] == nil || c.resync != time.Hour {
		t.Errorf("all namespaces and one: got %d reflectors and a resync after %s, want 1 and 1h", len(c.sources), c.resync)
	}
}

func TestIndexField(t *testing.T) {
	a := startAPI(t)
	a.put(paidOrder(1))
	c := a.newCache()
	byProduct := func(o client.Object) []string { return []string{o.(*v1alpha1.Order).Spec.ProductID} }
	if err := c.IndexField(t.Context(), &v1alpha1.Order{}, "product", byProduct); err != nil {
		t.Error(err)
	}
	if err := c.IndexField(t.Context(), &v1alpha1.Order{}, "product", byProduct); err == nil {
		t.Error("a second index of the same name: got no error")
	}
	start(t, c)
	filled(t, c)
	if err := c.IndexField(t.Context(), &v1alpha1.Order{}, "late", byProduct); err == nil {
		t.Error("an index after the start: got no error")
	}
	if err := c.CountBy(phaseState); err == nil {
		t.Error("a count after the start: got no error")
	}
	var list v1alpha1.OrderList
	if err := c.List(t.Context(), &list, client.MatchingFields{"product": "lifetime"}); err != nil || len(list.Items) != 1 {
		t.Errorf("orders by product: got %d, %v, want 1", len(list.Items), err)
	}
	if err := c.List(t.Context(), &list, client.MatchingFields{"late": "lifetime"}); err == nil {
		t.Error("an index that does not exist: got no error")
	}
	c = a.newCache()
	c.mapper = meta.NewDefaultRESTMapper(nil)
	var noKind *meta.NoKindMatchError
	if err := c.IndexField(t.Context(), &v1alpha1.Order{}, "product", byProduct); !errors.As(err, &noKind) {
		t.Errorf("a cluster without the CRD: got %v, want NoKindMatchError", err)
	}
}

// TestInformersOfOrders: an informer would keep all orders a second time.
func TestInformersOfOrders(t *testing.T) {
	c := startAPI(t).newCache()
	if _, err := c.GetInformer(t.Context(), &v1alpha1.Order{}); err == nil {
		t.Error("an informer of orders: got no error")
	}
	if got, err := From(c); got != c || err != nil {
		t.Errorf("From: got %v, %v", got, err)
	}
	if _, err := From(broken{}); err == nil {
		t.Error("From another cache: got no error")
	}
}

// TestEmbeddedCacheFails: its error ends the cache, so that the manager ends too.
func TestEmbeddedCacheFails(t *testing.T) {
	c := startAPI(t).newCache()
	c.Cache = broken{c.Cache}
	failed := make(chan error)
	go func() { failed <- c.Start(t.Context()) }()
	select {
	case err := <-failed:
		if !errors.Is(err, errBroken) {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the cache runs on")
	}
}

var errBroken = errors.New("broken")

type broken struct{ cache.Cache }

func (broken) Start(context.Context) error { return errBroken }
