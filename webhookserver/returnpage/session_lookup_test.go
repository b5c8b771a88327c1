package returnpage

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/scrape"
)

var (
	complete = atStripe(stripeclient.SessionComplete, newPayment(own, v1alpha1.OutcomePaid))

	errStripe = fmt.Errorf("%w: status 500, request req_7", stripeclient.ErrCallFailed)
)

// lookupFixture is a SessionLookup of a fake Stripe in test mode, which records its calls.
type lookupFixture struct {
	*SessionLookup
	clock    *testingclock.FakePassiveClock
	registry *prometheus.Registry
	logged   []string
	// session is the answer of Stripe.
	session func(ctx context.Context, id string) (stripeclient.Session, error)

	mu    sync.Mutex
	calls []string
}

func newLookupFixture(session func(ctx context.Context, id string) (stripeclient.Session, error)) *lookupFixture {
	f := &lookupFixture{clock: testingclock.NewFakePassiveClock(now), registry: prometheus.NewRegistry(), session: session}
	log := funcr.New(func(_, args string) { f.logged = append(f.logged, args) }, funcr.Options{})
	f.SessionLookup = NewSessionLookup(f, metrics.NewCheckout(f.registry), f.clock, log)
	return f
}

// answering is a Stripe that always answers like this.
func answering(s stripeclient.Session, err error) func(context.Context, string) (stripeclient.Session, error) {
	return func(context.Context, string) (stripeclient.Session, error) { return s, err }
}

func (f *lookupFixture) Session(ctx context.Context, id string) (stripeclient.Session, error) {
	f.mu.Lock()
	f.calls = append(f.calls, id)
	f.mu.Unlock()
	return f.session(ctx, id)
}

func (f *lookupFixture) Sees(id string) bool { return !strings.HasPrefix(id, "cs_live_") }

func (f *lookupFixture) step(by time.Duration) { f.clock.SetTime(f.clock.Now().Add(by)) }

func (f *lookupFixture) wantCalls(t *testing.T, want int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	check.Equal(t, want, len(f.calls), "calls to Stripe")
}

func (f *lookupFixture) wantLimited(t *testing.T, want map[string]float64) {
	t.Helper()
	got := map[string]float64{}
	for sample, value := range scrape.Metrics(t, f.registry) {
		if name, ok := strings.CutPrefix(sample, `paylink_checkout_limited_total{limit="`); ok {
			got[strings.TrimSuffix(name, `"}`)] = value
		}
	}
	check.Equal(t, want, got, "limited")
}

// buyer is a client with an address of its own.
func buyer(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), 32)
}

// TestConcurrentLookups: concurrent look-ups of a session share one call, even if the first client closes its connection.
func TestConcurrentLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := newLookupFixture(func(ctx context.Context, _ string) (stripeclient.Session, error) {
			<-release
			return complete, ctx.Err()
		})
		first, cancel := context.WithCancel(t.Context())
		results := make(chan error, 100)
		get := func(ctx context.Context, i int) {
			s, err := f.get(ctx, buyer(i), own)
			if err == nil && cmp.Diff(complete, s) != "" {
				err = fmt.Errorf("session %+v", s)
			}
			results <- err
		}
		go get(first, 0)
		synctest.Wait()
		cancel()
		for i := 1; i < 100; i++ {
			go get(t.Context(), i)
		}
		synctest.Wait()
		close(release)
		for range 100 {
			check.NoError(t, <-results)
		}
		f.wantCalls(t, 1)
	})
}

