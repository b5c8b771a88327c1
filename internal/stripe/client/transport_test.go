package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

const retrieve = "checkout.sessions.retrieve"

// TestAttempts: a failure that can be temporary is retried, and no other. Every attempt is observed once.
func TestAttempts(t *testing.T) {
	session := respond(http.StatusOK, sessionJSON(t))
	for name, row := range map[string]struct {
		responses []http.HandlerFunc
		codes     string
		want      string // the error; "" means a session
	}{
		"good":                       {[]http.HandlerFunc{session}, "200", ""},
		"broken once":                {[]http.HandlerFunc{refuse(500, ""), session}, "500 200", ""},
		"broken twice":               {[]http.HandlerFunc{refuse(500, ""), refuse(502, ""), session}, "500 502 200", ""},
		"broken for longer":          {[]http.HandlerFunc{refuse(500, "")}, "500 500 500", "status 500, request req_7"},
		"unavailable once":           {[]http.HandlerFunc{refuse(503, ""), session}, "503 200", ""},
		"in conflict once":           {[]http.HandlerFunc{refuse(409, "idempotency_key_in_use"), session}, "409 200", ""},
		"locked once":                {[]http.HandlerFunc{refuse(429, "lock_timeout"), session}, "429 200", ""},
		"a proxy without a backend":  {[]http.HandlerFunc{respond(502, "<html>Erika</html>"), session}, "502 200", ""},
		"broken off once":            {[]http.HandlerFunc{breakOff, session}, "error 200", ""},
		"broken off for longer":      {[]http.HandlerFunc{breakOff}, "error error error", "no connection, or no response in time"},
		"too many calls":             {[]http.HandlerFunc{refuse(429, "rate_limit")}, "429", "too many calls (status 429, request req_7)"},
		"wrong key":                  {[]http.HandlerFunc{refuse(401, "")}, "401", "does not know the API key"},
		"no permission":              {[]http.HandlerFunc{refuse(403, "")}, "403", "lacks a permission"},
		"bad request":                {[]http.HandlerFunc{refuse(400, "parameter_unknown")}, "400", "status 400, request req_7"},
		"broken, then no permission": {[]http.HandlerFunc{refuse(500, ""), refuse(403, "")}, "500 403", "lacks a permission"},
	} {
		t.Run(name, func(t *testing.T) {
			api := newScriptedAPI(t, row.responses...)
			client := newClient(t, testKey, stripeclient.Options{Base: api.URL, Retries: 2})
			got, err := client.Session(t.Context(), sampleSession)
			switch {
			case row.want != "":
				checkFailed(t, err, row.want)
			case err != nil || got.Fact.Session.ID != sampleSession:
				t.Errorf("got %+v and error %v, want session %s", got, err, sampleSession)
			}
			client.calls.expectCodes(t, retrieve, row.codes)
			if got, want := len(api.received(bearer)), len(strings.Fields(row.codes)); got != want {
				t.Errorf("got %d requests, want %d", got, want)
			}
		})
	}
}

// TestPostAttempts: a POST that failed inside Stripe is not retried, because Stripe stores its result under the
// idempotency key. A retry carries the same key.
func TestPostAttempts(t *testing.T) {
	created := respond(http.StatusOK, `{"id":"we_1","secret":"whsec_1"}`)
	for name, row := range map[string]struct {
		first http.HandlerFunc
		codes string
	}{
		"broken": {refuse(500, ""), "500"}, "broken off": {breakOff, "error 200"}, "conflict": {refuse(409, ""), "409 200"},
	} {
		t.Run(name, func(t *testing.T) {
			api := newScriptedAPI(t, row.first, created)
			client := newClient(t, testKey, stripeclient.Options{Base: api.URL, Retries: 2})
			_, _, err := client.CreateEndpoint(t.Context(), stripeclient.NewEndpoint{URL: "https://shop.example/webhook", IdempotencyKey: "once"})
			if (err == nil) != strings.HasSuffix(row.codes, "200") {
				t.Errorf("got error %v after %s", err, row.codes)
			}
			client.calls.expectCodes(t, "webhook_endpoints.create", row.codes)
			for _, key := range api.received(func(r *http.Request) string { return r.Header.Get("Idempotency-Key") }) {
				if key != "once" {
					t.Errorf("got idempotency key %q, want once", key)
				}
			}
		})
	}
}

