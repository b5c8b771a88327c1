package webhookserver

import (
	"time"

	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// Limits of the HTTP server, for all routes.
const (
	// maxHeader bounds the headers of a request, and so the cost of a forged Stripe-Signature.
	maxHeader = 32 << 10
	// headerTimeout and bodyTimeout drop a client that sends slowly. Stripe sends an event in one go.
	headerTimeout = 5 * time.Second
	bodyTimeout   = 10 * time.Second
	// writeTimeout bounds reading, handling and answering.
	writeTimeout = bodyTimeout + webhook.Deadline + 2*time.Second
	// idleTimeout keeps the connection of a sender open between events.
	idleTimeout = 90 * time.Second

	// drainDelay is how long a stopping server still accepts requests. It closes each connection with its answer.
	drainDelay = time.Second
	// DrainTimeout bounds the whole shutdown, the wait for accepted events included. The grace period of a pod must be longer.
	DrainTimeout = drainDelay + webhook.Deadline + 2*time.Second
)
