package stripesim

import (
	"crypto/rand"
	"iter"
	"slices"
	"time"
)

// Object has the fields of every Stripe object.
type Object struct {
	// ID is the object's Stripe id, as pi_3….
	ID string
	// Created is the moment of creation; Stripe's API rounds it down to a second.
	Created time.Time
	// Livemode separates the two modes of an account: a key sees only the objects of its own mode.
	Livemode bool
}

func (o *Object) head() *Object { return o }

// rendered is an object as the API shows it.
type rendered = map[string]any

// entity is a pointer to a record that embeds Object.
type entity[T any] interface {
	*T
	head() *Object
}

// store keeps the records of one kind, in the order of their creation.
type store[T any, P entity[T]] struct {
	byID  map[string]P
	order []P
}

func (s *store[T, P]) put(record P) {
	if s.byID == nil {
		s.byID = map[string]P{}
	}
	s.byID[record.head().ID] = record
	s.order = append(s.order, record)
}

func (s *store[T, P]) get(id string) (P, bool) {
	record, ok := s.byID[id]
	return record, ok
}

func (s *store[T, P]) remove(id string) {
	delete(s.byID, id)
	s.order = slices.DeleteFunc(s.order, func(record P) bool { return record.head().ID == id })
}

// newestFirst is the order of every list in the API.
func (s *store[T, P]) newestFirst() iter.Seq[P] {
	return func(yield func(P) bool) {
		for _, record := range slices.Backward(s.order) {
			if !yield(record) {
				return
			}
		}
	}
}

// find returns the record of that id in one mode, or the error that the API
// gives for it. Param is the request parameter that named the record.
func find[T any, P entity[T]](s *store[T, P], id string, livemode bool, noun, param string) (P, error) {
	record, ok := s.get(id)
	switch {
	case !ok:
		return nil, errMissing(noun, id, param)
	case record.head().Livemode != livemode:
		return nil, errOtherMode(noun, id, param, livemode)
	}
	return record, nil
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// randomID appends n random letters and digits to a prefix. Ids are random, not
// counted, so that two runs against one cluster never share one.
func randomID(prefix string, n int) string {
	id := make([]byte, 0, len(prefix)+n)
	id = append(id, prefix...)
	var noise [64]byte
	for len(id) < len(prefix)+n {
		_, _ = rand.Read(noise[:]) // it never fails: the program ends where the system has no randomness
		for _, b := range noise {
			// 248 is the largest multiple of 62 in a byte: no letter is favoured.
			if b < 248 && len(id) < len(prefix)+n {
				id = append(id, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(id)
}

// newObject returns the head of a record. Its id has the form of Stripe's: a prefix and 24 characters, the first of which
// is "1", or "3" for payments.
func (a *account) newObject(prefix string, livemode bool) Object {
	return Object{ID: randomID(prefix, 23), Created: a.clock.Now(), Livemode: livemode}
}

// nullable renders an empty string as null.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// metadata renders a set of labels; the API shows {} and never null.
func metadata(labels map[string]string) rendered {
	shown := rendered{}
	for key, value := range labels {
		shown[key] = value
	}
	return shown
}

// mergeMetadata applies an update as the API does: an empty value removes its key.
func mergeMetadata(old, update map[string]string) map[string]string {
	merged := map[string]string{}
	for _, labels := range []map[string]string{old, update} {
		for key, value := range labels {
			if value == "" {
				delete(merged, key)
				continue
			}
			merged[key] = value
		}
	}
	return merged
}
