package stripesim

import (
	"time"

	"k8s.io/utils/clock"
)

// OffsetClock is the real clock read so much ahead, or behind where it is
// negative: a Stripe that does not agree with its shop on what time it is.
func OffsetClock(by time.Duration) clock.WithTicker { return offsetClock{by: by} }

type offsetClock struct {
	clock.RealClock
	by time.Duration
}

// Now is the time as this clock shows it.
func (c offsetClock) Now() time.Time { return c.RealClock.Now().Add(c.by) }

// Since is how long ago a time is by this clock.
func (c offsetClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }
