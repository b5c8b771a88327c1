package stripesim

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// account holds the objects of the simulated Stripe account. Its lock is held during a whole API call or step of a buyer, so
// that the objects and the order of their events always agree. Code that holds it can take the locks of the dispatcher and
// the scheduler, never the other way round.
type account struct {
	clock      clock.WithTicker
	scheduler  *scheduler
	dispatcher *dispatcher
	baseURL    string
	apiVersion string
	debitDelay time.Duration

	mu        sync.Mutex
	products  store[product, *product]
	prices    store[price, *price]
	links     store[PaymentLink, *PaymentLink]
	sessions  store[Session, *Session]
	intents   store[paymentIntent, *paymentIntent]
	charges   store[charge, *charge]
	refunds   store[Refund, *Refund]
	disputes  store[Dispute, *Dispute]
	events    store[Event, *Event]
	endpoints store[Endpoint, *Endpoint]
}

// cause is the API request that made an event, which Stripe names in the event. It is empty where a buyer or a bank was the cause.
type cause struct {
	requestID, idempotencyKey string
}
