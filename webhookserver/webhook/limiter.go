package webhook

import (
	"container/list"
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// turnstile lets a number of events in at once, and a number wait in the order in which they came; both are of verified events
// alone, so nobody else can take Stripe's place.
//
// How many it lets in follows how long they take, as TCP does: a little more each time all goes well and others wait, a tenth
// less when one took longer than goodTime. The API server serves others too, and how much it can do nobody tells.
type turnstile struct {
	clock clock.PassiveClock

	mu      sync.Mutex
	inside  int
	most    float64    // how many may be inside, from minInFlight to maxInFlight
	waiting *list.List // of chan struct{}, closed when it is its turn
	lowered time.Time  // when most was last made less
}

func newTurnstile(c clock.PassiveClock) *turnstile {
	return &turnstile{clock: c, most: startInFlight, waiting: list.New()}
}

// enter waits for a turn, which leave ends. It returns errOverloaded where too many wait already or it has waited too long, or
// the context's error.
func (t *turnstile) enter(ctx context.Context) (leave func(), err error) {
	t.mu.Lock()
	if t.inside < int(t.most) && t.waiting.Len() == 0 {
		t.inside++
		t.mu.Unlock()
		return t.turn(), nil
	}
	if t.waiting.Len() >= maxWaiting {
		t.mu.Unlock()
		return nil, errOverloaded
	}
	mine := make(chan struct{})
	place := t.waiting.PushBack(mine)
	t.mu.Unlock()

	patience := time.NewTimer(maxWait)
	defer patience.Stop()
	select {
	case <-mine:
		return t.turn(), nil
	case <-patience.C:
		err = errOverloaded
	case <-ctx.Done():
		err = ctx.Err()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-mine: // it came at the last moment
		return t.turn(), nil
	default:
		t.waiting.Remove(place)
		return nil, err
	}
}

// turn begins, and returns what ends it.
func (t *turnstile) turn() func() {
	begin := t.clock.Now()
	return func() { t.leave(begin) }
}

func (t *turnstile) leave(begin time.Time) {
	now := t.clock.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case now.Sub(begin) > goodTime:
		// Those that began before the last step down are slow because of what was before it.
		if begin.After(t.lowered) {
			t.most, t.lowered = max(minInFlight, t.most*0.9), now
		}
	case t.waiting.Len() > 0:
		t.most = min(maxInFlight, t.most+1/t.most)
	}
	t.inside--
	for t.inside < int(t.most) && t.waiting.Len() > 0 {
		next, _ := t.waiting.Remove(t.waiting.Front()).(chan struct{})
		close(next)
		t.inside++
	}
}
