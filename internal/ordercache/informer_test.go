package ordercache

import (
	"context"
	"errors"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

func TestIndexField(t *testing.T) {
	a := startAPI(t)
	a.put(paidOrder(1))
	c := a.newCache()
	byProduct := func(o client.Object) []string { return []string{o.(*v1alpha1.Order).Spec.ProductID} }
	if err := c.IndexField(t.Context(), &v1alpha1.Order{}, "product", byProduct); err != nil {
		t.Error(err)
	}
	if err := c.IndexField(t.Context(), &v1alpha1.Order{}, "product", byProduct); err == nil {
		t.Error("a second index of one name is taken")
	}
	start(t, c)
	filled(t, c)
	if err := c.IndexField(t.Context(), &v1alpha1.Order{}, "late", byProduct); err == nil {
		t.Error("an index is taken that the orders are not in")
	}
	var list v1alpha1.OrderList
	if err := c.List(t.Context(), &list, client.MatchingFields{"product": "lifetime"}); err != nil || len(list.Items) != 1 {
		t.Errorf("%v: found %d by their product", err, len(list.Items))
	}
	if err := c.List(t.Context(), &list, client.MatchingFields{"late": "lifetime"}); err == nil {
		t.Error("an index is asked that does not exist")
	}
	c = a.newCache()
	c.mapper = meta.NewDefaultRESTMapper(nil)
	var noKind *meta.NoKindMatchError
	if err := c.IndexField(t.Context(), &v1alpha1.Order{}, "product", byProduct); !errors.As(err, &noKind) {
		t.Errorf("a cluster without orders: %v", err)
	}
}

// TestHandlersComeAndGo: they are told of what was there when they came, and of nothing when they are gone.
func TestHandlersComeAndGo(t *testing.T) {
	a, c, e := running(t, ways["streamed"])
	late, gone := newEar(), newEar()
	listen(t, c, late)
	r := listen(t, c, gone)
	closed(t, "the handler that will go knows all", r.HasSyncedChecker().Done())
	informer, err := c.GetInformer(t.Context(), &v1alpha1.Order{})
	if err != nil || !informer.HasSynced() || informer.IsStopped() {
		t.Fatalf("an informer of a running cache: %v", err)
	}
	for range 2 { // again is no harm
		if err := informer.RemoveEventHandler(r); err != nil {
			t.Error(err)
		}
	}
	if err := informer.RemoveEventHandler(nil); err == nil {
		t.Error("what is no registration is removed")
	}
	before := gone.log()
	a.put(paidOrder(20))
	a.agree(c, e, late)
	if after := gone.log(); len(after) != len(before) {
		t.Errorf("a handler that is gone is told %q", after[len(before):])
	}
	if late.initial != 10 {
		t.Errorf("%d of 10 orders are told as having been there", late.initial)
	}
	if err := informer.AddIndexers(nil); err == nil {
		t.Error("indexers are taken")
	}
	if err := c.RemoveInformer(t.Context(), &v1alpha1.Order{}); err == nil {
		t.Error("the informer is removed")
	}
}

// TestAHandlerMayDoAsItLikes: read, come with another one, and go, while it is told.
func TestAHandlerMayDoAsItLikes(t *testing.T) {
	a := startAPI(t)
	a.put(paidOrder(1))
	c := a.newCache("shop", "mall")
	busy := &busyEar{ear: newEar(), T: t, c: c, done: make(chan struct{})}
	var err error
	if busy.informer, err = c.GetInformer(t.Context(), &v1alpha1.Order{}); err != nil {
		t.Fatal(err)
	}
	if busy.me, err = busy.informer.AddEventHandler(busy); err != nil {
		t.Fatal(err)
	}
	start(t, c)
	closed(t, "the handler has done all", busy.done)
	closed(t, "the other one knows all", busy.other.HasSyncedChecker().Done())
}

type busyEar struct {
	*ear
	*testing.T
	c         *Cache
	informer  cache.Informer
	me, other toolscache.ResourceEventHandlerRegistration
	done      chan struct{}
}

func (b *busyEar) OnAdd(o any, initial bool) {
	b.ear.OnAdd(o, initial)
	var err error
	if err = b.c.Get(b.Context(), shopOrder, &v1alpha1.Order{}); err != nil {
		b.Error(err)
	}
	if b.other, err = b.informer.AddEventHandler(newEar()); err != nil {
		b.Error(err)
	}
	if err := b.informer.RemoveEventHandler(b.me); err != nil {
		b.Error(err)
	}
	close(b.done)
}

// TestAHandlerThatGoesIsToldNoMore, of all that was still to be told.
func TestAHandlerThatGoesIsToldNoMore(t *testing.T) {
	s := indexed(t, newShelf())
	gone, r := newEar(), &registration{}
	first := &usher{ear: newEar(), show: func() { s.audience.leave(r) }}
	s.join(first)
	r = s.join(gone)
	for n := range 5 {
		p, err := s.pack(paidOrder(n))
		if err != nil {
			t.Fatal(err)
		}
		s.set(p)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	s.audience.allThere()
	running.Go(func() { s.audience.run(ctx) })
	closed(t, "the last handler knows all", s.join(newEar()).Done())
	if told := gone.log(); len(told) > 0 || len(first.log()) != 5 {
		t.Errorf("told after it was gone: %q", told)
	}
}

// usher does something when it is told of an order.
type usher struct {
	*ear
	show func()
}

func (u *usher) OnAdd(o any, initial bool) {
	u.show()
	u.ear.OnAdd(o, initial)
}
