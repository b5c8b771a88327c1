// Package client calls Stripe's API. It reads the responses as facts, in the form in which webhooks state them.
package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"
	"golang.org/x/time/rate"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// Options configure a Client. All are required but Retries and Budget.
type Options struct {
	Keys *credentials.Keys
	// Base is the base URL of the API, as ParseBase returns it.
	Base string
	// Timeout bounds each attempt at a call.
	Timeout time.Duration
	// Retries is the number of further attempts after a failure that can be temporary. Such failures are a lost connection,
	// a timeout, an incomplete response, 409, 503, a 429 with lock_timeout, and any 5xx to a read. stripe-go sleeps from
	// 0.5 s to 5 s before each attempt, and ignores the context while it sleeps.
	Retries int64
	// Budget limits the rate of all attempts; nil: no limit.
	Budget *rate.Limiter
	// Observe receives the operation of every attempt and its HTTP status, or "error" without a whole response.
	Observe func(operation, code string)
}

// Client calls Stripe's API. It never logs. Its errors hold neither a key nor data of a buyer.
type Client struct {
	keys    *credentials.Keys
	backend stripe.Backend
}

// New returns a client.
func New(o Options) *Client {
	return &Client{keys: o.Keys, backend: stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(o.Base),
		HTTPClient: &http.Client{
			Transport: &transport{next: http.DefaultTransport, timeout: o.Timeout, budget: o.Budget, observe: o.Observe},
			// Stripe's API never redirects, and no other host must receive a key.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		MaxNetworkRetries: stripe.Int64(o.Retries),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // its lines can hold the last characters of the key
		EnableTelemetry:   stripe.Bool(false),
	})}
}

// Live reports whether the client reads live mode. Otherwise it reads test mode.
func (c *Client) Live() bool { return c.keys.Live() }

// request is one call to the API.
type request struct {
	// operation names the call in metrics.
	operation    string
	method, path string
	form         *form.Values
	// idempotencyKey makes Stripe repeat its first response to a request with the same key; empty: no key.
	idempotencyKey string
	// permission is the one that a restricted key needs for the call, as the Dashboard names it.
	permission string
}

// response is a response of Stripe's that is not decoded yet.
type response struct{ stripe.APIResource }

// do makes a call and decodes the response into result. It returns the time of the response by Stripe's clock, or zero
// if the response has none.
func (c *Client) do(ctx context.Context, r request, result any) (time.Time, error) {
	params := &stripe.Params{Context: withOperation(ctx, r.operation)}
	if r.idempotencyKey != "" {
		params.IdempotencyKey = stripe.String(r.idempotencyKey)
	}
	var got response
	err := c.keys.Try(func(key credentials.Secret) error {
		got = response{}
		err := c.backend.CallRaw(r.method, r.path, string(key), r.form, params, &got)
		if last := got.LastResponse; last != nil && last.StatusCode >= http.StatusMultipleChoices {
			// stripe-go accepts a redirect as a response. Its body says nothing about payments or the key.
			return &stripe.Error{HTTPStatusCode: last.StatusCode, RequestID: last.RequestID}
		}
		return err
	})
	if err != nil {
		return time.Time{}, sanitize(err, r.permission)
	}
	if err := json.Unmarshal(got.LastResponse.RawJSON, result); err != nil {
		return time.Time{}, fmt.Errorf("%w: the response to %s: %s", ErrCallFailed, r.operation, webhook.DescribeJSON(err))
	}
	date, err := http.ParseTime(got.LastResponse.Header.Get("Date"))
	if err != nil {
		date = time.Time{}
	}
	return date, nil
}
