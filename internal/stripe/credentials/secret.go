// Package credentials holds Stripe's credentials: the signing secrets of webhook endpoints and the keys of Stripe's API.
// Both can be rotated without a restart, and neither can be printed.
package credentials

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// Secret is the signing secret of a webhook endpoint (whsec_…) or an API key (rk_…, sk_…). It prints as a placeholder, so
// that no log or error shows it.
type Secret string

// String returns a placeholder, never the secret.
func (Secret) String() string { return "[secret]" }

// Format writes a placeholder for every verb. Without it, verbs such as %d would print the secret.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns a placeholder, never the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// secretPrefix begins every signing secret that Stripe makes.
const secretPrefix = "whsec_"

// ErrNoSecret means that no signing secret is configured. An empty secret must never be used, because anyone can sign
// with the empty key.
var ErrNoSecret = errors.New("no webhook signing secret: set it to the endpoint's signing secret (whsec_…), shown in Stripe under Developers > Webhooks")

// ParseSecrets reads signing secrets, separated by commas or white space. There are several during a rotation, or for a
// live and a test endpoint. Each secret is named by its position, from 1. The error says what to do and never holds a
// secret.
func ParseSecrets(text string) ([]NamedSecret, error) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if len(fields) == 0 {
		return nil, ErrNoSecret
	}
	secrets := make([]NamedSecret, 0, len(fields))
	for i, field := range fields {
		if err := checkSecret(field); err != nil {
			return nil, fmt.Errorf("signing secret %d of %d %w", i+1, len(fields), err)
		}
		secrets = append(secrets, NamedSecret{Name: strconv.Itoa(i + 1), Secret: Secret(field)})
	}
	return secrets, nil
}

func checkSecret(s string) error {
	for _, key := range []string{"sk_", "rk_", "pk_"} {
		if strings.HasPrefix(s, key) {
			return fmt.Errorf("is an API key (%s…): put the endpoint's signing secret (whsec_…) there, shown in Stripe under Developers > Webhooks", key)
		}
	}
	if !strings.HasPrefix(s, secretPrefix) || len(s) == len(secretPrefix) {
		return errors.New("does not look like one of Stripe's: a signing secret is whsec_ and what follows it, shown in Stripe under Developers > Webhooks")
	}
	return nil
}