// TestResultTTL: a result is fresh for some seconds, and the absence of a session for a minute.
func TestResultTTL(t *testing.T) {
	for name, row := range map[string]struct {
		err error
		ttl time.Duration
	}{
		"a session":                {nil, 4 * time.Second},
		"no answer":                {errStripe, 4 * time.Second},
		"no such session":          {stripeclient.ErrNoSuchObject, time.Minute},
		"no such session, wrapped": {fmt.Errorf("get session: %w", stripeclient.ErrNoSuchObject), time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			f := newLookupFixture(answering(complete, row.err))
			for i, step := range []struct {
				after time.Duration
				calls int
			}{{0, 1}, {0, 1}, {row.ttl - time.Millisecond, 1}, {2 * time.Millisecond, 2}, {row.ttl - time.Millisecond, 2}} {
				f.step(step.after)
				if _, err := f.get(t.Context(), buyer(i), own); !errors.Is(err, row.err) {
					t.Errorf("step %d: got error %v, want %v", i, err, row.err)
				}
				f.wantCalls(t, step.calls)
			}
		})
	}
}

// TestCompleteSessionIsKept: if Stripe cannot be called, a session that was complete is returned for some minutes. So the page
// does not go back from Received to Confirming.
func TestCompleteSessionIsKept(t *testing.T) {
	open := atStripe(stripeclient.SessionOpen, newPayment(own, v1alpha1.OutcomeUnpaid))
	for name, row := range map[string]struct {
		first, then stripeclient.Session
		err         error
		limited     bool
		after       time.Duration
		want        error
	}{
		"no answer":                {complete, stripeclient.Session{}, errStripe, false, 5 * time.Second, nil},
		"no answer for long":       {complete, stripeclient.Session{}, errStripe, false, 10*time.Minute + time.Second, errStripe},
		"limited":                  {complete, complete, nil, true, 5 * time.Second, nil},
		"open, no answer":          {open, stripeclient.Session{}, errStripe, false, 5 * time.Second, errStripe},
		"open, limited":            {open, open, nil, true, 5 * time.Second, errLimited},
		"the session has vanished": {complete, stripeclient.Session{}, stripeclient.ErrNoSuchObject, false, 5 * time.Second, stripeclient.ErrNoSuchObject},
	} {
		t.Run(name, func(t *testing.T) {
			f := newLookupFixture(answering(row.first, nil))
			if _, err := f.get(t.Context(), buyer(1), own); err != nil {
				t.Fatal(err)
			}
			f.step(row.after)
			f.session = answering(row.then, row.err)
			if row.limited {
				for i := range 20 {
					_, _ = f.get(t.Context(), buyer(1), fmt.Sprintf("cs_other%d", i))
				}
			}
			for range 2 { // and again, at once
				got, err := f.get(t.Context(), buyer(1), own)
				if !errors.Is(err, row.want) || (err == nil && cmp.Diff(row.first, got) != "") {
					t.Errorf("got %+v, %v, want error %v or the first session", got, err, row.want)
				}
			}
		})
	}
}

// TestOtherMode: a session of the other mode is not looked up, and counts against no limit.
func TestOtherMode(t *testing.T) {
	f := newLookupFixture(answering(complete, nil))
	for i := range 100 {
		if _, err := f.get(t.Context(), buyer(1), fmt.Sprintf("cs_live_%d", i)); !errors.Is(err, stripeclient.ErrOtherMode) {
			t.Fatalf("got error %v, want %v", err, stripeclient.ErrOtherMode)
		}
	}
	if _, err := f.get(t.Context(), buyer(1), own); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	f.wantCalls(t, 1)
}

// TestResultsBySession: each session has its own result.
func TestResultsBySession(t *testing.T) {
	f := newLookupFixture(func(_ context.Context, id string) (stripeclient.Session, error) {
		return stripeclient.Session{Status: id}, nil
	})
	for _, id := range []string{"cs_a", "cs_b", "cs_a"} {
		if s, err := f.get(t.Context(), buyer(1), id); err != nil || s.Status != id {
			t.Errorf("got %+v, %v, want the session %s", s, err, id)
		}
	}
	check.Equal(t, []string{"cs_a", "cs_b"}, f.calls, "calls")
}

