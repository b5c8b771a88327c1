package credentials

import (
	"iter"
	"slices"
	"sync/atomic"
	"time"
)

// SigningSecrets are the webhook signing secrets in use. SecretDir can replace them at any time. All methods are safe for
// concurrent use.
type SigningSecrets struct {
	list atomic.Pointer[[]entry]
}

// NewSigningSecrets returns a set of these secrets.
func NewSigningSecrets(secrets []NamedSecret) *SigningSecrets {
	s := &SigningSecrets{}
	s.list.Store(new(newEntries(secrets, nil)))
	return s
}

// Current returns the secrets in use.
func (s *SigningSecrets) Current() []NamedSecret { return secretsOf(*s.list.Load()) }

// LastVerified yields the name of each secret in use and the time when it last verified a webhook, or zero if never.
func (s *SigningSecrets) LastVerified() iter.Seq2[string, time.Time] { return lastUsed(*s.list.Load()) }

// Try calls verifies with every secret in use. It records now as the last use of each secret for which verifies returns
// true.
func (s *SigningSecrets) Try(now time.Time, verifies func(Secret) bool) {
	list := *s.list.Load()
	for i := range list {
		if verifies(list[i].Secret) {
			list[i].setLastUsed(now)
		}
	}
}

// replace replaces the secrets. It reports whether they changed.
func (s *SigningSecrets) replace(secrets []NamedSecret) bool {
	old := *s.list.Load()
	if slices.Equal(secretsOf(old), secrets) {
		return false
	}
	s.list.Store(new(newEntries(secrets, old)))
	return true
}
