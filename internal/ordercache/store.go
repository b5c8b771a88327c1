package ordercache

import (
	"bytes"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// State is the part of an order by which the cache counts orders. The function that is given to CountBy defines its meaning.
// A state below 128 takes one byte of memory.
type State uint16

// store holds the encoded orders of all watched namespaces. It finds them by name and by index, counts them by state, and
// passes changes to its subscribers.
type store struct {
	seed maphash.Seed

	// indices, sorted by name, and state do not change after the start.
	indices []index
	state   func(*v1alpha1.Order) State

	mu     sync.RWMutex
	orders map[types.NamespacedName]*encodedOrder
	// one maps a hash to its order while it has a single one, as nearly every hash does. many maps the other hashes to their
	// orders.
	one  map[uint64]*encodedOrder
	many map[uint64]map[*encodedOrder]struct{}
	// namespaces has one string for each namespace, which all its orders share.
	namespaces  map[string]string
	counts      map[State]int
	subscribers []subscriber // pointers; replaced and never modified
}

func newStore() *store {
	return &store{
		seed:       maphash.MakeSeed(),
		state:      func(*v1alpha1.Order) State { return 0 },
		orders:     map[types.NamespacedName]*encodedOrder{},
		one:        map[uint64]*encodedOrder{},
		many:       map[uint64]map[*encodedOrder]struct{}{},
		namespaces: map[string]string{},
		counts:     map[State]int{},
	}
}

// encode returns an order as the store keeps it.
func (s *store) encode(o *v1alpha1.Order) (*encodedOrder, error) {
	s.mu.RLock()
	namespace := s.namespaces[o.Namespace]
	s.mu.RUnlock()
	var hashes []uint64
	for _, index := range s.indices {
		for _, value := range index.values(o) {
			hashes = append(hashes, s.hash(index.name, value))
		}
	}
	if namespace == "" {
		s.mu.Lock()
		namespace = strings.Clone(o.Namespace)
		s.namespaces[namespace] = namespace
		s.mu.Unlock()
	}
	return encode(o, namespace, s.state(o), hashes)
}

// set adds an order, or replaces the one of the same name.
func (s *store) set(e *encodedOrder) {
	s.mu.Lock()
	old, subscribers := s.replace(e.key(), e), s.subscribers
	s.mu.Unlock()
	notify(subscribers, change{old: old, new: e})
}

// remove deletes the order of a name. Subscribers receive the deleted order.
func (s *store) remove(name types.NamespacedName) {
	s.mu.Lock()
	old, subscribers := s.replace(name, nil), s.subscribers
	s.mu.Unlock()
	notify(subscribers, change{old: old})
}

// reset replaces all orders of a namespace, or of all namespaces ("").
func (s *store) reset(namespace string, list []*encodedOrder, initial bool) {
	s.mu.Lock()
	var changes []change
	add := func(c change) {
		if len(s.subscribers) > 0 {
			changes = append(changes, c)
		}
	}
	listed := make(map[types.NamespacedName]struct{}, len(list))
	for _, e := range list {
		listed[e.key()] = struct{}{}
		add(change{old: s.replace(e.key(), e), new: e, initial: initial})
	}
	for _, e := range s.within(namespace) {
		if _, ok := listed[e.key()]; !ok {
			add(change{old: s.replace(e.key(), nil)})
		}
	}
	subscribers := s.subscribers
	s.mu.Unlock()
	notify(subscribers, changes...)
}

// notify passes changes to the subscribers. The caller holds no lock, as subscribers read the cache.
func notify(subscribers []subscriber, changes ...change) {
	for i := range changes {
		c := &changes[i]
		if c.old == c.new || c.old != nil && c.new != nil && bytes.Equal(c.old.content, c.new.content) {
			continue
		}
		for _, s := range subscribers {
			s.changed(c)
		}
		*c = change{} // free the orders
	}
}

// subscribe adds a subscriber, which receives all orders first. The function that it returns removes it.
func (s *store) subscribe(to subscriber) (remove func()) {
	s.mu.Lock()
	s.subscribers = append(slices.Clone(s.subscribers), to)
	orders := s.within("")
	s.mu.Unlock()
	to.listed(orders)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.subscribers = slices.DeleteFunc(slices.Clone(s.subscribers), func(other subscriber) bool { return other == to })
	}
}

// resync passes the orders of a namespace, or of all namespaces (""), to the subscribers.
func (s *store) resync(namespace string) {
	s.mu.RLock()
	subscribers, orders := s.subscribers, s.within(namespace)
	s.mu.RUnlock()
	for _, to := range subscribers {
		to.listed(orders)
	}
}

// replace puts an order, or nothing (nil), in the place of a name, and returns the order that was there. s.mu must be held.
func (s *store) replace(name types.NamespacedName, e *encodedOrder) *encodedOrder {
	old := s.orders[name]
	if old != nil {
		state, hashes := old.header()
		if s.counts[state]--; s.counts[state] == 0 {
			delete(s.counts, state)
		}
		for _, hash := range hashes {
			s.removeHash(hash, old)
		}
	}
	if e == nil {
		delete(s.orders, name)
		return old
	}
	s.orders[name] = e
	state, hashes := e.header()
	s.counts[state]++
	for _, hash := range hashes {
		s.addHash(hash, e)
	}
	return old
}

// get returns the order of a name, or nil.
func (s *store) get(name types.NamespacedName) *encodedOrder {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.orders[name]
}

// list returns the orders of a namespace, or of all namespaces ("").
func (s *store) list(namespace string) []*encodedOrder {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.within(namespace)
}

// within is list for callers that hold s.mu.
func (s *store) within(namespace string) []*encodedOrder {
	found := make([]*encodedOrder, 0, len(s.orders))
	for name, e := range s.orders {
		if namespace == "" || namespace == name.Namespace {
			found = append(found, e)
		}
	}
	return found
}

// countStates returns the number of orders of each state.
func (s *store) countStates() map[State]int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.counts)
}
