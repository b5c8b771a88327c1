package stripeevent

import (
	"errors"
	"fmt"
	"time"
)

// Retention is the time for which StripeEvents are kept.
type Retention struct {
	// Applied is the time from the application of an event to its removal.
	Applied time.Duration
	// ExpireAfter is the age at which an event that was not applied becomes Expired.
	ExpireAfter time.Duration
	// Unresolved is the age at which an event that was not applied is removed.
	Unresolved time.Duration
}

// DefaultRetention removes applied events after a day. Others expire after three days, as long as Stripe retries a webhook,
// and are removed after thirty.
func DefaultRetention() Retention {
	return Retention{Applied: 24 * time.Hour, ExpireAfter: 72 * time.Hour, Unresolved: 30 * 24 * time.Hour}
}

// Check returns the first error in a retention.
func (r Retention) Check() error {
	switch {
	case r.Applied <= 0 || r.ExpireAfter <= 0:
		return errors.New("how long StripeEvents are kept, and wait, must be more than 0s")
	case r.Unresolved < r.ExpireAfter:
		return fmt.Errorf("StripeEvents must be kept (%s) at least as long as they wait (%s), or nobody would see that they expired", r.Unresolved, r.ExpireAfter)
	default:
		return nil
	}
}
