package ratelimit_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// six a minute, three at once: one more every ten seconds.
var six = ratelimit.Rate{Events: 6, Per: time.Minute, Burst: 3}

func newLimit(r ratelimit.Rate) (*ratelimit.Limiter, *testingclock.FakePassiveClock) {
	c := testingclock.NewFakePassiveClock(start)
	return ratelimit.New(r, c), c
}

// TestTake goes through a visit: the burst at once, then so many in an interval, and never more than the burst.
func TestTake(t *testing.T) {
	limit, clock := newLimit(six)
	for i, step := range []struct {
		at   time.Duration
		wait time.Duration
	}{
		{0, 0}, {0, 0}, {0, 0},
		{0, 10 * time.Second},
		{0, 10 * time.Second}, // what is refused is not counted
		{4 * time.Second, 6 * time.Second},
		{10*time.Second - time.Millisecond, time.Millisecond},
		{10 * time.Second, 0},
		{10 * time.Second, 10 * time.Second},
		{30 * time.Second, 0}, {30 * time.Second, 0}, {30 * time.Second, 10 * time.Second},
		{24 * time.Hour, 0}, {24 * time.Hour, 0}, {24 * time.Hour, 0}, {24 * time.Hour, 10 * time.Second},
	} {
		clock.SetTime(start.Add(step.at))
		wait, ok := limit.Allow("a")
		if ok != (step.wait == 0) || wait.Round(time.Microsecond) != step.wait {
			t.Errorf("step %d, at %s: %t, wait %s, not %s", i, step.at, ok, wait, step.wait)
		}
	}
}

// TestKeysApart: what one has used up is nothing to another, and the same key is the same client.
func TestKeysApart(t *testing.T) {
	limit, _ := newLimit(ratelimit.Rate{Events: 1, Per: time.Hour, Burst: 1})
	for i, step := range []struct {
		key any
		ok  bool
	}{{"a", true}, {"b", true}, {"a", false}, {"b", false}, {nil, true}, {nil, false}, {netip.MustParsePrefix("192.0.2.7/32"), true}, {netip.MustParsePrefix("192.0.2.8/32"), true}, {netip.MustParsePrefix("192.0.2.7/32"), false}} {
		if _, ok := limit.Allow(step.key); ok != step.ok {
			t.Errorf("step %d: %v is let through: %t", i, step.key, ok)
		}
	}
}

// TestSpent says how long to wait, and counts nothing however often it is asked.
func TestSpent(t *testing.T) {
	limit, clock := newLimit(six)
	for i, step := range []struct {
		at    time.Duration
		takes int
		want  time.Duration
	}{
		{0, 0, 0}, {0, 2, 0}, {0, 1, 10 * time.Second}, {3 * time.Second, 0, 7 * time.Second}, {9999 * time.Millisecond, 0, time.Millisecond},
		{10 * time.Second, 0, 0}, {10 * time.Second, 1, 10 * time.Second}, {time.Hour, 0, 0}, {time.Hour, 3, 10 * time.Second},
	} {
		clock.SetTime(start.Add(step.at))
		for range step.takes {
			if _, ok := limit.Allow("a"); !ok {
				t.Errorf("step %d: refused", i)
			}
		}
		for range 5 {
			if wait := limit.Wait("a"); wait.Round(time.Microsecond) != step.want {
				t.Errorf("step %d: wait %s, not %s", i, wait, step.want)
			}
		}
	}
	if wait := limit.Wait("b"); wait != 0 {
		t.Errorf("somebody else waits %s", wait)
	}
}

// TestCrowd: of many at once as many are let through as there are places, and the many that are not are nothing to
// those who come later. Run it with -race.
func TestCrowd(t *testing.T) {
	limit, clock := newLimit(six)
	for round := range 50 {
		want := int64(1)
		if round == 0 {
			want = 3
		}
		clock.SetTime(start.Add(time.Duration(round) * 10 * time.Second))
		var crowd sync.WaitGroup
		var through, misled atomic.Int64
		gate := make(chan struct{})
		for range 100 {
			crowd.Go(func() {
				<-gate
				limit.Wait("a")
				if wait, ok := limit.Allow("a"); ok {
					through.Add(1)
				} else if wait.Round(time.Microsecond) != 10*time.Second {
					misled.Add(1)
				}
			})
		}
		close(gate)
		crowd.Wait()
		if through.Load() != want || misled.Load() > 0 {
			t.Fatalf("round %d: %d are let through, not %d, and %d are told a wrong time to wait", round, through.Load(), want, misled.Load())
		}
	}
}

// TestMemory: a client of many addresses cannot use up more memory than the limit says. Who has not been seen longest
// is forgotten.
func TestMemory(t *testing.T) {
	const most = 65536
	limit, _ := newLimit(ratelimit.Rate{Events: 1, Per: time.Hour, Burst: 1})
	limit.Allow("early")
	limit.Allow("regular")
	for i := range most - 2 {
		limit.Allow(i)
	}
	if limit.Keys() != most {
		t.Fatalf("%d keys", limit.Keys())
	}
	limit.Wait("regular") // is seen again
	limit.Allow("late")
	if limit.Keys() != most {
		t.Errorf("%d keys", limit.Keys())
	}
	for key, ok := range map[string]bool{"regular": false, "late": false, "early": true} {
		if _, got := limit.Allow(key); got != ok {
			t.Errorf("%s is let through: %t", key, got)
		}
	}
}

// TestCheck refuses a rate at which nobody could ever come, and says what was written.
func TestCheck(t *testing.T) {
	for name, row := range map[string]struct {
		rate ratelimit.Rate
		want string
	}{
		"good":          {six, ""},
		"the least":     {ratelimit.Rate{Events: 1, Per: 1, Burst: 1}, ""},
		"none":          {ratelimit.Rate{Events: 0, Per: time.Minute, Burst: 1}, "must be at least 1, not 0"},
		"less":          {ratelimit.Rate{Events: -7, Per: time.Minute, Burst: 1}, "must be at least 1, not -7"},
		"in no time":    {ratelimit.Rate{Events: 1, Per: 0, Burst: 1}, "must be at least 1, not 1"},
		"never at once": {ratelimit.Rate{Events: 1, Per: time.Minute, Burst: 0}, "must be at least 1, not 1"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := row.rate.Check(); fmt.Sprint(err) != cmp.Or(row.want, "<nil>") {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}
