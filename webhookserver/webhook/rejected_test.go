package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// TestRejected: every kind of delivery that is answered 4xx. Nothing is written.
func TestRejected(t *testing.T) {
	body := paid(t)
	malformed := func(sample string, changes ...stripeevents.Change) []byte {
		return stripeevents.Hostile(t, sample, changes...)
	}
	post := func(body []byte, signature string) func(context.Context) *http.Request {
		return func(ctx context.Context) *http.Request { return request(ctx, body, signature) }
	}
	signed := func(body []byte) func(context.Context) *http.Request { return post(body, sign(body)) }
	with := func(method string) func(context.Context) *http.Request {
		return func(ctx context.Context) *http.Request {
			r := request(ctx, body, sign(body))
			r.Method = method
			return r
		}
	}
	for name, row := range map[string]struct {
		request func(context.Context) *http.Request
		status  int
		reason  string
		detail  string
	}{
		"no signature":             {post(body, ""), 400, "bad_signature", "signing secret of this very endpoint"},
		"another secret":           {post(body, stripeevents.Signature("whsec_other", now, body)), 400, "bad_signature", "signing secret"},
		"an empty secret":          {post(body, stripeevents.Signature("", now, body)), 400, "bad_signature", "signing secret"},
		"a reformatted body":       {post(bytes.ReplaceAll(body, []byte("\n"), nil), sign(body)), 400, "bad_signature", "pass the body on unchanged"},
		"no body":                  {post(nil, ""), 400, "bad_signature", "signing secret"},
		"a replay":                 {post(body, stripeevents.Signature(secret, now.Add(-301*time.Second), body)), 400, "stale_timestamp", "more than 300 s old"},
		"from the future":          {post(body, stripeevents.Signature(secret, now.Add(301*time.Second), body)), 400, "future_timestamp", "more than 300 s ahead"},
		"signed, a form":           {signed([]byte("id=evt_1")), 400, "malformed", "not JSON"},
		"signed, no body":          {signed(nil), 400, "malformed", "not JSON"},
		"signed, truncated":        {signed(body[:1000]), 400, "malformed", "not JSON"},
		"signed, a list":           {signed([]byte("[]")), 400, "malformed", "not an object"},
		"signed, amount in euros":  {signed(malformed(stripeevents.SessionPaid, stripeevents.Set("data.object.amount_total", 49.99))), 400, "malformed", `field "data.object.amount_total"`},
		"signed, no session id":    {signed(malformed(stripeevents.SessionPaid, stripeevents.Drop("data.object.id"))), 400, "malformed", `field "data.object.id" is missing`},
		"GET":                      {with(http.MethodGet), 405, "method", "sent with POST"},
		"HEAD":                     {with(http.MethodHead), 405, "method", "sent with POST"},
		"PUT":                      {with(http.MethodPut), 405, "method", "sent with POST"},
		"DELETE":                   {with(http.MethodDelete), 405, "method", "sent with POST"},
		"OPTIONS":                  {with(http.MethodOptions), 405, "method", "sent with POST"},
		"too large, with length":   {signed(make([]byte, webhook.MaxBody+1)), 413, "too_large", "512 KiB"},
		"too large, though forged": {post(make([]byte, webhook.MaxBody+1), "t=1,v1=00"), 413, "too_large", "512 KiB"},
		"too large, in chunks": {func(ctx context.Context) *http.Request {
			large := make([]byte, webhook.MaxBody+1)
			r := request(ctx, large, sign(large))
			r.ContentLength = -1
			return r
		}, 413, "too_large", "512 KiB"},
		"truncated": {func(ctx context.Context) *http.Request {
			r := request(ctx, nil, sign(body))
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:100]), iotest.ErrReader(io.ErrUnexpectedEOF)))
			return r
		}, 400, "unreadable", "could not be read to its end"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, interceptor.Funcs{}, order())
			wantProblem(t, f.send(row.request(t.Context())), row.status, row.detail)
			f.wantCounts(failures(row.reason))
			f.wantUntouched()
			f.wantSample("duration_seconds_count", 1)
			f.wantSample("last_event_timestamp_seconds", 0)
		})
	}
}

// TestLargestDelivery: an event of 512 KiB is accepted.
func TestLargestDelivery(t *testing.T) {
	body := paid(t)
	body = append(body, bytes.Repeat([]byte(" "), webhook.MaxBody-len(body))...)
	for name, chunked := range map[string]bool{"with length": false, "in chunks": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, interceptor.Funcs{}, order())
			r := request(t.Context(), body, sign(body))
			if chunked {
				r.ContentLength = -1
			}
			wantAccepted(t, f.send(r))
		})
	}
}

