package ordercache

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// shelf holds the orders of all watched namespaces, and finds them by name and by the indices that are registered with it.
type shelf struct {
	seed maphash.Seed

	mu      sync.RWMutex
	indices map[string]client.IndexerFunc // replaced, never changed: it is read without the lock
	sealed  bool                          // no index is added any more
	orders  map[types.NamespacedName]*packed
	// one has the order of a key, as nearly every key has a single one. Those of several orders are in many.
	one  map[uint64]*packed
	many map[uint64]map[*packed]struct{}
	// names are the namespaces, each once.
	names map[string]string

	audience audience
}

func newShelf() *shelf {
	return &shelf{
		seed:    maphash.MakeSeed(),
		indices: map[string]client.IndexerFunc{},
		orders:  map[types.NamespacedName]*packed{},
		one:     map[uint64]*packed{},
		many:    map[uint64]map[*packed]struct{}{},
		names:   map[string]string{},
	}
}

// hash is the key of an index's value.
func (s *shelf) hash(index, value string) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	_, _ = h.WriteString(index)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(value)
	return h.Sum64()
}

// pack returns an order as the shelf keeps it.
func (s *shelf) pack(o *v1alpha1.Order) (*packed, error) {
	s.mu.RLock()
	namespace, indices := s.names[o.Namespace], s.indices
	s.mu.RUnlock()
	var keys []uint64
	for index, values := range indices {
		for _, value := range values(o) {
			keys = append(keys, s.hash(index, value))
		}
	}
	if namespace == "" {
		s.mu.Lock()
		namespace = string([]byte(o.Namespace))
		s.names[namespace] = namespace
		s.mu.Unlock()
	}
	return pack(o, namespace, keys)
}

// set puts an order on the shelf, in the place of what it was before.
func (s *shelf) set(p *packed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.audience.tell(change{old: s.replace(p.key(), p), new: p})
}

// remove takes an order off the shelf. The handlers are told what it was there, as they were before: whoever counts must
// not be told of a last change only now.
func (s *shelf) remove(last *packed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.replace(last.key(), nil); old != nil {
		s.audience.tell(change{old: old})
	}
}

// reset puts all orders of a namespace, or of all (""), on the shelf, and takes off those that are no more.
func (s *shelf) reset(namespace string, now []*packed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := make(map[types.NamespacedName]struct{}, len(now))
	for _, p := range now {
		there[p.key()] = struct{}{}
		s.audience.tell(change{old: s.replace(p.key(), p), new: p})
	}
	for name := range s.orders {
		if _, is := there[name]; !is && (namespace == "" || namespace == name.Namespace) {
			s.audience.tell(change{old: s.replace(name, nil), unseen: true})
		}
	}
}

// replace puts p, or nothing, in the place of a name, and returns what was there. s.mu must be held.
func (s *shelf) replace(name types.NamespacedName, p *packed) *packed {
	old := s.orders[name]
	if old != nil {
		for _, key := range old.keys() {
			s.drop(key, old)
		}
	}
	if p == nil {
		delete(s.orders, name)
		return old
	}
	s.orders[name] = p
	for _, key := range p.keys() {
		s.add(key, p)
	}
	return old
}

func (s *shelf) add(key uint64, p *packed) {
	other := s.one[key]
	switch several := s.many[key]; {
	case several != nil:
		several[p] = struct{}{}
	case other != nil && other != p:
		delete(s.one, key)
		s.many[key] = map[*packed]struct{}{other: {}, p: {}}
	default:
		s.one[key] = p
	}
}

func (s *shelf) drop(key uint64, p *packed) {
	several := s.many[key]
	if several == nil {
		if s.one[key] == p {
			delete(s.one, key)
		}
		return
	}
	delete(several, p)
	if len(several) == 1 {
		for last := range several {
			s.one[key] = last
		}
		delete(s.many, key)
	}
}

// get returns an order, or nil.
func (s *shelf) get(name types.NamespacedName) *packed {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.orders[name]
}

// all returns the orders of a namespace, or of all ("").
func (s *shelf) all(namespace string) []*packed {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := make([]*packed, 0, len(s.orders))
	for name, p := range s.orders {
		if namespace == "" || namespace == name.Namespace {
			found = append(found, p)
		}
	}
	return found
}

// by returns the orders that an index has under a value. Keys are hashes: an order of another value may be among them.
func (s *shelf) by(index, value, namespace string) ([]*packed, client.IndexerFunc, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	values, is := s.indices[index]
	if !is {
		return nil, nil, fmt.Errorf("orders have no index %q", index)
	}
	key := s.hash(index, value)
	var found []*packed
	if p := s.one[key]; p != nil {
		found = append(found, p)
	}
	for p := range s.many[key] {
		found = append(found, p)
	}
	return slices.DeleteFunc(found, func(p *packed) bool { return namespace != "" && namespace != p.namespace }), values, nil
}

// index adds an index. Orders that were packed already would be missing in it.
func (s *shelf) index(name string, values client.IndexerFunc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sealed {
		return fmt.Errorf("index orders by %q: register indices before the cache starts", name)
	}
	if _, is := s.indices[name]; is {
		return fmt.Errorf("orders have an index %q already", name)
	}
	s.indices = maps.Clone(s.indices)
	s.indices[name] = values
	return nil
}

// seal ends the adding of indices, and reports whether it did so just now.
func (s *shelf) seal() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sealed {
		return false
	}
	s.sealed = true
	return true
}

// again tells the handlers of all orders of a namespace, or of all (""), as if each had changed.
func (s *shelf) again(namespace string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, p := range s.orders {
		if namespace == "" || namespace == name.Namespace {
			s.audience.tell(change{old: p, new: p})
		}
	}
}

// join adds a handler, which is told of the orders that are there first. It returns nil where nothing is told any more.
func (s *shelf) join(handler toolscache.ResourceEventHandler) *registration {
	s.mu.RLock() // between the look at what is there and the first change that the handler is told, there is none
	defer s.mu.RUnlock()
	return s.audience.join(handler, slices.Collect(maps.Values(s.orders)))
}
