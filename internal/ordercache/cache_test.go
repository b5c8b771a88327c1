package ordercache

import (
	"context"
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

func TestNothingIsReadBeforeTheStart(t *testing.T) {
	c := startAPI(t).newCache()
	var notStarted *cache.ErrCacheNotStarted
	for what, err := range map[string]error{
		"get":  c.Get(t.Context(), shopOrder, &v1alpha1.Order{}),
		"list": c.List(t.Context(), &v1alpha1.OrderList{}),
		"name": c.List(t.Context(), namesOf()),
		"each": Each(t.Context(), c, func(*v1alpha1.Order) error { return nil }),
	} {
		if !errors.As(err, &notStarted) {
			t.Errorf("%s: %v", what, err)
		}
	}
	informer, err := c.GetInformer(t.Context(), &v1alpha1.Order{})
	if err != nil || informer.HasSynced() || informer.IsStopped() {
		t.Errorf("an informer before the start: %v", err)
	}
	soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if c.WaitForCacheSync(soon) {
		t.Error("the cache is filled before it is started")
	}
}

// TestAllWaitWhileTheCacheIsBeingFilled, but for those who say that they do not, or who go.
func TestAllWaitWhileTheCacheIsBeingFilled(t *testing.T) {
	a := startAPI(t)
	a.put(paidOrder(1))
	release := a.hold()
	c, early := a.newCache(), newEar()
	before := listen(t, c, early)
	start(t, c)
	closed(t, "the cache starts", c.started)
	eventually(t, "the cache asks", func() bool { return len(a.queries()) > 0 })

	short, cancel := context.WithCancel(t.Context())
	results := make(chan error)
	reads := []func(context.Context) error{
		func(ctx context.Context) error { return c.Get(ctx, shopOrder, &v1alpha1.Order{}) },
		func(ctx context.Context) error { return c.List(ctx, &v1alpha1.OrderList{}) },
		func(ctx context.Context) error { _, err := c.GetInformer(ctx, &v1alpha1.Order{}); return err },
		func(ctx context.Context) error { _, err := c.GetInformerForKind(ctx, kind); return err },
	}
	for _, read := range reads {
		go func() { results <- read(short) }()
	}
	cancel()
	for range reads {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("whoever goes is told %v", err)
		}
	}
	for _, read := range reads {
		go func() { results <- read(t.Context()) }()
	}
	meanwhile := newEar()
	during := listen(t, c, meanwhile) // as it does not wait
	if before.HasSynced() || during.HasSynced() {
		t.Error("handlers know all before the cache does")
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
	closed(t, "the handler of before knows all", before.HasSyncedChecker().Done())
	closed(t, "the handler of meanwhile knows all", during.HasSyncedChecker().Done())
	a.agree(c, early, meanwhile)
	if early.initial != 1 || meanwhile.initial != 1 {
		t.Errorf("told as having been there: %d and %d", early.initial, meanwhile.initial)
	}
}

// TestACacheThatStopsLeavesNobodyWaiting, when it never came to be filled.
func TestACacheThatStopsLeavesNobodyWaiting(t *testing.T) {
	a := startAPI(t)
	defer a.hold()()
	c := a.newCache()
	r := listen(t, c, newEar())
	stop := start(t, c)
	closed(t, "the cache starts", c.started)
	results := make(chan error)
	go func() { results <- c.Get(context.WithoutCancel(t.Context()), shopOrder, &v1alpha1.Order{}) }()
	go func() {
		if c.WaitForCacheSync(context.WithoutCancel(t.Context())) {
			results <- nil
		} else {
			results <- errStopped
		}
	}()
	stop()
	for range 2 {
		if err := <-results; !errors.Is(err, errStopped) {
			t.Errorf("whoever waited is told %v", err)
		}
	}
	informer, err := c.GetInformer(t.Context(), &v1alpha1.Order{}, cache.BlockUntilSynced(false))
	if err != nil || !informer.IsStopped() || informer.HasSynced() || r.HasSynced() {
		t.Errorf("%v: it is not stopped", err)
	}
	if _, err := informer.AddEventHandler(newEar()); !errors.Is(err, errStopped) {
		t.Errorf("a handler that would never be told: %v", err)
	}
	if err := c.Start(t.Context()); err == nil {
		t.Error("it starts again")
	}
}

// TestAStartThatIsCalledOff ends, at whatever point.
func TestAStartThatIsCalledOff(t *testing.T) {
	a := startAPI(t)
	for n := range 30 {
		a.put(paidOrder(n))
	}
	for n := range 30 {
		c := a.newCache()
		listen(t, c, newEar())
		ctx, cancel := context.WithCancel(t.Context())
		asked := len(a.queries())
		go func() {
			if n%3 > 0 {
				_ = wait.PollUntilContextCancel(ctx, time.Millisecond/4, true, func(context.Context) (bool, error) {
					return n%3 == 1 && len(a.queries()) > asked || len(c.shelf.all("")) > 0, nil
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
	_, c, e := running(t, ways["streamed"])
	var o v1alpha1.Order
	if err := c.Get(t.Context(), shopOrder, &o); err != nil {
		t.Fatal(err)
	}
	if o.GroupVersionKind() != kind || o.ManagedFields != nil || o.Status.Payments[0].SessionID == "" {
		t.Errorf("got %+v", o)
	}
	// It is the caller's: nobody else sees what is done to it.
	o.Status.Payments[0].SessionID, o.Status.Conditions[0].Reason, o.Spec.PaymentLinkRef.Name = "x", "x", "x"
	again := v1alpha1.Order{Status: v1alpha1.OrderStatus{Phase: v1alpha1.OrderFailed, PaymentsDropped: true}}
	if err := c.Get(t.Context(), shopOrder, &again, client.UnsafeDisableDeepCopy); err != nil || !same(&again, e.orders[shopOrder]) {
		t.Errorf("%v: got %+v", err, again)
	}
	if err := c.Get(t.Context(), types.NamespacedName{Namespace: "shop", Name: "none"}, &o); !apierrors.IsNotFound(err) {
		t.Errorf("an order that is not there: %v", err)
	}
	var notCached *cache.ErrResourceNotCached
	if err := c.Get(t.Context(), shopOrder, &v1alpha1.PaymentLink{}); !errors.As(err, &notCached) {
		t.Errorf("another kind: %v", err)
	}
}

func TestOptionsThatWouldBeIgnored(t *testing.T) {
	for name, change := range map[string]func(*cache.Options){
		"options of orders": func(o *cache.Options) {
			o.ByObject = map[client.Object]cache.ByObject{&v1alpha1.Order{}: {}}
		},
		"labels": func(o *cache.Options) { o.DefaultLabelSelector = labels.Everything() },
		"fields": func(o *cache.Options) { o.DefaultFieldSelector = fields.Everything() },
		"labels in a namespace": func(o *cache.Options) {
			o.DefaultNamespaces["a"] = cache.Config{LabelSelector: labels.Everything()}
		},
		"no scheme": func(o *cache.Options) { o.Scheme = nil },
		"no mapper": func(o *cache.Options) { o.Mapper = nil },
	} {
		o := optionsFor(t)
		change(&o)
		if _, err := New(&rest.Config{Host: "http://127.0.0.1:1"}, o); err == nil {
			t.Errorf("%s: are ignored in silence", name)
		}
	}
	o := optionsFor(t, "", "a")
	period := time.Hour
	o.SyncPeriod = &period
	made, err := New(&rest.Config{Host: "http://127.0.0.1:1"}, o)
	if err != nil {
		t.Fatal(err)
	}
	if c := made.(*Cache); len(c.feeds) != 1 || c.feeds[""] == nil || c.resync != time.Hour {
		t.Errorf("of all namespaces and one: %d feeds, told again after %s", len(c.feeds), c.resync)
	}
}

// TestWhatEndsTheOtherCacheEndsThisOne, so that the manager comes to know of it.
func TestWhatEndsTheOtherCacheEndsThisOne(t *testing.T) {
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
