package faults_test

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// backfilling has the controller fetch events from Stripe without delay.
func backfilling(o *stack.Options) {
	o.ControllerFlags = append(o.ControllerFlags, "--backfill-period=1s", "--backfill-grace=0s")
	o.ControllerEnv = append(o.ControllerEnv, "STRIPE_SECRET_KEY="+stripesim.TestKey)
}

// offset has Stripe's clock differ from the servers', so that they must refuse its signatures.
func offset(by time.Duration) func(*stack.Options) {
	return func(o *stack.Options) {
		backfilling(o)
		o.Simulator.Clock = stripesim.OffsetClock(by)
		o.Simulator.Retry.MaxAttempts = 3
	}
}

// refused checks that every webhook was refused.
func refused(s *sale) error {
	attempts := s.Stripe.Attempts()
	for _, a := range attempts {
		if a.Status != http.StatusBadRequest {
			return fmt.Errorf("got status %d of a webhook of another time, want 400", a.Status)
		}
	}
	if len(attempts) == 0 {
		return fmt.Errorf("got no webhooks")
	}
	return nil
}

// apiFailures are the failures of Stripe's API, one request after the other, and then pages that are shorter than the
// limit asked for.
type apiFailures struct {
	mu   sync.Mutex
	seen int
}

const shortPage = 7

func (t *apiFailures) faults() []stripesim.Fault {
	return []stripesim.Fault{
		{Status: http.StatusTooManyRequests}, {Status: http.StatusInternalServerError}, {PageLimit: shortPage},
		{Cut: true}, {PageLimit: shortPage}, {Hang: true}, {PageLimit: shortPage}, {PageLimit: shortPage},
		{Status: http.StatusTooManyRequests}, {PageLimit: shortPage}, {Cut: true}, {Status: http.StatusBadGateway},
	}
}

func (t *apiFailures) next(*http.Request) stripesim.Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen++
	if troubles := t.faults(); t.seen <= len(troubles) {
		return troubles[t.seen-1]
	}
	return stripesim.Fault{PageLimit: shortPage}
}

func (t *apiFailures) allSeen(*sale) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if want := len(t.faults()); t.seen < want {
		return fmt.Errorf("got %d requests to Stripe, want at least %d", t.seen, want)
	}
	return nil
}
