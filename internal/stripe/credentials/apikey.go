package credentials

import (
	"errors"
	"strings"
)

// ParseAPIKey reads a key of Stripe's API (sk_… or, better, a restricted rk_…). A blank text is no key, which is no
// error. The error says what to do and never holds the key.
func ParseAPIKey(text string) (Secret, error) {
	key := strings.TrimSpace(text)
	prefix, rest, _ := strings.Cut(key, "_")
	mode, random, _ := strings.Cut(rest, "_")
	switch {
	case key == "":
		return "", nil
	case prefix == "whsec":
		return "", errors.New("is a webhook signing secret (whsec_…): put an API key (rk_… or sk_…) there, shown in Stripe under Developers > API keys")
	case prefix == "pk":
		return "", errors.New("is a publishable key (pk_…): put a restricted key (rk_…) there, made in Stripe under Developers > API keys")
	case prefix != "rk" && prefix != "sk", mode != "live" && mode != "test", random == "", strings.ContainsFunc(key, unfitForKey):
		return "", errors.New("does not look like one of Stripe's: an API key begins with rk_live_, rk_test_, sk_live_ or sk_test_, see Stripe under Developers > API keys")
	}
	return Secret(key), nil
}

// unfitForKey reports whether no key has such a character: it would end the key, or fail the call that has it in a header.
func unfitForKey(r rune) bool { return r <= ' ' || r >= 0x7f || r == ',' }

// Restricted reports whether an API key may do but what was chosen for it, as a server that faces the internet should have.
func Restricted(key Secret) bool { return strings.HasPrefix(string(key), "rk_") }

// LiveKey reports whether an API key, as ParseAPIKey returns it, is of live mode.
func LiveKey(key Secret) bool { return strings.HasPrefix(string(key)[2:], "_live_") }
