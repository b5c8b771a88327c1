package stripesim

import (
	"slices"
	"time"
)

// Plan says how webhooks are delivered. The zero Plan delivers each event once, immediately, in order. Loss and InSequence
// take effect at each attempt, the others when an event is made.
type Plan struct {
	// Copies is how often each event is delivered; 0 means once.
	Copies int
	// Concurrent sends all copies of an event at the same moment, regardless of the number of workers.
	Concurrent bool
	// InSequence allows one attempt at a time, so that events arrive in order while no attempt fails.
	InSequence bool
	// Shuffle gives each copy a random time within Delay (50 ms if that is zero), or a random place after a Hold.
	Shuffle bool
	// Seed makes the shuffle repeatable.
	Seed uint64
	// Delay is waited before the first attempt.
	Delay time.Duration
	// Hold keeps new deliveries back until a Plan without it is set.
	Hold bool
	// Loss reports whether an attempt (1, 2, …) is lost: nothing reaches the endpoint, and it is retried like a failure.
	// See LoseFirst. Neither Loss nor Drop may call the simulator.
	Loss func(event Event, attempt int) bool
	// Drop reports whether an event is never sent. It stays pending, and POST /v1/events/{id}/retry can send it.
	Drop func(event Event) bool
	// TwinEvents makes a second event with another id for the same object.
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

// Backoff says when a failed delivery is retried.
type Backoff struct {
	// Initial is the wait after the first failure; default 1 s.
	Initial time.Duration
	// Max is the longest wait; default 1 min.
	Max time.Duration
	// Factor is how much longer each wait is than the one before; default 2.
	Factor float64
	// MaxAttempts is how many attempts are made; default 20.
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
