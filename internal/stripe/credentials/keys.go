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

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// Keys are the API keys in use. There are several during a rotation. KeyFile can replace them at any time by others of
// the same mode. All methods are safe for concurrent use.
type Keys struct {
	clock clock.PassiveClock
	log   logr.Logger
	live  bool
	list  atomic.Pointer[keyList]
}

// keyList is one version of the keys. A change replaces the whole list.
type keyList struct {
	entries []entry
	// first is the index of the key to try first.
	first atomic.Int64
}

// NewKeys returns the keys in a text, in the format of ParseAPIKeys.
func NewKeys(text string, c clock.PassiveClock, log logr.Logger) (*Keys, error) {
	keys, err := ParseAPIKeys(text)
	if err != nil {
		return nil, err
	}
	k := &Keys{clock: c, log: log, live: LiveKey(keys[0].Secret)}
	k.list.Store(&keyList{entries: newEntries(keys, nil)})
	return k, nil
}

// Live reports whether the keys are of live mode. It never changes.
func (k *Keys) Live() bool { return k.live }

// Restricted reports whether every key has only chosen permissions.
func (k *Keys) Restricted() bool {
	return !slices.ContainsFunc(k.list.Load().entries, func(e entry) bool { return !Restricted(e.Secret) })
}

// Current returns the keys in the order in which they are tried.
func (k *Keys) Current() []NamedSecret {
	list := k.list.Load()
	keys, first := secretsOf(list.entries), list.first.Load()
	return slices.Concat(keys[first:], keys[:first])
}

// LastUsed yields the name of each key and the time when Stripe last accepted it, or zero if never.
func (k *Keys) LastUsed() iter.Seq2[string, time.Time] { return lastUsed(k.list.Load().entries) }

// Try makes a call with one key, and with the next key as long as Stripe does not know the last one (401). A key that
// Stripe accepts becomes the first to try, until the keys change. Try returns the error of the last call. call must
// return stripe-go's error, or one that wraps it.
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
		e.setLastUsed(k.clock.Now())
		if int64(at) != first && list.first.CompareAndSwap(first, int64(at)) {
			k.log.Info("Stripe refused an API key: using another", "refused", list.entries[first].Name, "key", e.Name)
		}
		return err
	}
	return err
}

// accepted reports whether the result of a call shows that its key is valid. A missing permission (403), a rate limit
// and a failure of Stripe's show nothing.
func accepted(err error) bool {
	switch status := statusOf(err); status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return false
	default:
		return err == nil || (status >= 400 && status < 500)
	}
}

// statusOf returns the HTTP status in an error of stripe-go; 0 if there is none.
func statusOf(err error) int {
	var refused *stripe.Error
	if errors.As(err, &refused) {
		return refused.HTTPStatusCode
	}
	return 0
}

// replace replaces the keys. It refuses keys of the other mode, because the server has chosen the API address and the
// orders to compare by the mode.
func (k *Keys) replace(keys []NamedSecret) error {
	if live := LiveKey(keys[0].Secret); live != k.live {
		return fmt.Errorf("the API keys are of %s mode now, and were of %s mode when the server started: restart it, or put keys of that mode back", v1alpha1.Mode(live), v1alpha1.Mode(k.live))
	}
	old := k.list.Load().entries
	if slices.Equal(secretsOf(old), keys) {
		return nil
	}
	k.list.Store(&keyList{entries: newEntries(keys, old)})
	k.log.Info("API keys changed", "keys", len(keys), "restricted", k.Restricted())
	return nil
}