// TestLargeResponse: no response fills the memory.
func TestLargeResponse(t *testing.T) {
	piece := strings.Repeat("x", 1<<20)
	client := newScriptedClient(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"`+sampleSession+`","url":"`)
		for range 64 {
			if _, err := io.WriteString(w, piece); err != nil {
				return // the client has closed the connection
			}
		}
		_, _ = io.WriteString(w, `"}`)
	})
	_, err := client.Session(t.Context(), sampleSession)
	checkFailed(t, err, "the response is larger than 32 MiB")
	client.calls.expectCodes(t, retrieve, "error")
}

// TestRedirect: the client follows no redirect, does not retry it, and does not use its body. Stripe never redirects.
func TestRedirect(t *testing.T) {
	elsewhere := newScriptedAPI(t, respond(http.StatusOK, sessionJSON(t)))
	for _, body := range []string{"", "<html>Erika</html>", `{}`, sessionJSON(t), `{"id":"we_1","secret":"whsec_1"}`, `{"data":[]}`} {
		for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
			api := newScriptedAPI(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", elsewhere.URL+r.URL.Path)
				respond(status, body)(w, r)
			})
			client := newClient(t, testKey, stripeclient.Options{Base: api.URL, Retries: 2})
			want := fmt.Sprintf("status %d, request req_7", status)
			_, err := client.Session(t.Context(), sampleSession)
			checkFailed(t, err, want)
			_, _, err = client.CreateEndpoint(t.Context(), stripeclient.NewEndpoint{URL: "https://shop.example/webhook"})
			checkFailed(t, err, want)
			_, _, err = client.Undelivered(t.Context(), time.Unix(0, 0))
			checkFailed(t, err, want)
			client.calls.expect(t, fmt.Sprintf("%s %d", retrieve, status), fmt.Sprintf("webhook_endpoints.create %d", status), fmt.Sprintf("events.list %d", status))
		}
	}
	if n := len(elsewhere.received(bearer)); n > 0 {
		t.Errorf("got %d requests at the target of the redirect, want none", n)
	}
}

// TestNoResponse: the client waits no longer than its timeout and its context for a Stripe that does not respond.
func TestNoResponse(t *testing.T) {
	arrived := make(chan struct{}, 1)
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	defer stuck.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, row := range map[string]struct {
		base    string
		timeout time.Duration
		context func(context.Context) (context.Context, context.CancelFunc)
		want    string
		is      error
	}{
		"timeout": {stuck.URL, 20 * time.Millisecond, context.WithCancel, "call to Stripe's API failed", nil},
		"deadline": {stuck.URL, time.Minute, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 20*time.Millisecond)
		}, "context deadline exceeded", nil},
		"canceled": {stuck.URL, time.Minute, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			go func() { <-arrived; arrived <- struct{}{}; cancel() }()
			return ctx, cancel
		}, "context canceled", context.Canceled},
		"no server": {gone.URL, time.Minute, context.WithCancel, "no connection, or no response in time", nil},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, testKey, stripeclient.Options{Base: row.base, Timeout: row.timeout})
			ctx, cancel := row.context(t.Context())
			defer cancel()
			_, err := client.Session(ctx, sampleSession)
			checkFailed(t, err, row.want)
			if row.is != nil && !errors.Is(err, row.is) {
				t.Errorf("got error %v, want %v", err, row.is)
			}
			if row.base == stuck.URL {
				<-arrived
			}
			client.calls.expectCodes(t, retrieve, "error")
		})
	}
}

// roundTrip is a network without connections, for a test with a fake time.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func newResponse(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// spentBudget allows one attempt an hour, the first after an hour.
func spentBudget() *rate.Limiter {
	budget := rate.NewLimiter(rate.Every(time.Hour), 1)
	budget.Allow()
	return budget
}

