package stripesim_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// listEvents asks for events as a client that trusts nothing would.
func listEvents(t *testing.T, sim *stripesim.Simulator, patience time.Duration) (status int, content []byte, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, sim.URL()+"/v1/events?limit=5", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+stripesim.TestKey)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	content, err = io.ReadAll(answer.Body)
	return answer.StatusCode, content, err
}

func TestTroubleWithTheAPI(t *testing.T) {
	sim := start(t, stripesim.Options{})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 1000}))
	trouble := func(is stripesim.Trouble) {
		sim.TroubleAPI(func(*http.Request) stripesim.Trouble { return is })
	}
	_, whole, err := listEvents(t, sim, time.Minute)
	if err != nil {
		t.Fatal(err)
	}

	trouble(stripesim.Trouble{Status: http.StatusTooManyRequests})
	if status, _, err := listEvents(t, sim, time.Minute); status != http.StatusTooManyRequests || err != nil {
		t.Errorf("an error status: %d, %v", status, err)
	}
	trouble(stripesim.Trouble{Hang: true})
	if _, _, err := listEvents(t, sim, 50*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a request that hangs ended with %v", err)
	}
	trouble(stripesim.Trouble{Cut: true})
	if status, content, err := listEvents(t, sim, time.Minute); status != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF) || len(content) != len(whole)/2 {
		t.Errorf("a cut answer: %d, %d of %d bytes, %v", status, len(content), len(whole), err)
	}
	trouble(stripesim.Trouble{PageLimit: 2})
	_, content, err := listEvents(t, sim, time.Minute)
	if page := decoded(t, content); err != nil || len(ids(page)) != 2 || page["has_more"] != true {
		t.Errorf("a short page: %s, %v", content, err)
	}
	sim.TroubleAPI(nil)
	if _, content, err := listEvents(t, sim, time.Minute); err != nil || string(content) != string(whole) {
		t.Errorf("after the trouble: %v\n%s", err, content)
	}
}

// TestDate: a client reads Stripe's time from the answers, whatever its own clock says.
func TestDate(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	sim := start(t, stripesim.Options{Clock: testingclock.NewFakeClock(at)})
	_, _, header := newCaller(t, sim, stripesim.TestKey).do(http.MethodGet, "/v1/events", "")
	if got, err := http.ParseTime(header.Get("Date")); err != nil || !got.Equal(at) {
		t.Errorf("the answer's date is %q, want %s", header.Get("Date"), at)
	}
}

func TestOffsetClock(t *testing.T) {
	ahead := stripesim.OffsetClock(time.Hour)
	if by := time.Until(ahead.Now()); by < 59*time.Minute || by > time.Hour {
		t.Errorf("the clock is %s ahead, want 1h", by)
	}
	if since := ahead.Since(time.Now()); since < time.Hour || since > 61*time.Minute {
		t.Errorf("now was %s ago, want 1h", since)
	}
	sim := start(t, stripesim.Options{Clock: ahead})
	paid := pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 1000}))
	if by := time.Until(paid.Created); by < 59*time.Minute {
		t.Errorf("a session was made %s from now, want 1h", by)
	}
}

// TestBooksRememberTheMost: what was refunded at most stays known, however much of it came back.
func TestBooksRememberTheMost(t *testing.T) {
	sim := start(t, stripesim.Options{})
	paid := pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 1000}))
	for _, amount := range []int64{300, 200} {
		refund, err := sim.Refund(paid.PaymentIntent, amount)
		if err != nil {
			t.Fatal(err)
		}
		if err := sim.FailRefund(refund.ID); err != nil {
			t.Fatal(err)
		}
	}
	if entry := sim.Books()[0]; entry.MostRefunded != 300 || entry.Refunded != 0 || entry.ChargeStatus != "succeeded" {
		t.Errorf("the books are %+v", entry)
	}
}
