package ordercache

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// index finds orders by the values that a function returns.
type index struct {
	name   string
	values client.IndexerFunc
}

// addIndex adds an index. The store must have no orders.
func (s *store) addIndex(name string, values client.IndexerFunc) error {
	if slices.ContainsFunc(s.indices, func(i index) bool { return i.name == name }) {
		return fmt.Errorf("orders have an index %q already", name)
	}
	s.indices = append(s.indices, index{name, values})
	slices.SortFunc(s.indices, func(a, b index) int { return strings.Compare(a.name, b.name) })
	return nil
}

// hash is the key of a value in the maps of all indices.
func (s *store) hash(index, value string) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	_, _ = h.WriteString(index)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(value)
	return h.Sum64()
}

func (s *store) addHash(hash uint64, e *encodedOrder) {
	other := s.one[hash]
	switch several := s.many[hash]; {
	case several != nil:
		several[e] = struct{}{}
	case other != nil && other != e:
		delete(s.one, hash)
		s.many[hash] = map[*encodedOrder]struct{}{other: {}, e: {}}
	default:
		s.one[hash] = e
	}
}

func (s *store) removeHash(hash uint64, e *encodedOrder) {
	several := s.many[hash]
	if several == nil {
		if s.one[hash] == e {
			delete(s.one, hash)
		}
		return
	}
	delete(several, e)
	if len(several) == 1 {
		for last := range several {
			s.one[hash] = last
		}
		delete(s.many, hash)
	}
}

// find returns the orders that an index has for a value, and the function of the index. Indices hold hashes: an order of
// another value may be among the result.
func (s *store) find(name, value, namespace string) ([]*encodedOrder, client.IndexerFunc, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	at := slices.IndexFunc(s.indices, func(i index) bool { return i.name == name })
	if at < 0 {
		return nil, nil, fmt.Errorf("orders have no index %q", name)
	}
	hash := s.hash(name, value)
	var found []*encodedOrder
	if e := s.one[hash]; e != nil {
		found = append(found, e)
	}
	for e := range s.many[hash] {
		found = append(found, e)
	}
	other := func(e *encodedOrder) bool { return namespace != "" && namespace != e.namespace }
	return slices.DeleteFunc(found, other), s.indices[at].values, nil
}
