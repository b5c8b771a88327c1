package webhook

import (
	"container/list"
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// concurrencyLimiter limits the number of verified events that are written at once. Others wait in the order of their
// arrival. Only verified events get here, so forged ones cannot displace them.
//
// The limit follows the latency, as the congestion window of TCP does. It rises slowly while events are fast and others
// wait. It falls by a tenth when an event takes longer than targetLatency. The API server serves other clients too, so its
// capacity is not known in advance.
type concurrencyLimiter struct {
	clock clock.PassiveClock

	mu       sync.Mutex
	inFlight int
	limit    float64    // from minInFlight to maxInFlight
	waiting  *list.List // of chan struct{}, closed on admission
	lowered  time.Time  // when limit last fell
}

func newConcurrencyLimiter(c clock.PassiveClock) *concurrencyLimiter {
	return &concurrencyLimiter{clock: c, limit: startInFlight, waiting: list.New()}
}

// acquire waits for admission, which release gives back. It returns errOverloaded if too many wait already or the wait
// exceeds maxWait, or the error of the context.
func (l *concurrencyLimiter) acquire(ctx context.Context) (release func(), err error) {
	l.mu.Lock()
	if l.inFlight < int(l.limit) && l.waiting.Len() == 0 {
		l.inFlight++
		l.mu.Unlock()
		return l.releaseFunc(), nil
	}
	if l.waiting.Len() >= maxWaiting {
		l.mu.Unlock()
		return nil, errOverloaded
	}
	admitted := make(chan struct{})
	element := l.waiting.PushBack(admitted)
	l.mu.Unlock()

	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-admitted:
		return l.releaseFunc(), nil
	case <-timer.C:
		err = errOverloaded
	case <-ctx.Done():
		err = ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-admitted: // between the end of the wait and the lock
		return l.releaseFunc(), nil
	default:
		l.waiting.Remove(element)
		return nil, err
	}
}

// releaseFunc starts the measurement of an event, and returns the function that ends it.
func (l *concurrencyLimiter) releaseFunc() func() {
	start := l.clock.Now()
	return func() { l.release(start) }
}

func (l *concurrencyLimiter) release(start time.Time) {
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case now.Sub(start) > targetLatency:
		// Events that started before the limit last fell are slow because of the higher limit.
		if start.After(l.lowered) {
			l.limit, l.lowered = max(minInFlight, l.limit*0.9), now
		}
	case l.waiting.Len() > 0:
		l.limit = min(maxInFlight, l.limit+1/l.limit)
	}
	l.inFlight--
	for l.inFlight < int(l.limit) && l.waiting.Len() > 0 {
		next, _ := l.waiting.Remove(l.waiting.Front()).(chan struct{})
		close(next)
		l.inFlight++
	}
}
