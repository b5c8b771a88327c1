package credentials

import (
	"iter"
	"sync/atomic"
	"time"
)

// NamedSecret is a secret with the name that logs and metrics know it by: where it was found, never its value.
type NamedSecret struct {
	Name   string
	Secret Secret
}

// entry is a secret in force, and when it was last good for something.
type entry struct {
	NamedSecret
	// last is in nanoseconds since 1970; 0 is never. The lists before and after this one share it.
	last *atomic.Int64
}

func (e *entry) note(now time.Time) { e.last.Store(now.UnixNano()) }

// entries makes a list of secrets that takes the place of another. What is known of a secret goes by its value: it may
// move to another file or position, and does when a new one is put before it.
func entries(secrets []NamedSecret, before []entry) []entry {
	list := make([]entry, len(secrets))
	for i, s := range secrets {
		list[i] = entry{NamedSecret: s, last: &atomic.Int64{}}
		for _, old := range before {
			if old.Secret == s.Secret {
				list[i].last = old.last
				break
			}
		}
	}
	return list
}

// lastUses tells the name of each secret in force, and when it was last good for something: the zero time for never.
func lastUses(list []entry) iter.Seq2[string, time.Time] {
	return func(yield func(string, time.Time) bool) {
		for i := range list {
			var at time.Time
			if last := list[i].last.Load(); last != 0 {
				at = time.Unix(0, last)
			}
			if !yield(list[i].Name, at) {
				return
			}
		}
	}
}

// named returns the secrets alone, as they were given.
func named(list []entry) []NamedSecret {
	secrets := make([]NamedSecret, len(list))
	for i := range list {
		secrets[i] = list[i].NamedSecret
	}
	return secrets
}
