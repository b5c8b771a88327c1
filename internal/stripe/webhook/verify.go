package webhook

import (
	"errors"
	"strconv"
	"strings"
	"time"

	stripewebhook "github.com/stripe/stripe-go/v76/webhook"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// Path is the route of the webhook. The URL of an endpoint must match it exactly, because Stripe does not follow redirects.
const Path = "/api/webhooks/stripe"

// Tolerance is the largest difference between now and the timestamp of a signature. Stripe signs every attempt anew, so
// an older delivery is a replay, or one of the two clocks is wrong.
const Tolerance = 300 * time.Second

// The errors of Verify.
var (
	// ErrSignature means that the signature is missing, or comes from no configured secret.
	ErrSignature = errors.New("the Stripe-Signature header does not match the body under any configured signing secret")
	// ErrStale means that the signature is valid, but too old.
	ErrStale = errors.New("the signature is more than 300 s old: check this machine's clock")
	// ErrFuture means that the signature is valid, but too far in the future.
	ErrFuture = errors.New("the signature is more than 300 s ahead: check this machine's clock")
)

// Verifier checks the signatures of webhooks.
type Verifier struct {
	// Secrets are the signing secrets in use. A signature by any of them is valid.
	Secrets *credentials.SigningSecrets
	Clock   clock.PassiveClock
}

// Verify checks the unchanged body against the Stripe-Signature header. It returns nil, ErrSignature, ErrStale or
// ErrFuture. It tries every secret, even after one matches. During a rotation Stripe signs with the old and the new
// secret, and the metrics show the last use of each. A rejected replay does not count as a use.
func (v *Verifier) Verify(body []byte, header string) error {
	now := v.Clock.Now()
	result := ErrSignature
	v.Secrets.Try(now, func(secret credentials.Secret) bool {
		if secret == "" || stripewebhook.ValidatePayloadIgnoringTolerance(body, header, string(secret)) != nil {
			return false
		}
		result = checkTimestamp(now, header)
		return result == nil
	})
	return result
}

// checkTimestamp checks the timestamp of a header whose signature is valid. stripe-go refuses only old timestamps, and
// reads the machine's clock.
func checkTimestamp(now time.Time, header string) error {
	switch age := now.Sub(timestamp(header)); {
	case age > Tolerance:
		return ErrStale
	case age < -Tolerance:
		return ErrFuture
	}
	return nil
}

// timestamp returns the timestamp of a header whose signature is valid. The last one counts, as in stripe-go, because it
// is the signed one.
func timestamp(header string) time.Time {
	var at time.Time
	for _, pair := range strings.Split(header, ",") {
		if value, ok := strings.CutPrefix(pair, "t="); ok {
			if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
				at = time.Unix(seconds, 0)
			}
		}
	}
	return at
}
