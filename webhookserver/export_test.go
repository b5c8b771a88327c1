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
	MaxWaiting      = maxWaiting
	MaxWait         = maxWait
	Deadline        = deadline
	LeaveTime       = leaveTime
	DrainTimeout    = drainTimeout
)
