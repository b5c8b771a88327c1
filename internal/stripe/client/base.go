package client

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// DefaultBase is the base URL of Stripe's API.
const DefaultBase = "https://api.stripe.com"

// ParseBase reads the base URL of an API that replaces Stripe's own, such as the simulator's. A blank text means
// Stripe's. A live key requires https.
func ParseBase(text string, key credentials.Secret) (string, error) {
	base := strings.TrimRight(strings.TrimSpace(text), "/")
	if base == "" {
		return DefaultBase, nil
	}
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || strings.ContainsAny(base, "?#") {
		return "", fmt.Errorf("is not an API address: use one such as %s, or leave it empty for that one", DefaultBase)
	}
	if key != "" && u.Scheme == "http" && credentials.LiveKey(key) {
		return "", errors.New("is an http:// address, and the API key is of live mode: it would be sent unencrypted. Use https://, or a test key")
	}
	return base, nil
}
