package stripeapi

import (
	"errors"
	"fmt"
	"net/url"
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

// liveKey reports whether an API key is of live mode.
func liveKey(key Secret) bool { return strings.HasPrefix(string(key)[2:], "_live_") }

// DefaultBase is the address of Stripe's API.
const DefaultBase = "https://api.stripe.com"

// ParseBase reads the address of an API to use instead of Stripe's own, such as a simulator's. Blank means Stripe's.
// A live key goes over https alone.
func ParseBase(text string, key Secret) (string, error) {
	base := strings.TrimRight(strings.TrimSpace(text), "/")
	if base == "" {
		return DefaultBase, nil
	}
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || strings.ContainsAny(base, "?#") {
		return "", fmt.Errorf("is no address of an API: write one such as %s, or leave it empty for that", DefaultBase)
	}
	if key != "" && u.Scheme == "http" && liveKey(key) {
		return "", errors.New("is an http:// address, and the API key is of live mode: it would be sent unencrypted. Use https://, or a test key")
	}
	return base, nil
}