// TestClientLimit: a client that looks up many sessions is limited, and no other client.
func TestClientLimit(t *testing.T) {
	f := newLookupFixture(answering(complete, nil))
	for i, step := range []struct {
		after  time.Duration
		client int
		want   error
	}{
		{0, 1, nil}, {0, 1, nil}, {0, 1, nil}, {0, 1, nil}, {0, 1, nil}, {0, 1, nil},
		{0, 1, errLimited}, {0, 2, nil}, {5 * time.Second, 1, nil}, {0, 1, errLimited},
	} {
		f.step(step.after)
		if _, err := f.get(t.Context(), buyer(step.client), fmt.Sprintf("cs_%d", i)); !errors.Is(err, step.want) {
			t.Errorf("step %d: got error %v, want %v", i, err, step.want)
		}
	}
	f.wantCalls(t, 8)
	f.wantLimited(t, map[string]float64{"stripe_address": 2})
}

// TestTotalLimit: many clients together are limited too. Sessions that were not looked up then are looked up later.
func TestTotalLimit(t *testing.T) {
	f := newLookupFixture(answering(complete, nil))
	for i, step := range []struct {
		after time.Duration
		// want sessions of 100 are returned, and as many calls were made in all.
		want int
	}{{0, 20}, {0, 20}, {time.Second, 25}} {
		f.step(step.after)
		got := 0
		for n := range 100 {
			_, err := f.get(t.Context(), buyer(100*i+n), fmt.Sprintf("cs_%d", n))
			switch {
			case err == nil:
				got++
			case !errors.Is(err, errLimited):
				t.Errorf("step %d: got error %v, want %v", i, err, errLimited)
			}
		}
		check.Equal(t, step.want, got, "step %d: sessions", i)
		f.wantCalls(t, step.want)
	}
	f.wantLimited(t, map[string]float64{"stripe": 80 + 80 + 75})
}

// TestAnswerTimeout: a look-up takes 3 s at most.
func TestAnswerTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newLookupFixture(func(ctx context.Context, _ string) (stripeclient.Session, error) {
			<-ctx.Done()
			return stripeclient.Session{}, fmt.Errorf("%w: %w", stripeclient.ErrCallFailed, ctx.Err())
		})
		start := time.Now()
		_, err := f.get(t.Context(), buyer(1), own)
		if took := time.Since(start); took != 3*time.Second || !errors.Is(err, stripeclient.ErrCallFailed) {
			t.Errorf("got %v after %s, want %v after 3s", err, took, stripeclient.ErrCallFailed)
		}
	})
}

// TestErrorLog: an error of Stripe is logged once a minute. A session that does not exist is not logged.
func TestErrorLog(t *testing.T) {
	f := newLookupFixture(nil)
	for i, step := range []struct {
		after  time.Duration
		err    error
		logged int
	}{
		{0, stripeclient.ErrNoSuchObject, 0}, {0, errStripe, 1}, {0, errStripe, 1}, {59 * time.Second, errStripe, 1}, {time.Second, errStripe, 2}, {time.Hour, nil, 2},
	} {
		f.step(step.after)
		f.session = answering(stripeclient.Session{}, step.err)
		_, _ = f.get(t.Context(), buyer(i), fmt.Sprintf("cs_%d", i))
		check.Equal(t, step.logged, len(f.logged), "step %d: log messages %q", i, f.logged)
	}
	if len(f.logged) > 0 && !strings.Contains(f.logged[0], "request req_7") {
		t.Errorf("got log message %q, want the error in it", f.logged[0])
	}
}

// TestResultsAreBounded: the number of results in memory is bounded.
func TestResultsAreBounded(t *testing.T) {
	f := newLookupFixture(answering(complete, nil))
	for i := range maxResults + 10 {
		f.results.Add(fmt.Sprintf("cs_%d", i), result{}, time.Hour)
	}
	check.Equal(t, 4096, len(f.results.Keys()), "results")
}
