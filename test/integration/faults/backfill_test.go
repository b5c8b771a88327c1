package faults_test

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// backfilling has the controller fetch from Stripe at once what no webhook has brought.
func backfilling(o *stack.Options) {
	o.ControllerFlags = append(o.ControllerFlags, "--backfill-period=1s", "--backfill-grace=0s")
	o.ControllerEnv = append(o.ControllerEnv, "STRIPE_SECRET_KEY="+stripesim.TestKey)
}

// offset has Stripe's clock differ from the servers': what it signs is of another time, and they must refuse it.
func offset(by time.Duration) func(*stack.Options) {
	return func(o *stack.Options) {
		backfilling(o)
		o.Simulator.Clock = stripesim.OffsetClock(by)
		o.Simulator.Retry.MaxAttempts = 3
	}
}

// refused wants no webhook to have been accepted.
func refused(s *sale) error {
	attempts := s.Stripe.Attempts()
	for _, a := range attempts {
		if a.Status != http.StatusBadRequest {
			return fmt.Errorf("a webhook of another time was answered %d", a.Status)
		}
	}
	if len(attempts) == 0 {
		return fmt.Errorf("there were no webhooks")
	}
	return nil
}

// stripeTrouble is all that can be wrong with Stripe's API, one after the other, and then pages that are shorter than they
// were asked to be for as long as anybody asks.
type stripeTrouble struct {
	mu   sync.Mutex
	seen int
}

const shortPage = 7

func (t *stripeTrouble) troubles() []stripesim.Trouble {
	return []stripesim.Trouble{
		{Status: http.StatusTooManyRequests}, {Status: http.StatusInternalServerError}, {PageLimit: shortPage},
		{Cut: true}, {PageLimit: shortPage}, {Hang: true}, {PageLimit: shortPage}, {PageLimit: shortPage},
		{Status: http.StatusTooManyRequests}, {PageLimit: shortPage}, {Cut: true}, {Status: http.StatusBadGateway},
	}
}

func (t *stripeTrouble) next(*http.Request) stripesim.Trouble {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen++
	if troubles := t.troubles(); t.seen <= len(troubles) {
		return troubles[t.seen-1]
	}
	return stripesim.Trouble{PageLimit: shortPage}
}

func (t *stripeTrouble) felt(*sale) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if want := len(t.troubles()); t.seen < want {
		return fmt.Errorf("Stripe was asked %d times, want %d at least", t.seen, want)
	}
	return nil
}
