package credentials

import (
	"iter"
	"sync/atomic"
	"time"
)

// NamedSecret is a secret with a name for logs and metrics. The name says where the secret was found, never its value.
type NamedSecret struct {
	Name   string
	Secret Secret
}

// entry is a secret in use, and the time when it last verified a webhook or made a call.
type entry struct {
	NamedSecret
	// lastUsed is in nanoseconds since 1970; 0 means never. Successive lists share it.
	lastUsed *atomic.Int64
}

func (e *entry) setLastUsed(now time.Time) { e.lastUsed.Store(now.UnixNano()) }

// newEntries returns the entries of a list of secrets that replaces another. It keeps the last use of a secret by its
// value, because the secret can move to another file or position.
func newEntries(secrets []NamedSecret, before []entry) []entry {
	list := make([]entry, len(secrets))
	for i, s := range secrets {
		list[i] = entry{NamedSecret: s, lastUsed: &atomic.Int64{}}
		for _, old := range before {
			if old.Secret == s.Secret {
				list[i].lastUsed = old.lastUsed
				break
			}
		}
	}
	return list
}

// lastUsed yields the name of each secret in use and the time of its last use, or zero if never.
func lastUsed(list []entry) iter.Seq2[string, time.Time] {
	return func(yield func(string, time.Time) bool) {
		for i := range list {
			var at time.Time
			if last := list[i].lastUsed.Load(); last != 0 {
				at = time.Unix(0, last)
			}
			if !yield(list[i].Name, at) {
				return
			}
		}
	}
}

// secretsOf returns the secrets of a list, in its order.
func secretsOf(list []entry) []NamedSecret {
	secrets := make([]NamedSecret, len(list))
	for i := range list {
		secrets[i] = list[i].NamedSecret
	}
	return secrets
}
