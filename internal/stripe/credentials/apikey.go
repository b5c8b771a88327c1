package credentials

import (
	"errors"
	"strings"
)

// ParseAPIKey reads a key of Stripe's API: a secret key (sk_…) or a restricted key (rk_…). A blank text gives an empty
// key and no error. The error says what to do and never holds the key.
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
	case prefix != "rk" && prefix != "sk", mode != "live" && mode != "test", random == "", strings.ContainsFunc(key, invalidInKey):
		return "", errors.New("does not look like one of Stripe's: an API key begins with rk_live_, rk_test_, sk_live_ or sk_test_, see Stripe under Developers > API keys")
	}
	return Secret(key), nil
}

// invalidInKey reports whether a character is not allowed in a key: it would separate two keys or break an HTTP header.
func invalidInKey(r rune) bool { return r <= ' ' || r >= 0x7f || r == ',' }

// Restricted reports whether an API key has only chosen permissions. A server that faces the internet should have such a
// key.
func Restricted(key Secret) bool { return strings.HasPrefix(string(key), "rk_") }

// LiveKey reports whether an API key is of live mode. The key must come from ParseAPIKey.
func LiveKey(key Secret) bool { return strings.HasPrefix(string(key)[2:], "_live_") }
