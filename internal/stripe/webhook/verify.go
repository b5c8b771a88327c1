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

// Path is the route that Stripe calls. It must match exactly: Stripe does not follow redirects.
const Path = "/api/webhooks/stripe"

// Tolerance is how far a signature's timestamp may be from now, either way. Stripe signs every attempt afresh, so an
// older delivery is a replay, or one of the two clocks is wrong.
const Tolerance = 300 * time.Second

// The errors of Verify.
var (
	// ErrSignature means that no configured secret made the signature, or that there is none.
	ErrSignature = errors.New("the Stripe-Signature header does not match the body under any configured signing secret")
	// ErrStale means that the signature is right, but made too long ago.
	ErrStale = errors.New("the signature is more than 300 s old: check this machine's clock")
	// ErrFuture means that the signature is right, but made in the future.
	ErrFuture = errors.New("the signature is more than 300 s ahead: check this machine's clock")
)

// Verifier checks the signatures of webhooks.
type Verifier struct {
	// Secrets are the signing secrets in force; a signature by any of them is good.
	Secrets *credentials.SigningSecrets
	Clock   clock.PassiveClock
}

// Verify checks the body, exactly as it came, against the Stripe-Signature header. It returns nil, ErrSignature,
// ErrStale or ErrFuture. It tries every secret, not only until one is right: while a secret is being rolled, Stripe signs
// with the old and the new one, and the metrics must say of each that it verifies. A refused replay proves nothing about
// a secret.
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

// checkTimestamp checks the timestamp of a header whose signature is right. stripe-go refuses only old ones, and by the
// machine's clock.
func checkTimestamp(now time.Time, header string) error {
	switch age := now.Sub(timestamp(header)); {
	case age > Tolerance:
		return ErrStale
	case age < -Tolerance:
		return ErrFuture
	}
	return nil
}

// timestamp returns the timestamp of a header whose signature is right. Of several the last counts, as in stripe-go: it is
// part of what was signed.
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
