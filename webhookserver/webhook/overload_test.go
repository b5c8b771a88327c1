package webhook_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// concurrently sends the requests at once. The function it returns waits for the responses, and counts them by status.
func (f *fixture) concurrently(count int, request func() *http.Request) (statuses func() map[int]int) {
	codes := make(chan int, count)
	for range count {
		go func() { codes <- f.send(request()).Code }()
	}
	return func() map[int]int {
		counts := map[int]int{}
		for range count {
			counts[<-codes]++
		}
		return counts
	}
}

// deliverConcurrently delivers a body many times at once.
func (f *fixture) deliverConcurrently(body []byte, count int) (statuses func() map[int]int) {
	signature := sign(body)
	return f.concurrently(count, func() *http.Request { return request(f.t.Context(), body, signature) })
}

// TestOverload: up to the limits events are written or wait, and any further one is rejected at once. Other deliveries are
// answered as ever.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := blocking{release: make(chan struct{})}
		f := newFixtureWith(t, l)
		body := small(t)
		statuses := f.deliverConcurrently(body, webhook.StartInFlight+webhook.MaxWaiting)
		synctest.Wait()
		f.wantSample("in_flight", webhook.StartInFlight)
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
			check.Equal(t, row.want, row.answer.Code, "%s: status", name)
		}
		check.Equal(t, 0, time.Since(start), "time to the answers")

		close(l.release)
		want := map[int]int{http.StatusOK: webhook.StartInFlight + webhook.MaxWaiting}
		check.Equal(t, want, statuses(), "statuses")
		wantAccepted(t, f.deliver(body)) // every place was released
		f.wantSample("in_flight", 0)
	})
}

// TestForgedEventsAreNotLimited: forged events do not displace signed ones.
func TestForgedEventsAreNotLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureWith(t, blocking{release: make(chan struct{})})
		body := small(t)
		for range webhook.StartInFlight + webhook.MaxWaiting + 1 {
			if answer := f.send(request(t.Context(), body, "t=1,v1=00")); answer.Code != http.StatusBadRequest {
				t.Fatalf("got status %d for a forged event, want 400", answer.Code)
			}
		}
		statuses := f.deliverConcurrently(body, webhook.StartInFlight)
		synctest.Wait()
		f.wantSample("in_flight", webhook.StartInFlight)
		statuses()
	})
}

// TestWaitEnds: an event that waits for long is rejected, and one in flight at its deadline. Both release their places.
func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureWith(t, blocking{release: make(chan struct{})})
		body := small(t)
		const inFlight, waiting = webhook.StartInFlight, webhook.MaxWaiting
		for round := range 2 { // the second round would lack a place that was not released
			statuses := f.deliverConcurrently(body, inFlight+waiting)
			start := time.Now()
			time.Sleep(webhook.MaxWait) //nolint:forbidigo // in the test's own time
			synctest.Wait()
			want := map[string]float64{`failures{reason="overloaded"}`: float64(round+1) * waiting}
			if round > 0 {
				want[`failures{reason="deadline"}`] = float64(round) * inFlight
			}
			f.wantCounts(want)
			check.Equal(t, map[int]int{http.StatusServiceUnavailable: inFlight + waiting}, statuses(), "statuses")
			check.Equal(t, webhook.Deadline, time.Since(start), "time to the answers")
		}
		f.wantCounts(map[string]float64{`failures{reason="deadline"}`: 2 * inFlight, `failures{reason="overloaded"}`: 2 * waiting})
	})
}

// TestOverloadLog: an overload is logged once, though it rejects thousands of events.
func TestOverloadLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := blocking{release: make(chan struct{})}
		f := newFixtureWith(t, l)
		f.deliverConcurrently(small(t), webhook.StartInFlight+webhook.MaxWaiting)
		time.Sleep(webhook.MaxWait) //nolint:forbidigo // in the test's own time
		synctest.Wait()
		check.Equal(t, 1, strings.Count(f.logged.String(), `"reason"="overloaded"`), "log messages")
		close(l.release)
	})
}

// TestPanic: a panic is answered 500 without its text, counted and logged, and it releases its place.
func TestPanic(t *testing.T) {
	broken := true
	f := newFixtureWith(t, ledgerFunc(func(context.Context, payment.Fact) (ledger.Result, error) {
		if broken {
			panic("index out of range")
		}
		return ledger.Applied, nil
	}))
	body := small(t)
	const panics = webhook.StartInFlight + webhook.MaxWaiting
	for range panics {
		answer := f.deliver(body)
		if answer.Code != http.StatusInternalServerError || strings.Contains(answer.Body.String(), "index") {
			t.Fatalf("got %d %s, want 500 without the panic", answer.Code, answer.Body)
		}
	}
	f.wantCounts(map[string]float64{`failures{reason="internal"}`: panics})
	check.Contains(t, f.logged.String(), "index out of range")
	broken = false
	wantAccepted(t, f.deliver(body))
	f.wantSample("in_flight", 0)
}
