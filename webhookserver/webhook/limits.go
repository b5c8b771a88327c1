package webhook

import "time"

// Limits of the webhook route.
const (
	// maxBody is the size of the largest event. Checkout events are about 5 KiB; a dispute with evidence can be far larger.
	maxBody = 512 << 10
	// maxReading is the number of bodies that are read at once; maxReadingLarge of them may exceed smallBody. Anybody can
	// send bodies, and they are in memory before they are verified. These limits bound that to 80 MiB.
	maxReading      = 1024
	maxReadingLarge = 32
	smallBody       = 64 << 10

	// Deadline bounds the handling of one event. Stripe gives up after 10 to 30 s (it does not document when). An answer in
	// time is better than none, even a 503: Stripe sends the event again.
	Deadline = 8 * time.Second
	// minInFlight and maxInFlight bound the number of verified events that are written at once. In between, the number
	// starts at startInFlight and follows targetLatency, the time that the API server should need for one event. Too many
	// events at once slow all of them down.
	maxInFlight   = 128
	startInFlight = 32
	minInFlight   = 8
	targetLatency = 400 * time.Millisecond
	// maxWaiting bounds the number of verified events that wait to be written, at about 10 KiB each. maxWait bounds the wait
	// of each. All others are answered 503. So an event is accepted within 2 s or not at all (see docs/performance.md), and
	// Stripe does not send an accepted event again.
	maxWaiting = 2048
	maxWait    = 500 * time.Millisecond
)
