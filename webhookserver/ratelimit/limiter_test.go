package ratelimit_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// six a minute, three at once: one token every ten seconds.
var six = ratelimit.Rate{Events: 6, Per: time.Minute, Burst: 3}

func newLimit(r ratelimit.Rate) (*ratelimit.Limiter, *testingclock.FakePassiveClock) {
	c := testingclock.NewFakePassiveClock(start)
	return ratelimit.New(r, c), c
}

// TestAllow: the burst is allowed at once, then the rate, and never more than the burst.
func TestAllow(t *testing.T) {
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
			t.Errorf("step %d, at %s: got %t and wait %s, want wait %s", i, step.at, ok, wait, step.wait)
		}
	}
}

// TestKeys: each key has its own bucket.
func TestKeys(t *testing.T) {
	limit, _ := newLimit(ratelimit.Rate{Events: 1, Per: time.Hour, Burst: 1})
	for i, step := range []struct {
		key any
		ok  bool
	}{{"a", true}, {"b", true}, {"a", false}, {"b", false}, {nil, true}, {nil, false}, {netip.MustParsePrefix("192.0.2.7/32"), true}, {netip.MustParsePrefix("192.0.2.8/32"), true}, {netip.MustParsePrefix("192.0.2.7/32"), false}} {
		if _, ok := limit.Allow(step.key); ok != step.ok {
			t.Errorf("step %d: got %v allowed %t, want %t", i, step.key, ok, step.ok)
		}
	}
}

// TestWait: Wait returns the time until there is a token, and takes none.
func TestWait(t *testing.T) {
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
				t.Errorf("step %d: got refused, want allowed", i)
			}
		}
		for range 5 {
			if wait := limit.Wait("a"); wait.Round(time.Microsecond) != step.want {
				t.Errorf("step %d: got wait %s, want %s", i, wait, step.want)
			}
		}
	}
	check.Equal(t, 0, limit.Wait("b"), "wait for another key")
}

// TestConcurrency: of many concurrent events as many are allowed as there are tokens. The others delay no later event.
func TestConcurrency(t *testing.T) {
	limit, clock := newLimit(six)
	for round := range 50 {
		want := int64(1)
		if round == 0 {
			want = 3
		}
		clock.SetTime(start.Add(time.Duration(round) * 10 * time.Second))
		var wg sync.WaitGroup
		var allowed, wrongWaits atomic.Int64
		gate := make(chan struct{})
		for range 100 {
			wg.Go(func() {
				<-gate
				limit.Wait("a")
				if wait, ok := limit.Allow("a"); ok {
					allowed.Add(1)
				} else if wait.Round(time.Microsecond) != 10*time.Second {
					wrongWaits.Add(1)
				}
			})
		}
		close(gate)
		wg.Wait()
		if allowed.Load() != want || wrongWaits.Load() > 0 {
			t.Fatalf("round %d: got %d allowed and %d wrong waits, want %d and 0", round, allowed.Load(), wrongWaits.Load(), want)
		}
	}
}

// TestMaxKeys: the number of keys is bounded. The least recently used one is forgotten.
func TestMaxKeys(t *testing.T) {
	const maxKeys = 65536
	limit, _ := newLimit(ratelimit.Rate{Events: 1, Per: time.Hour, Burst: 1})
	limit.Allow("early")
	limit.Allow("regular")
	for i := range maxKeys - 2 {
		limit.Allow(i)
	}
	if limit.Keys() != maxKeys {
		t.Fatalf("got %d keys, want %d", limit.Keys(), maxKeys)
	}
	limit.Wait("regular") // is used again
	limit.Allow("late")
	check.Equal(t, maxKeys, limit.Keys(), "keys")
	for key, ok := range map[string]bool{"regular": false, "late": false, "early": true} {
		if _, got := limit.Allow(key); got != ok {
			t.Errorf("got %s allowed %t, want %t", key, got, ok)
		}
	}
}

// TestCheck: a rate that never allows an event is an error with its number.
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
