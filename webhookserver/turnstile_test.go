package webhookserver_test

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
	"github.com/paylink-dev/paylink/webhookserver"
)

// blocking is a ledger that keeps a fact only once it is let.
type blocking struct{ let chan struct{} }

func (b blocking) Apply(ctx context.Context, _ payment.Fact) (ledger.Result, error) {
	select {
	case <-b.let:
		return ledger.Applied, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// crowd delivers a body many times at once, and collects the answers by status.
func (s *shop) crowd(body []byte, size int) (answers func() map[int]int) {
	signature := sign(body)
	codes := make(chan int, size)
	for range size {
		go func() { codes <- s.send(request(s.t.Context(), body, signature)).Code }()
	}
	return func() map[int]int {
		counts := map[int]int{}
		for range size {
			counts[<-codes]++
		}
		return counts
	}
}

// small is an event of interest that is quick to read.
func small(t *testing.T) []byte { return stripeevents.FromStripe(t, stripeevents.RefundFailed) }

// TestOverload: so many are written at once, so many wait, and the rest is sent away at once. Whoever cannot sign is
// no part of it.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := blocking{let: make(chan struct{})}
		s := newShopWith(t, l)
		body := small(t)
		answers := s.crowd(body, webhookserver.StartInFlight+webhookserver.MaxWaiting)
		synctest.Wait()
		if n := s.sample("in_flight"); n != webhookserver.StartInFlight {
			t.Errorf("%v in flight", n)
		}
		s.counted(map[string]float64{})

		start := time.Now()
		refused(t, s.deliver(body), http.StatusServiceUnavailable, "Too many events at once")
		s.counted(failures("overloaded"))
		for name, row := range map[string]struct {
			answer *httptest.ResponseRecorder
			want   int
		}{
			"forged":         {s.send(request(t.Context(), body, "t=1,v1=00")), 400},
			"of no interest": {s.deliver(stripeevents.FromStripe(t, stripeevents.SessionExpired)), 200},
			"thin":           {s.deliver([]byte(`{"id":"evt_1"}`)), 200},
		} {
			if row.answer.Code != row.want {
				t.Errorf("%s: %d", name, row.answer.Code)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("answered after %s", took)
		}

		close(l.let)
		want := map[int]int{http.StatusOK: webhookserver.StartInFlight + webhookserver.MaxWaiting}
		if diff := cmp.Diff(want, answers()); diff != "" {
			t.Error(diff)
		}
		taken(t, s.deliver(body)) // the turns were given back
		if n := s.sample("in_flight"); n != 0 {
			t.Errorf("%v in flight", n)
		}
	})
}

// TestForgedNeverTakeATurn: a crowd of strangers does not keep Stripe out.
func TestForgedNeverTakeATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShopWith(t, blocking{let: make(chan struct{})})
		body := small(t)
		for range webhookserver.StartInFlight + webhookserver.MaxWaiting + 1 {
			if answer := s.send(request(t.Context(), body, "t=1,v1=00")); answer.Code != http.StatusBadRequest {
				t.Fatalf("forged: %d", answer.Code)
			}
		}
		answers := s.crowd(body, webhookserver.StartInFlight)
		synctest.Wait()
		if n := s.sample("in_flight"); n != webhookserver.StartInFlight {
			t.Errorf("%v in flight", n)
		}
		answers()
	})
}

// TestWaitInVain: whoever has waited for a turn for long is sent away, as is who has his turn and is not done by the deadline,
// and leaves no trace in the queue.
func TestWaitInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := blocking{let: make(chan struct{})}
		s := newShopWith(t, l)
		body := small(t)
		const inside, waiting = webhookserver.StartInFlight, webhookserver.MaxWaiting
		for round := range 2 { // a place that is not given back would be missing the second time
			answers := s.crowd(body, inside+waiting)
			start := time.Now()
			time.Sleep(webhookserver.MaxWait) //nolint:forbidigo // in the test's own time
			synctest.Wait()
			want := map[string]float64{`failures{reason="overloaded"}`: float64(round+1) * waiting}
			if round > 0 {
				want[`failures{reason="deadline"}`] = float64(round) * inside
			}
			s.counted(want)
			if diff := cmp.Diff(map[int]int{http.StatusServiceUnavailable: inside + waiting}, answers()); diff != "" {
				t.Error(diff)
			}
			if took := time.Since(start); took != webhookserver.Deadline {
				t.Errorf("answered after %s", took)
			}
		}
		s.counted(map[string]float64{`failures{reason="deadline"}`: 2 * inside, `failures{reason="overloaded"}`: 2 * waiting})
	})
}

// TestOverloadIsLoggedSeldom: thousands are refused in an overload, which one line and the metric tell as well.
func TestOverloadIsLoggedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := blocking{let: make(chan struct{})}
		s := newShopWith(t, l)
		body := small(t)
		s.crowd(body, webhookserver.StartInFlight+webhookserver.MaxWaiting)
		time.Sleep(webhookserver.MaxWait) //nolint:forbidigo // in the test's own time
		synctest.Wait()
		if n := strings.Count(s.logged.String(), `"reason"="overloaded"`); n != 1 {
			t.Errorf("%d lines", n)
		}
		close(l.let)
	})
}

// TestPanicGivesTheTurnBack: a bug in one event's handling must not use up the places one by one.
func TestPanicGivesTheTurnBack(t *testing.T) {
	broken := true
	s := newShopWith(t, ledgerFunc(func(context.Context, payment.Fact) (ledger.Result, error) {
		if broken {
			panic("bug")
		}
		return ledger.Applied, nil
	}))
	body := small(t)
	for range webhookserver.StartInFlight + webhookserver.MaxWaiting {
		func() {
			defer func() { _ = recover() }()
			s.deliver(body)
		}()
	}
	broken = false
	taken(t, s.deliver(body))
	if n := s.sample("in_flight"); n != 0 {
		t.Errorf("%v in flight", n)
	}
}
