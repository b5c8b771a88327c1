package webhookserver_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/webhookserver"
)

// rush sends so many through a turnstile for a while, each of whom takes some time inside, and returns how many were inside at
// once towards the end.
func rush(t *testing.T, turns *webhookserver.Turnstile, crowd int, takes, lasts time.Duration) (most int) {
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
		turns := webhookserver.NewTurnstile(clock.RealClock{})
		for _, step := range []struct {
			takes, lasts time.Duration
			want         int
		}{
			{webhookserver.GoodTime, time.Minute, webhookserver.MaxInFlight},
			{webhookserver.GoodTime + time.Millisecond, time.Minute, webhookserver.MinInFlight},
			{3 * time.Second, time.Minute, webhookserver.MinInFlight},
			{10 * time.Millisecond, time.Minute, webhookserver.MaxInFlight},
		} {
			if most := rush(t, turns, 2*webhookserver.MaxInFlight, step.takes, step.lasts); most != step.want {
				t.Errorf("%d are inside where each takes %s, not %d", most, step.takes, step.want)
			}
		}
	})
}

// TestOneStepDown: however many were slow at once, that is one reason to let in less, not a hundred.
func TestOneStepDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := webhookserver.NewTurnstile(clock.RealClock{})
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
		<-time.After(webhookserver.GoodTime)
		for _, leave := range leaves {
			leave()
		}
		leaves = nil
		for enter() {
		}
		if first != webhookserver.StartInFlight || len(leaves) != webhookserver.StartInFlight*9/10 {
			t.Errorf("%d, then %d", first, len(leaves))
		}
	})
}

// TestFirstComeFirstServed: nobody who came later is before one who waits.
func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := webhookserver.NewTurnstile(clock.RealClock{})
		var leaves []func()
		for range webhookserver.StartInFlight {
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
