package stripesim

import (
	"time"

	"k8s.io/utils/clock"
)

// OffsetClock is the real clock plus an offset, for a Stripe whose time differs from the shop's.
func OffsetClock(by time.Duration) clock.WithTicker { return offsetClock{by: by} }

type offsetClock struct {
	clock.RealClock
	by time.Duration
}

// Now returns the time of this clock.
func (c offsetClock) Now() time.Time { return c.RealClock.Now().Add(c.by) }

// Since returns how long ago a time is by this clock.
func (c offsetClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }
