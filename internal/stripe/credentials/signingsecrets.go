package credentials

import (
	"iter"
	"slices"
	"sync/atomic"
	"time"
)

// SigningSecrets are the webhook signing secrets in force. They may be replaced at any time.
type SigningSecrets struct {
	list atomic.Pointer[[]entry]
}

// NewSigningSecrets puts secrets in force.
func NewSigningSecrets(secrets []NamedSecret) *SigningSecrets {
	s := &SigningSecrets{}
	s.list.Store(new(entries(secrets, nil)))
	return s
}

// Current returns the secrets in force.
func (s *SigningSecrets) Current() []NamedSecret { return named(*s.list.Load()) }

// LastVerified tells the name of each secret in force, and when a webhook signed with it was last verified: the zero
// time for never.
func (s *SigningSecrets) LastVerified() iter.Seq2[string, time.Time] { return lastUses(*s.list.Load()) }

// Try calls verifies with every secret in force, and notes now for each with which it returns true.
func (s *SigningSecrets) Try(now time.Time, verifies func(Secret) bool) {
	list := *s.list.Load()
	for i := range list {
		if verifies(list[i].Secret) {
			list[i].note(now)
		}
	}
}

// replace puts other secrets in force, and reports whether they are others.
func (s *SigningSecrets) replace(secrets []NamedSecret) bool {
	old := *s.list.Load()
	if slices.Equal(named(old), secrets) {
		return false
	}
	s.list.Store(new(entries(secrets, old)))
	return true
}
