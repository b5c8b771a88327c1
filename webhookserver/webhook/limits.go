package webhook

import "time"

// Limits of the webhook route.
const (
	// maxBody is the largest event taken. Checkout events are about 5 KiB; a dispute with evidence can be far larger.
	maxBody = 512 << 10
	// maxReading is how many bodies are read at once, and maxReadingLarge how many of those may be over smallBody.
	// Anybody can send bodies, and they are held before they are verified: this bounds them to 80 MiB in all.
	maxReading      = 1024
	maxReadingLarge = 32
	smallBody       = 64 << 10

	// Deadline bounds the whole of handling one event. Stripe gives up after 10 to 30 s (it does not say): an answer
	// in time, even a 503, is better than none, since the event then comes again.
	Deadline = 8 * time.Second
	// maxInFlight is how many verified events are written at once, and minInFlight how many at least. In between it is as many as
	// the API server writes within goodTime each, beginning with startInFlight: more than it can do at once only make all of
	// them slower.
	maxInFlight   = 128
	startInFlight = 32
	minInFlight   = 8
	goodTime      = 400 * time.Millisecond
	// maxWaiting is how many verified events may wait for their turn, at about 10 KiB each, and maxWait how long one may.
	// The rest is answered 503. With what is in flight before it, an event that is taken is to be taken within 2 s: docs/performance.md
	// has what was measured. Stripe has no reason to give up on it meanwhile, and to send it twice.
	maxWaiting = 2048
	maxWait    = 500 * time.Millisecond
	// refusalLogSeconds is how often a bad signature, or being overloaded, is worth a line in the log.
	refusalLogSeconds = 60
	// retryAfter tells a sender when to come back after a 503. Stripe has its own mind about it.
	retryAfter = 5 * time.Second
)
