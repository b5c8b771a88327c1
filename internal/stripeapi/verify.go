package stripeapi

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
	"k8s.io/utils/clock"
)

// WebhookPath is the route that Stripe calls, exactly: Stripe does not follow redirects.
const WebhookPath = "/api/webhooks/stripe"

// Tolerance is how far a signature's timestamp may be from now, either way. Stripe signs every attempt afresh, so a
// delivery that is older is a replay, or one of the two clocks is wrong.
const Tolerance = 300 * time.Second

// Why a signature is refused.
var (
	// ErrSignature means that no configured secret made the signature, or that there is none.
	ErrSignature = errors.New("the Stripe-Signature header does not match the body under any configured signing secret")
	// ErrStale means that the signature is right, but made too long ago.
	ErrStale = errors.New("the signature is more than 300 s old: check this machine's clock")
	// ErrFuture means that the signature is right, but made in the future.
	ErrFuture = errors.New("the signature is more than 300 s ahead: check this machine's clock")
)

// Verifier tells Stripe's webhooks from anybody else's.
type Verifier struct {
	// Secrets are the signing secrets in force; a signature by any of them is good.
	Secrets *SigningSecrets
	Clock   clock.PassiveClock
}

// Verify checks the body, exactly as it came, against the Stripe-Signature header. It returns nil, ErrSignature,
// ErrStale or ErrFuture. Every secret is tried, not only until one is right: while one is being rolled Stripe signs with
// both, and it must be known of each that it verifies. A replay that is refused says nothing about a secret.
func (v *Verifier) Verify(body []byte, header string) error {
	now := v.Clock.Now()
	list := *v.Secrets.list.Load()
	result := ErrSignature
	for i := range list {
		secret := list[i].Secret
		if secret == "" || webhook.ValidatePayloadIgnoringTolerance(body, header, string(secret)) != nil {
			continue
		}
		if result = timely(now, header); result != nil {
			break // as it would be for the others
		}
		list[i].note(now)
	}
	return result
}

// timely checks the timestamp of a header that was verified. stripe-go refuses old ones only, and by the machine's
// clock: both sides are checked here.
func timely(now time.Time, header string) error {
	switch age := now.Sub(signedAt(header)); {
	case age > Tolerance:
		return ErrStale
	case age < -Tolerance:
		return ErrFuture
	}
	return nil
}

// signedAt returns the timestamp of a header that was verified. Of several the last counts, as in stripe-go: that is
// the one the signature was checked with.
func signedAt(header string) time.Time {
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
