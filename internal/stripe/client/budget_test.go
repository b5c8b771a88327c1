package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// roundTrip makes one attempt in place of the network, so that the time of a bubble may pass.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func responds(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// spent is a budget of one attempt an hour, the first of which is an hour away.
func spent() *rate.Limiter {
	budget := rate.NewLimiter(rate.Every(time.Hour), 1)
	budget.Allow()
	return budget
}

// TestTimeout: what has no answer in time is tried again, and an attempt's time is its own.
func TestTimeout(t *testing.T) {
	session := sessionJSON(t)
	synctest.Test(t, func(t *testing.T) {
		client, made := clientOf(t, "rk_test_"+keyTail, stripeclient.Options{Timeout: 3 * time.Second, Retries: 2})
		attempts := 0
		client.Through(roundTrip(func(r *http.Request) (*http.Response, error) {
			if attempts++; attempts < 3 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return responds(http.StatusOK, session), nil
		}))
		begun := time.Now()
		if _, err := client.Session(t.Context(), sampleSession); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took != 6*time.Second {
			t.Errorf("it took %s", took)
		}
		made.must(t, []string{"checkout.sessions.retrieve error", "checkout.sessions.retrieve error", "checkout.sessions.retrieve 200"}, nil)
	})
}

// TestBudget: every attempt is one of the budget's. To wait for it is no part of an attempt's time.
func TestBudget(t *testing.T) {
	session := sessionJSON(t)
	synctest.Test(t, func(t *testing.T) {
		const timeout = 3 * time.Second
		client, made := clientOf(t, "rk_test_"+keyTail, stripeclient.Options{Timeout: timeout, Retries: 2, Budget: spent()})
		begun, attempts := time.Now(), 0
		client.Through(roundTrip(func(r *http.Request) (*http.Response, error) {
			attempts++
			if waited := time.Since(begun); waited != time.Duration(attempts)*time.Hour {
				t.Errorf("attempt %d came after %s", attempts, waited)
			}
			if deadline, ok := r.Context().Deadline(); !ok || time.Until(deadline) != timeout {
				t.Errorf("attempt %d had %s", attempts, time.Until(deadline))
			}
			if attempts < 3 {
				return responds(http.StatusInternalServerError, `{"error":{"type":"api_error"}}`), nil
			}
			return responds(http.StatusOK, session), nil
		}))
		if _, err := client.Session(t.Context(), sampleSession); err != nil {
			t.Error(err)
		}
		made.must(t, []string{"checkout.sessions.retrieve 500", "checkout.sessions.retrieve 500", "checkout.sessions.retrieve 200"}, nil)
	})
}

// TestBudgetEnds: who waits for the budget may leave, and is told at once where the wait would be too long.
func TestBudgetEnds(t *testing.T) {
	none := roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("an attempt was made") })
	for name, row := range map[string]struct {
		retries int64
		end     func(context.Context) (context.Context, context.CancelFunc)
		want    string
		is      error
		took    time.Duration
	}{
		"left": {0, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Minute, cancel)
			return ctx, cancel
		}, "context canceled", context.Canceled, time.Minute},
		"left, and would try again": {2, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Minute, cancel)
			return ctx, cancel
		}, "context canceled", context.Canceled, time.Minute},
		"too long a wait": {0, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		}, "no call is left before the deadline", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, made := clientOf(t, "rk_test_"+keyTail, stripeclient.Options{Timeout: time.Second, Retries: row.retries, Budget: spent()})
				client.Through(none)
				begun := time.Now()
				ctx, cancel := row.end(t.Context())
				defer cancel()
				_, err := client.Session(ctx, sampleSession)
				unanswered(t, err, row.want)
				if row.is != nil && !errors.Is(err, row.is) {
					t.Error(err)
				}
				if took := time.Since(begun); took != row.took {
					t.Errorf("it took %s", took)
				}
				made.must(t, nil, nil)
			})
		})
	}
}

// TestLeaving: no attempt is made for who has left, and none is told. stripe-go sleeps through its pauses.
func TestLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, made := clientOf(t, "rk_test_"+keyTail, stripeclient.Options{Timeout: time.Minute, Retries: 5})
		client.Ponder()
		attempts := 0
		client.Through(roundTrip(func(r *http.Request) (*http.Response, error) {
			if attempts++; r.Context().Err() != nil {
				t.Error("an attempt was made after all")
			}
			return responds(http.StatusInternalServerError, `{"error":{"type":"api_error"}}`), nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond) // in the second pause
		defer cancel()
		begun := time.Now()
		_, err := client.Session(ctx, sampleSession)
		unanswered(t, err, "context deadline exceeded")
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		made.must(t, []string{"checkout.sessions.retrieve 500", "checkout.sessions.retrieve 500"}, nil)
	})
}
