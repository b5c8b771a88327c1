package webhook_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// crowd delivers a body many times at once, and collects the answers by status.
func (f *fixture) crowd(body []byte, size int) (answers func() map[int]int) {
	signature := sign(body)
	codes := make(chan int, size)
	for range size {
		go func() { codes <- f.send(request(f.t.Context(), body, signature)).Code }()
	}
	return func() map[int]int {
		counts := map[int]int{}
		for range size {
			counts[<-codes]++
		}
		return counts
	}
}

// TestOverload: so many are written at once, so many wait, and the rest is sent away at once. Whoever cannot sign is
// no part of it.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := blocking{release: make(chan struct{})}
		f := newFixtureWith(t, l)
		body := small(t)
		answers := f.crowd(body, webhook.StartInFlight+webhook.MaxWaiting)
		synctest.Wait()
		if n := f.sample("in_flight"); n != webhook.StartInFlight {
			t.Errorf("%v in flight", n)
		}
		f.wantCounts(map[string]float64{})

		start := time.Now()
		wantProblem(t, f.deliver(body), http.StatusServiceUnavailable, "Too many events at once")
		f.wantCounts(failures("overloaded"))
		for name, row := range map[string]struct {
			answer *httptest.ResponseRecorder
			want   int
		}{
			"forged":         {f.send(request(t.Context(), body, "t=1,v1=00")), 400},
			"of no interest": {f.deliver(stripeevents.FromStripe(t, stripeevents.SessionExpired)), 200},
			"thin":           {f.deliver([]byte(`{"id":"evt_1"}`)), 200},
		} {
			if row.answer.Code != row.want {
				t.Errorf("%s: %d", name, row.answer.Code)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("answered after %s", took)
		}

		close(l.release)
		want := map[int]int{http.StatusOK: webhook.StartInFlight + webhook.MaxWaiting}
		if diff := cmp.Diff(want, answers()); diff != "" {
			t.Error(diff)
		}
		wantAccepted(t, f.deliver(body)) // the turns were given back
		if n := f.sample("in_flight"); n != 0 {
			t.Errorf("%v in flight", n)
		}
	})
}

// TestForgedNeverTakeATurn: a crowd of strangers does not keep Stripe out.
func TestForgedNeverTakeATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureWith(t, blocking{release: make(chan struct{})})
		body := small(t)
		for range webhook.StartInFlight + webhook.MaxWaiting + 1 {
			if answer := f.send(request(t.Context(), body, "t=1,v1=00")); answer.Code != http.StatusBadRequest {
				t.Fatalf("forged: %d", answer.Code)
			}
		}
		answers := f.crowd(body, webhook.StartInFlight)
		synctest.Wait()
		if n := f.sample("in_flight"); n != webhook.StartInFlight {
			t.Errorf("%v in flight", n)
		}
		answers()
	})
}

// TestWaitInVain: whoever has waited for a turn for long is sent away, as is who has his turn and is not done by the deadline,
// and leaves no trace in the queue.
func TestWaitInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := blocking{release: make(chan struct{})}
		f := newFixtureWith(t, l)
		body := small(t)
		const inside, waiting = webhook.StartInFlight, webhook.MaxWaiting
		for round := range 2 { // a place that is not given back would be missing the second time
			answers := f.crowd(body, inside+waiting)
			start := time.Now()
			time.Sleep(webhook.MaxWait) //nolint:forbidigo // in the test's own time
			synctest.Wait()
			want := map[string]float64{`failures{reason="overloaded"}`: float64(round+1) * waiting}
			if round > 0 {
				want[`failures{reason="deadline"}`] = float64(round) * inside
			}
			f.wantCounts(want)
			if diff := cmp.Diff(map[int]int{http.StatusServiceUnavailable: inside + waiting}, answers()); diff != "" {
				t.Error(diff)
			}
			if took := time.Since(start); took != webhook.Deadline {
				t.Errorf("answered after %s", took)
			}
		}
		f.wantCounts(map[string]float64{`failures{reason="deadline"}`: 2 * inside, `failures{reason="overloaded"}`: 2 * waiting})
	})
}

// TestOverloadIsLoggedSeldom: thousands are refused in an overload, which one line and the metric tell as well.
func TestOverloadIsLoggedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := blocking{release: make(chan struct{})}
		f := newFixtureWith(t, l)
		body := small(t)
		f.crowd(body, webhook.StartInFlight+webhook.MaxWaiting)
		time.Sleep(webhook.MaxWait) //nolint:forbidigo // in the test's own time
		synctest.Wait()
		if n := strings.Count(f.logged.String(), `"reason"="overloaded"`); n != 1 {
			t.Errorf("%d lines", n)
		}
		close(l.release)
	})
}

// TestPanicGivesTheTurnBack: a bug in one event's handling must not use up the places one by one.
func TestPanicGivesTheTurnBack(t *testing.T) {
	broken := true
	f := newFixtureWith(t, ledgerFunc(func(context.Context, payment.Fact) (ledger.Result, error) {
		if broken {
			panic("bug")
		}
		return ledger.Applied, nil
	}))
	body := small(t)
	for range webhook.StartInFlight + webhook.MaxWaiting {
		func() {
			defer func() { _ = recover() }()
			f.deliver(body)
		}()
	}
	broken = false
	wantAccepted(t, f.deliver(body))
	if n := f.sample("in_flight"); n != 0 {
		t.Errorf("%v in flight", n)
	}
}
