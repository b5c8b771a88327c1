package webhookserver

import (
	"context"
	"net"
)

// Serve is Start on a listener of the test's.
func (s *Server) Serve(ctx context.Context, l net.Listener) error { return s.serve(ctx, l) }

// The limits that tests reach.
const (
	MaxBody         = maxBody
	MaxReading      = maxReading
	MaxReadingLarge = maxReadingLarge
	SmallBody       = smallBody
	MaxHeader       = maxHeader
	MaxInFlight     = maxInFlight
	StartInFlight   = startInFlight
	MinInFlight     = minInFlight
	GoodTime        = goodTime
	MaxWaiting      = maxWaiting
	MaxWait         = maxWait
	Deadline        = deadline
	LeaveTime       = leaveTime
	DrainTimeout    = drainTimeout
)

// Turnstile is what verified events pass.
type Turnstile = turnstile

// NewTurnstile returns one.
var NewTurnstile = newTurnstile

// Enter waits for a turn.
func (t *Turnstile) Enter(ctx context.Context) (leave func(), err error) { return t.enter(ctx) }
