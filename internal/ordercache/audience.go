package ordercache

import (
	"context"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/util/runtime"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// audience tells handlers what happens to orders, one after the other and in the order in which it happened. An order is
// unpacked once for all of them.
type audience struct {
	mu       sync.Mutex
	handlers []*registration // what is in it is never replaced: changes refer to it
	queue    []change
	more     chan struct{} // has a place for one
	synced   bool
	closed   bool
}

// change is what happened to an order: it came (no old), went (no new), or both.
type change struct {
	old, new *packed
	// to are those who listened when it happened. Who came later knows of it already.
	to []*registration
	// initial says that the order is one of those that there were at first.
	initial bool
	// unseen says that the order went while nobody watched: old may not be what it was in the end.
	unseen bool
	// arrived says, in place of any order, that they know of all orders that there were.
	arrived bool
}

// registration of a handler.
type registration struct {
	toolscache.ResourceEventHandler
	arrived chan struct{}
	left    atomic.Bool
}

// HasSynced reports whether the handler was told of all orders that there were.
func (r *registration) HasSynced() bool { return toolscache.IsDone(r) }

// HasSyncedChecker returns the same to wait for.
func (r *registration) HasSyncedChecker() toolscache.DoneChecker { return r }

// Name says what is waited for.
func (r *registration) Name() string { return "handler of orders" }

// Done is closed when HasSynced is true.
func (r *registration) Done() <-chan struct{} { return r.arrived }

// join adds a handler, which is told of the orders that are there first. It returns nil where nothing is told any more.
func (a *audience) join(handler toolscache.ResourceEventHandler, there []*packed) *registration {
	r := &registration{ResourceEventHandler: handler, arrived: make(chan struct{})}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.handlers = append(a.handlers, r)
	alone := []*registration{r}
	for _, p := range there {
		a.queue = append(a.queue, change{new: p, to: alone, initial: true})
	}
	if a.synced {
		a.queue = append(a.queue, change{to: alone, arrived: true})
	}
	a.wake()
	return r
}

// leave removes a handler. What it was not told yet it is not told any more.
func (a *audience) leave(r *registration) {
	r.left.Store(true)
	a.mu.Lock()
	defer a.mu.Unlock()
	var stay []*registration
	for _, other := range a.handlers {
		if other != r {
			stay = append(stay, other)
		}
	}
	a.handlers = stay
}

// tell queues a change. Where nobody listens, nothing is queued.
func (a *audience) tell(c change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.handlers) > 0 {
		c.to, c.initial = a.handlers, !a.synced
		a.queue = append(a.queue, c)
		a.wake()
	}
}

// allThere says that all orders there are were told.
func (a *audience) allThere() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.synced = true
	a.queue = append(a.queue, change{to: a.handlers, arrived: true})
	a.wake()
}

// wake makes run look into the queue. a.mu must be held.
func (a *audience) wake() {
	if a.more == nil {
		a.more = make(chan struct{}, 1)
	}
	select {
	case a.more <- struct{}{}:
	default:
	}
}

// run tells the handlers until the context ends.
func (a *audience) run(ctx context.Context) {
	defer a.close()
	a.mu.Lock()
	a.wake()
	more := a.more
	a.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return
		case <-more:
		}
		a.mu.Lock()
		batch := a.queue
		a.queue = nil
		a.mu.Unlock()
		for i := range batch {
			if ctx.Err() != nil {
				return
			}
			batch[i].deliver()
			batch[i] = change{} // a long batch holds no order that is told and gone
		}
	}
}

// close ends the telling for good.
func (a *audience) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed, a.handlers, a.queue = true, nil, nil
}

func (a *audience) isClosed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}

// deliver tells whom it concerns.
func (c *change) deliver() {
	if c.arrived {
		for _, r := range c.to {
			close(r.arrived)
		}
		return
	}
	is := unpacked(c.new)
	was := is
	if c.old != c.new { // told again, as nothing changed, they are the same
		was = unpacked(c.old)
	}
	if last := c.new == nil; last && was == nil || !last && is == nil {
		return // what cannot be unpacked was logged
	}
	for _, r := range c.to {
		if !r.left.Load() {
			c.tell(r, was, is)
		}
	}
}

func (c *change) tell(r *registration, was, is *v1alpha1.Order) {
	switch {
	case was == nil:
		r.OnAdd(is, c.initial)
	case is == nil && c.unseen:
		r.OnDelete(tombstone(was))
	case is == nil:
		r.OnDelete(was)
	case was.UID != is.UID: // another one of the same name: that the old one went, nobody saw
		r.OnDelete(tombstone(was))
		r.OnAdd(is, c.initial)
	default:
		r.OnUpdate(was, is)
	}
}

// tombstone is how handlers are told of an order that went while nobody watched.
func tombstone(o *v1alpha1.Order) toolscache.DeletedFinalStateUnknown {
	return toolscache.DeletedFinalStateUnknown{Key: o.Namespace + "/" + o.Name, Obj: o}
}

func unpacked(p *packed) *v1alpha1.Order {
	if p == nil {
		return nil
	}
	o, err := p.unpack()
	if err != nil {
		runtime.HandleError(err)
		return nil
	}
	return o
}
