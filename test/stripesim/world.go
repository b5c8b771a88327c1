package stripesim

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// world is everything that the simulated account holds. Its lock is held for
// the whole of an API call or a buyer's step, so that the objects, the events
// about them and the order of those events always agree. The courier's and the
// agenda's locks may be taken under it, never the other way round.
type world struct {
	clock      clock.WithTicker
	agenda     *agenda
	courier    *courier
	baseURL    string
	apiVersion string
	debitDelay time.Duration

	mu        sync.Mutex
	products  shelf[product, *product]
	prices    shelf[price, *price]
	links     shelf[PaymentLink, *PaymentLink]
	sessions  shelf[Session, *Session]
	intents   shelf[paymentIntent, *paymentIntent]
	charges   shelf[charge, *charge]
	refunds   shelf[Refund, *Refund]
	disputes  shelf[Dispute, *Dispute]
	events    shelf[Event, *Event]
	endpoints shelf[Endpoint, *Endpoint]
}

// cause is the API request that made an event; Stripe names it in the event.
// It is empty for what a buyer or a bank did.
type cause struct {
	requestID, idempotencyKey string
}