func expectTook(t *testing.T, since time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(since); got != want {
		t.Errorf("got a duration of %s, want %s", got, want)
	}
}

// TestTimeout: an attempt that times out is retried, and every attempt has the whole timeout.
func TestTimeout(t *testing.T) {
	session := sessionJSON(t)
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, testKey, stripeclient.Options{Timeout: 3 * time.Second, Retries: 2})
		attempts := 0
		client.SetNetwork(roundTrip(func(r *http.Request) (*http.Response, error) {
			if attempts++; attempts < 3 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return newResponse(http.StatusOK, session), nil
		}))
		begun := time.Now()
		_, err := client.Session(t.Context(), sampleSession)
		check(t, err)
		expectTook(t, begun, 6*time.Second)
		client.calls.expectCodes(t, retrieve, "error error 200")
	})
}

// TestBudget: every attempt uses the budget. The wait for the budget does not count towards the timeout.
func TestBudget(t *testing.T) {
	session := sessionJSON(t)
	synctest.Test(t, func(t *testing.T) {
		const timeout = 3 * time.Second
		client := newClient(t, testKey, stripeclient.Options{Timeout: timeout, Retries: 2, Budget: spentBudget()})
		begun, attempts := time.Now(), 0
		client.SetNetwork(roundTrip(func(r *http.Request) (*http.Response, error) {
			attempts++
			expectTook(t, begun, time.Duration(attempts)*time.Hour)
			if deadline, ok := r.Context().Deadline(); !ok || time.Until(deadline) != timeout {
				t.Errorf("attempt %d: got a timeout of %s, want %s", attempts, time.Until(deadline), timeout)
			}
			if attempts < 3 {
				return newResponse(http.StatusInternalServerError, `{"error":{"type":"api_error"}}`), nil
			}
			return newResponse(http.StatusOK, session), nil
		}))
		_, err := client.Session(t.Context(), sampleSession)
		check(t, err)
		client.calls.expectCodes(t, retrieve, "500 500 200")
	})
}

// TestBudgetEnds: the wait for the budget ends with the context, and fails at once if it would outlast the deadline.
func TestBudgetEnds(t *testing.T) {
	cancelAfterMinute := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Minute, cancel)
		return ctx, cancel
	}
	for name, row := range map[string]struct {
		retries int64
		context func(context.Context) (context.Context, context.CancelFunc)
		want    string
		is      error
		took    time.Duration
	}{
		"canceled":             {0, cancelAfterMinute, "context canceled", context.Canceled, time.Minute},
		"canceled, of retries": {2, cancelAfterMinute, "context canceled", context.Canceled, time.Minute},
		"too long a wait": {0, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		}, "no call is left before the deadline", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, testKey, stripeclient.Options{Timeout: time.Second, Retries: row.retries, Budget: spentBudget()})
				client.SetNetwork(roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("an attempt was made") }))
				begun := time.Now()
				ctx, cancel := row.context(t.Context())
				defer cancel()
				_, err := client.Session(ctx, sampleSession)
				checkFailed(t, err, row.want)
				if row.is != nil && !errors.Is(err, row.is) {
					t.Errorf("got error %v, want %v", err, row.is)
				}
				expectTook(t, begun, row.took)
				client.calls.expect(t)
			})
		})
	}
}

// TestCanceledRetry: no attempt is made or observed after the context has ended. stripe-go sleeps on between attempts.
func TestCanceledRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, testKey, stripeclient.Options{Retries: 5})
		client.SetRetrySleep(true)
		client.SetNetwork(roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Context().Err() != nil {
				t.Error("got an attempt after the end of the context, want none")
			}
			return newResponse(http.StatusInternalServerError, `{"error":{"type":"api_error"}}`), nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond) // in the second sleep
		defer cancel()
		begun := time.Now()
		_, err := client.Session(ctx, sampleSession)
		checkFailed(t, err, "context deadline exceeded")
		if got := time.Since(begun); got > 5*time.Second {
			t.Errorf("got a duration of %s, want at most 5s", got)
		}
		client.calls.expectCodes(t, retrieve, "500 500")
	})
}
