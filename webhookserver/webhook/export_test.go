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
	GoodTime        = goodTime
	MaxWaiting      = maxWaiting
	MaxWait         = maxWait
)

// Turnstile is what verified events pass.
type Turnstile = turnstile

// NewTurnstile returns one.
var NewTurnstile = newTurnstile

// Enter waits for a turn.
func (t *Turnstile) Enter(ctx context.Context) (leave func(), err error) { return t.enter(ctx) }
