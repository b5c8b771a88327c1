package webhookserver

import (
	"context"
	"net"
)

// Serve is Start on a listener of the test.
func (s *Server) Serve(ctx context.Context, l net.Listener) error { return s.serve(ctx, l) }

// The limits that tests reach.
const (
	MaxHeader  = maxHeader
	DrainDelay = drainDelay
)
