package stripesim

import (
	"slices"
	"time"
)

// Plan is how webhooks reach their endpoints. The zero Plan delivers each event
// once, at once, in order. All but Loss and InSequence take effect when an event
// is made; those two at each attempt.
type Plan struct {
	// Copies delivers each event so many times; 0 is 1.
	Copies int
	// Concurrent sends all copies of an event at the same moment, whatever the
	// number of workers.
	Concurrent bool
	// InSequence has at most one attempt under way at a time, so that events
	// arrive exactly in order while no attempt fails.
	InSequence bool
	// Shuffle gives each copy a random moment within Delay (50 ms, where that is
	// zero), or, after a Hold, a random place.
	Shuffle bool
	// Seed makes the shuffle repeatable.
	Seed uint64
	// Delay is waited before the first attempt.
	Delay time.Duration
	// Hold keeps new deliveries back until a Plan without it is set.
	Hold bool
	// Loss tells that an attempt (1, 2, …) vanishes on its way: nothing reaches
	// the endpoint, and it is retried as any failure. See LoseFirst. Neither Loss
	// nor Drop may call the simulator.
	Loss func(event Event, attempt int) bool
	// Drop tells that an event is never sent at all; it stays pending and can be
	// resent by POST /v1/events/{id}/retry.
	Drop func(event Event) bool
	// TwinEvents makes a second event with another id for the same thing.
	TwinEvents bool
}

const shuffleWindow = 50 * time.Millisecond

// LoseFirst is a Loss of the first k attempts of each delivery.
func LoseFirst(k int) func(Event, int) bool {
	return func(_ Event, attempt int) bool { return attempt <= k }
}

// DropTypes is a Drop of the events of some types, or of all where none is named.
func DropTypes(types ...string) func(Event) bool {
	return func(event Event) bool { return len(types) == 0 || slices.Contains(types, event.Type) }
}

// Backoff is when a failed delivery is tried again.
type Backoff struct {
	// Initial is the wait after the first failure; default 1 s.
	Initial time.Duration
	// Max is the longest wait; default 1 min.
	Max time.Duration
	// Factor is how much longer each wait is than the one before; default 2.
	Factor float64
	// MaxAttempts is after how many attempts a delivery is given up; default 20.
	MaxAttempts int
}

func (b Backoff) withDefaults() Backoff {
	if b.Initial <= 0 {
		b.Initial = time.Second
	}
	if b.Max <= 0 {
		b.Max = time.Minute
	}
	if b.Factor < 1 {
		b.Factor = 2
	}
	if b.MaxAttempts <= 0 {
		b.MaxAttempts = 20
	}
	return b
}

// wait is how long to wait after that many failed attempts.
func (b Backoff) wait(attempts int) time.Duration {
	wait := float64(b.Initial)
	for range attempts - 1 {
		if wait *= b.Factor; wait >= float64(b.Max) {
			break
		}
	}
	return min(time.Duration(wait), b.Max)
}
