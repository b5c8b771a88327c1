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

	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// rush sends so many through a turnstile for a while, each of whom takes some time inside, and returns how many were inside at
// once towards the end.
func rush(t *testing.T, turns *webhook.Turnstile, crowd int, takes, lasts time.Duration) (most int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	late := time.Now().Add(lasts - 3*takes - time.Second)
	var inside, peak atomic.Int64
	var people sync.WaitGroup
	for range crowd {
		people.Go(func() {
			for ctx.Err() == nil {
				leave, err := turns.Enter(ctx)
				if err != nil {
					continue // and comes again at once
				}
				if n := inside.Add(1); time.Now().After(late) {
					for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); old = peak.Load() {
					}
				}
				<-time.After(takes)
				inside.Add(-1)
				leave()
			}
		})
	}
	people.Wait()
	return int(peak.Load())
}

// TestTurnsFollowTheTimeTheyTake: fewer are let in where each is slow, never less than some, and more again once all is well.
func TestTurnsFollowTheTimeTheyTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := webhook.NewTurnstile(clock.RealClock{})
		for _, step := range []struct {
			takes, lasts time.Duration
			want         int
		}{
			{webhook.GoodTime, time.Minute, webhook.MaxInFlight},
			{webhook.GoodTime + time.Millisecond, time.Minute, webhook.MinInFlight},
			{3 * time.Second, time.Minute, webhook.MinInFlight},
			{10 * time.Millisecond, time.Minute, webhook.MaxInFlight},
		} {
			if most := rush(t, turns, 2*webhook.MaxInFlight, step.takes, step.lasts); most != step.want {
				t.Errorf("%d are inside where each takes %s, not %d", most, step.takes, step.want)
			}
		}
	})
}

// TestOneStepDown: however many were slow at once, that is one reason to let in less, not a hundred.
func TestOneStepDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := webhook.NewTurnstile(clock.RealClock{})
		var leaves []func()
		enter := func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			leave, err := turns.Enter(ctx)
			if err == nil {
				leaves = append(leaves, leave)
			}
			return err == nil
		}
		for enter() {
		}
		first := len(leaves)
		<-time.After(webhook.GoodTime)
		for _, leave := range leaves {
			leave()
		}
		leaves = nil
		for enter() {
		}
		if first != webhook.StartInFlight || len(leaves) != webhook.StartInFlight*9/10 {
			t.Errorf("%d, then %d", first, len(leaves))
		}
	})
}

// TestFirstComeFirstServed: nobody who came later is before one who waits.
func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := webhook.NewTurnstile(clock.RealClock{})
		var leaves []func()
		for range webhook.StartInFlight {
			leave, err := turns.Enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leave)
		}
		var mu sync.Mutex
		var served []int
		for i := range 20 { // too few for one more to be let in meanwhile
			go func() {
				if leave, err := turns.Enter(t.Context()); err == nil {
					mu.Lock()
					served = append(served, i)
					mu.Unlock()
					leave()
				}
			}()
			synctest.Wait()
		}
		leaves[0]() // one place, which all pass on
		synctest.Wait()
		if len(served) != 20 || !slices.IsSorted(served) {
			t.Errorf("served %v", served)
		}
	})
}