// TestRetried: every failure that can pass is answered 503, so that Stripe sends the event again. The answer does not describe
// the cluster, and the log contains the reason.
func TestRetried(t *testing.T) {
	for name, row := range map[string]struct {
		failure interceptor.Funcs
		sample  string
		reason  string
	}{
		"API server unreachable": {fakeapi.FailStatusPatch(errUnreachable), stripeevents.SessionPaid, "apiserver"},
		"API server starting":    {fakeapi.FailStatusPatch(fakeapi.Unavailable()), stripeevents.SessionPaid, "apiserver"},
		"API server overloaded":  {fakeapi.FailStatusPatch(apierrors.NewTooManyRequests("slow down", 1)), stripeevents.SessionPaid, "apiserver"},
		"no permission":          {fakeapi.FailStatusPatch(apierrors.NewForbidden(fakeapi.OrderResource, "lifetime-7c9e", errUnreachable)), stripeevents.SessionPaid, "apiserver"},
		"deadline exceeded":      {fakeapi.FailStatusPatch(fmt.Errorf("patch: %w", context.DeadlineExceeded)), stripeevents.SessionPaid, "deadline"},
		"connection closed":      {fakeapi.FailStatusPatch(fmt.Errorf("patch: %w", context.Canceled)), stripeevents.SessionPaid, "deadline"},
		"conflicts":              {fakeapi.FailStatusPatch(fakeapi.Conflict(orderName)), stripeevents.SessionPaid, "conflict"},
		"unreachable, create":    {fakeapi.FailCreate(errUnreachable), stripeevents.ChargeRefunded, "apiserver"},
		"unreachable, list":      {fakeapi.FailList(errUnreachable), stripeevents.ChargeRefunded, "apiserver"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // retries take no real time
				f := newFixture(t, row.failure, order())
				answer := f.deliver(stripeevents.FromStripe(t, row.sample))
				wantProblem(t, answer, http.StatusServiceUnavailable, "send it again")
				f.wantCounts(failures(row.reason))
				f.wantUntouched()
				if strings.Contains(answer.Body.String(), "10.0.0.1") || strings.Contains(answer.Body.String(), "lifetime") {
					t.Errorf("got body %s, want nothing of the cluster", answer.Body)
				}
				if !strings.Contains(f.logged.String(), `"reason"="`+row.reason+`"`) || !strings.Contains(f.logged.String(), "Webhook not accepted") {
					t.Errorf("got log %s, want the reason %s", f.logged, row.reason)
				}
			})
		})
	}
}

// TestRedelivery: an event that was answered 503 is accepted when Stripe sends it again.
func TestRedelivery(t *testing.T) {
	var failing atomic.Bool
	failing.Store(true)
	f := newFixture(t, interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			if failing.Load() {
				return errUnreachable
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
	}, order())
	wantProblem(t, f.deliver(paid(t)), http.StatusServiceUnavailable, "send it again")
	failing.Store(false)
	wantAccepted(t, f.deliver(paid(t)))
	check.Equal(t, v1alpha1.OrderPaid, f.api.Order(orderName).Status.Phase, "phase")
}

// TestDeadline: the answer comes after 8 s if the API server does not answer.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixtureWith(t, ledgerFunc(func(ctx context.Context, _ payment.Fact) (ledger.Result, error) {
			<-ctx.Done()
			return "", fmt.Errorf("patch order status: %w", ctx.Err())
		}))
		start := time.Now()
		wantProblem(t, f.deliver(paid(t)), http.StatusServiceUnavailable, "could not be kept in time")
		check.Equal(t, webhook.Deadline, time.Since(start), "time to the answer")
		f.wantCounts(failures("deadline"))
	})
}

// TestUnknownError: an unknown error is answered 503, as an error of the API server.
func TestUnknownError(t *testing.T) {
	f := newFixtureWith(t, ledgerFunc(func(context.Context, payment.Fact) (ledger.Result, error) {
		return "", errors.New("etcdserver: no leader")
	}))
	wantProblem(t, f.deliver(paid(t)), http.StatusServiceUnavailable, "send it again")
	f.wantCounts(failures("apiserver"))
}

// TestRealRequests sends over the network, where the length of a chunked body is not known.
func TestRealRequests(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, order())
	server := httptest.NewServer(f.handler)
	defer server.Close()
	body, large := paid(t), make([]byte, webhook.MaxBody+1)
	for name, row := range map[string]struct {
		body   io.Reader
		signed []byte
		status int
	}{
		"sale":                 {bytes.NewReader(body), body, 200},
		"sale in chunks":       {io.MultiReader(bytes.NewReader(body)), body, 200},
		"too large":            {bytes.NewReader(large), large, 413},
		"too large, in chunks": {io.MultiReader(bytes.NewReader(large)), large, 413},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+webhook.Path, row.body)
			check.Must(t, err)
			r.Header.Set("Stripe-Signature", sign(row.signed))
			answer, err := server.Client().Do(r)
			check.Must(t, err)
			defer func() { _ = answer.Body.Close() }()
			check.Equal(t, row.status, answer.StatusCode, "%s", answer.Status)
		})
	}
}

// TestBadSignatureLog: bad signatures are logged, but only once a minute, since any stranger can cause them.
func TestBadSignatureLog(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, order())
	forged := func() int {
		f.send(request(t.Context(), paid(t), "t=1760000100,v1=00"))
		return strings.Count(f.logged.String(), `"level"=0 "msg"="Webhook refused" "reason"="bad_signature"`)
	}
	for i, step := range []struct {
		after  time.Duration
		logged int
	}{{0, 1}, {0, 1}, {59 * time.Second, 1}, {time.Second, 2}, {0, 2}, {time.Hour, 3}} {
		f.clock.SetTime(f.clock.Now().Add(step.after))
		check.Equal(t, step.logged, forged(), "step %d: log messages", i)
	}
}
