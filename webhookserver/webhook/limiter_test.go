package webhook_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// load runs clients for a while, each of which acquires and then needs some time. It returns the peak of the number in flight,
// towards the end.
func load(t *testing.T, limiter *webhook.ConcurrencyLimiter, clients int, latency, duration time.Duration) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	measureFrom := time.Now().Add(duration - 3*latency - time.Second)
	var inFlight, peak atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				release, err := limiter.Acquire(ctx)
				if err != nil {
					continue
				}
				if n := inFlight.Add(1); time.Now().After(measureFrom) {
					for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); old = peak.Load() {
					}
				}
				<-time.After(latency)
				inFlight.Add(-1)
				release()
			}
		})
	}
	wg.Wait()
	return int(peak.Load())
}

// TestLimitFollowsLatency: the limit falls to the minimum while events are slow, and rises to the maximum when they are fast.
func TestLimitFollowsLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := webhook.NewConcurrencyLimiter(clock.RealClock{})
		for _, step := range []struct {
			latency, duration time.Duration
			want              int
		}{
			{webhook.TargetLatency, time.Minute, webhook.MaxInFlight},
			{webhook.TargetLatency + time.Millisecond, time.Minute, webhook.MinInFlight},
			{3 * time.Second, time.Minute, webhook.MinInFlight},
			{10 * time.Millisecond, time.Minute, webhook.MaxInFlight},
		} {
			check.Equal(t, step.want, load(t, limiter, 2*webhook.MaxInFlight, step.latency, step.duration), "latency %s: in flight", step.latency)
		}
	})
}

// acquireAll acquires until the limit is reached.
func acquireAll(t *testing.T, limiter *webhook.ConcurrencyLimiter) (releases []func()) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		release, err := limiter.Acquire(ctx)
		cancel()
		if err != nil {
			return releases
		}
		releases = append(releases, release)
	}
}

// TestLimitFallsOnce: many slow events at the same time lower the limit once.
func TestLimitFallsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := webhook.NewConcurrencyLimiter(clock.RealClock{})
		before := acquireAll(t, limiter)
		<-time.After(webhook.TargetLatency)
		for _, release := range before {
			release()
		}
		after := acquireAll(t, limiter)
		if len(before) != webhook.StartInFlight || len(after) != webhook.StartInFlight*9/10 {
			t.Errorf("got limits %d and %d, want %d and %d", len(before), len(after), webhook.StartInFlight, webhook.StartInFlight*9/10)
		}
	})
}

// TestFirstInFirstOut: waiting events are admitted in the order of their arrival.
func TestFirstInFirstOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := webhook.NewConcurrencyLimiter(clock.RealClock{})
		releases := acquireAll(t, limiter)
		var mu sync.Mutex
		var admitted []int
		for i := range 20 { // too few to raise the limit
			go func() {
				if release, err := limiter.Acquire(t.Context()); err == nil {
					mu.Lock()
					admitted = append(admitted, i)
					mu.Unlock()
					release()
				}
			}()
			synctest.Wait()
		}
		releases[0]() // one place, which all of them use in turn
		synctest.Wait()
		if len(admitted) != 20 || !slices.IsSorted(admitted) {
			t.Errorf("got the order %v, want 0 to 19", admitted)
		}
	})
}
