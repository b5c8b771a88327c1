package ordercache

import (
	"context"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// fakeQueue notes the requests of a source, with their priority.
type fakeQueue struct {
	priorityqueue.PriorityQueue[reconcile.Request]
	now, later []string
}

func (q *fakeQueue) Add(request reconcile.Request) { q.now = append(q.now, request.String()) }

func (q *fakeQueue) AddWithOpts(o priorityqueue.AddOpts, requests ...reconcile.Request) {
	for _, request := range requests {
		if o.Priority == nil || *o.Priority != handler.LowPriority {
			q.Add(request)
		} else {
			q.later = append(q.later, request.String())
		}
	}
}

// take returns the requests since the last call, sorted.
func (q *fakeQueue) take() (now, later []string) {
	now, later = q.now, q.later
	q.now, q.later = nil, nil
	slices.Sort(now)
	slices.Sort(later)
	return now, later
}

// namesOfChange enqueues a name that describes the change.
func namesOfChange(_ context.Context, c Change) []reconcile.Request {
	var request reconcile.Request
	request.Name = c.Order().Name
	switch {
	case c.Old == nil:
		request.Namespace = "created"
	case c.New == nil:
		request.Namespace = "deleted"
	default:
		request.Namespace = "updated-from-" + string(c.Old.Status.Phase)
	}
	return []reconcile.Request{request}
}

func named(name string, phase v1alpha1.OrderPhase, uid string) *v1alpha1.Order {
	o := paidOrder(1)
	o.Namespace, o.Name, o.Status.Phase, o.UID = "shop", name, phase, types.UID(uid)
	return o
}

func TestSources(t *testing.T) {
	s := indexed(t, newStore())
	c := cacheOf(s)
	put := func(orders ...*v1alpha1.Order) (list []*encodedOrder) {
		for _, o := range orders {
			list = append(list, s.mustEncode(t, o))
		}
		return list
	}
	a, b := named("a", "Pending", "1"), named("b", "Pending", "1")
	for _, e := range put(a, b) {
		s.set(e)
	}
	keys, changes := &fakeQueue{}, &fakeQueue{}
	ctx, stop := context.WithCancel(t.Context())
	for _, start := range []struct {
		source.SyncingSource
		queue *fakeQueue
	}{{c.Keys(), keys}, {c.Changes(namesOfChange), changes}} {
		if err := start.Start(ctx, start.queue); err != nil {
			t.Fatal(err)
		}
		if err := start.WaitForSync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	paid, elsewhere := named("a", "Paid", "1"), named("e", "Pending", "1")
	elsewhere.Namespace = "mall"
	for _, step := range []struct {
		name                 string
		do                   func()
		now, later, requests []string
	}{
		{"the start", func() {}, nil, []string{"shop/a", "shop/b"}, nil},
		{"an update", func() { s.set(put(paid)[0]) }, []string{"shop/a"}, nil, []string{"updated-from-Pending/a"}},
		{"the same again", func() { s.set(put(paid)[0]) }, nil, nil, nil},
		{"a resync", func() { s.resync("") }, nil, []string{"shop/a", "shop/b"}, nil},
		{"a resync of another namespace", func() { s.resync("mall") }, nil, nil, nil},
		{"a creation", func() { s.set(put(named("c", "Pending", "1"))[0]) }, []string{"shop/c"}, nil, []string{"created/c"}},
		{"another order of the same name", func() { s.set(put(named("c", "Pending", "2"))[0]) }, []string{"shop/c"}, nil, []string{"created/c", "deleted/c"}},
		{"a deletion", func() { s.remove(put(b)[0].key()) }, []string{"shop/b"}, nil, []string{"deleted/b"}},
		{"a deletion of nothing", func() { s.remove(put(b)[0].key()) }, nil, nil, nil},
		{
			"a relist", func() { s.reset("", put(paid, named("d", "Pending", "1")), false) },
			[]string{"shop/c", "shop/d"}, nil, []string{"created/d", "deleted/c"},
		},
		{"the first list of a namespace", func() { s.reset("mall", put(elsewhere), true) }, nil, []string{"mall/e"}, nil},
	} {
		step.do()
		now, later := keys.take()
		requests, none := changes.take()
		if !slices.Equal(now, step.now) || !slices.Equal(later, step.later) || !slices.Equal(requests, step.requests) || len(none) > 0 {
			t.Errorf("%s: got keys %q, %q later, and requests %q; want %q, %q, %q", step.name, now, later, requests, step.now, step.later, step.requests)
		}
	}
	stop()
	eventually(t, "the sources end", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.subscribers) == 0
	})
}

// TestQueueWithoutPriorities: a controller may have a queue without priorities.
func TestQueueWithoutPriorities(t *testing.T) {
	s := indexed(t, newStore())
	s.set(s.mustEncode(t, paidOrder(1)))
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	defer q.ShutDown()
	if err := cacheOf(s).Keys().Start(t.Context(), q); err != nil || q.Len() != 1 {
		t.Errorf("got %d keys, %v, want 1", q.Len(), err)
	}
}

// TestKeysDecodeNothing: neither a start, a resync, a relist nor a count decodes an order. The orders of this test cannot be
// decoded.
func TestKeysDecodeNothing(t *testing.T) {
	s := newStore()
	broken := func(name, version string) *encodedOrder {
		e := newBookmark(version, nil)
		e.namespace, e.name = "shop", name
		if _, err := e.decode(); err == nil {
			t.Fatal("an order that cannot be decoded is decoded")
		}
		return e
	}
	s.reset("", []*encodedOrder{broken("a", "1"), broken("b", "2")}, true)
	c, q := cacheOf(s), &fakeQueue{}
	if err := c.Keys().Start(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	s.resync("")
	s.reset("", []*encodedOrder{broken("a", "1"), broken("b", "3")}, false)
	now, later := q.take()
	if want := []string{"shop/b"}; !slices.Equal(now, want) || len(later) != 4 {
		t.Errorf("got %q and later %q, want %q and each key twice", now, later, want)
	}
	if counts, ok := c.Counts(); !ok || counts[0] != 2 {
		t.Errorf("counts: got %v, %t, want 2 of state 0", counts, ok)
	}
}

// TestSubscriberReadsCache: the requests of a change may read the cache, and start another source.
func TestSubscriberReadsCache(t *testing.T) {
	s := indexed(t, newStore())
	c, second := cacheOf(s), &fakeQueue{}
	read := func(ctx context.Context, change Change) []reconcile.Request {
		if err := c.Get(ctx, shopOrder, &v1alpha1.Order{}); err != nil {
			t.Error(err)
		}
		if err := c.Keys().Start(ctx, second); err != nil {
			t.Error(err)
		}
		return nil
	}
	if err := c.Changes(read).Start(t.Context(), &fakeQueue{}); err != nil {
		t.Fatal(err)
	}
	s.set(s.mustEncode(t, paidOrder(1)))
	if now, later := second.take(); len(now) != 0 || len(later) != 1 {
		t.Errorf("the second source: got %q and %q, want the order later", now, later)
	}
}
