package credentials

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/stripe/stripe-go/v76"
	"k8s.io/utils/clock"
)

// Keys are the API keys in force, one or several while one is being rolled. They may be replaced at any time by others
// of the same mode. All methods may be called at once.
type Keys struct {
	clock clock.PassiveClock
	log   logr.Logger
	live  bool
	list  atomic.Pointer[keyList]
}

// keyList is replaced as a whole.
type keyList struct {
	entries []entry
	// first is the index of the key that is tried first.
	first atomic.Int64
}

// NewKeys returns the keys that a text holds, which ParseAPIKeys describes.
func NewKeys(text string, c clock.PassiveClock, log logr.Logger) (*Keys, error) {
	keys, err := ParseAPIKeys(text)
	if err != nil {
		return nil, err
	}
	k := &Keys{clock: c, log: log, live: LiveKey(keys[0].Secret)}
	k.list.Store(&keyList{entries: entries(keys, nil)})
	return k, nil
}

// Live reports whether the keys are of live mode. That never changes.
func (k *Keys) Live() bool { return k.live }

// Restricted reports whether every key may do but what was chosen for it, as a server that faces the internet should
// have.
func (k *Keys) Restricted() bool {
	return !slices.ContainsFunc(k.list.Load().entries, func(e entry) bool { return !Restricted(e.Secret) })
}

// Current returns the keys in the order in which they are tried.
func (k *Keys) Current() []NamedSecret {
	list := k.list.Load()
	keys, first := named(list.entries), list.first.Load()
	return slices.Concat(keys[first:], keys[:first])
}

// LastUsed tells the name of each key, and when Stripe last did what was asked with it: the zero time for never.
func (k *Keys) LastUsed() iter.Seq2[string, time.Time] { return lastUses(k.list.Load().entries) }

// Try calls with one key, and with the next where Stripe does not know it any more (401), until one is known. That one
// is tried first from then on, until the keys change. The error is that of the last call made, as it came: call must
// return stripe-go's own, or one that wraps it.
func (k *Keys) Try(call func(Secret) error) error {
	list := k.list.Load()
	first := list.first.Load()
	var err error
	for i := range list.entries {
		at := (int(first) + i) % len(list.entries)
		e := &list.entries[at]
		if err = call(e.Secret); statusOf(err) == http.StatusUnauthorized {
			continue
		}
		if !accepted(err) {
			return err
		}
		e.note(k.clock.Now())
		if int64(at) != first && list.first.CompareAndSwap(first, int64(at)) {
			k.log.Info("Stripe does not know an API key any more: using another", "refused", list.entries[first].Name, "key", e.Name)
		}
		return err
	}
	return err
}

// accepted reports whether a call's end shows that its key is good. A restricted key that may not do what was asked
// (403) is not, and where Stripe had too much to do, or had trouble, nobody knows.
func accepted(err error) bool {
	switch status := statusOf(err); status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return false
	default:
		return err == nil || (status >= 400 && status < 500)
	}
}

// statusOf returns the HTTP status that an error of stripe-go's tells; 0 where there is none.
func statusOf(err error) int {
	var refused *stripe.Error
	if errors.As(err, &refused) {
		return refused.HTTPStatusCode
	}
	return 0
}

// replace puts other keys in force. It fails where they are of the other mode: the address they are sent to and what
// they can see was decided by the mode.
func (k *Keys) replace(keys []NamedSecret) error {
	if live := LiveKey(keys[0].Secret); live != k.live {
		return fmt.Errorf("the API keys are of %s mode now, and were of the other when the server started: restart it, or put keys of %s mode there", mode(live), mode(k.live))
	}
	old := k.list.Load().entries
	if slices.Equal(named(old), keys) {
		return nil
	}
	k.list.Store(&keyList{entries: entries(keys, old)})
	k.log.Info("API keys changed", "keys", len(keys), "restricted", k.Restricted())
	return nil
}
