package webhook

import "context"

// The limits that tests reach.
const (
	MaxBody         = maxBody
	MaxReading      = maxReading
	MaxReadingLarge = maxReadingLarge
	SmallBody       = smallBody
	MaxInFlight     = maxInFlight
	StartInFlight   = startInFlight
	MinInFlight     = minInFlight
	TargetLatency   = targetLatency
	MaxWaiting      = maxWaiting
	MaxWait         = maxWait
)

// ConcurrencyLimiter is the limiter of verified events.
type ConcurrencyLimiter = concurrencyLimiter

// NewConcurrencyLimiter returns a ConcurrencyLimiter.
var NewConcurrencyLimiter = newConcurrencyLimiter

// Acquire waits for admission.
func (l *ConcurrencyLimiter) Acquire(ctx context.Context) (release func(), err error) {
	return l.acquire(ctx)
}
