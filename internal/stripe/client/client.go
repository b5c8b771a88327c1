// Package client asks Stripe's API. It turns the answers into the facts that webhooks would state.
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

// Options say how Stripe's API is asked. All are required but Retries and Budget.
type Options struct {
	Keys *credentials.Keys
	// Base is the API's address, as ParseBase returns it.
	Base string
	// Timeout bounds each attempt at a call.
	Timeout time.Duration
	// Retries is how often stripe-go tries again what may work the second time: no connection, no answer in time or not
	// to its end, 409, a 429 that says lock_timeout, 503 and, where nothing is to be changed, any from 500 on. It sleeps
	// between half a second and five in between, whatever becomes of the context.
	Retries int64
	// Budget is how many attempts may be made, whatever they are for; nil: any number.
	Budget *rate.Limiter
	// Observe is told of every attempt: its operation, and the HTTP status or, where there was no whole answer, "error".
	Observe func(operation, code string)
}

// Client asks Stripe's API. It never logs: what an error says holds neither a key nor anything about a buyer.
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
			// Stripe's API redirects nowhere, and a key is not to follow.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		MaxNetworkRetries: stripe.Int64(o.Retries),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // its lines can hold the key's last digits
		EnableTelemetry:   stripe.Bool(false),
	})}
}

// Live reports whether the client sees live mode; otherwise it sees test mode.
func (c *Client) Live() bool { return c.keys.Live() }

// call is one request to the API.
type call struct {
	// operation names it in metrics.
	operation    string
	method, path string
	form         *form.Values
	// idempotencyKey, where it is set, makes Stripe answer a repetition as it did the first time.
	idempotencyKey string
	// needs is the permission that a restricted key must have, as the Dashboard names it.
	needs string
}

// answer is what Stripe answered with, not yet read.
type answer struct{ stripe.APIResource }

// ask makes a call and reads the answer into result. It returns when Stripe answered, by its own clock, where it says so.
func (c *Client) ask(ctx context.Context, one call, result any) (time.Time, error) {
	params := &stripe.Params{Context: withOperation(ctx, one.operation)}
	if one.idempotencyKey != "" {
		params.IdempotencyKey = stripe.String(one.idempotencyKey)
	}
	var got answer
	err := c.keys.Try(func(key credentials.Secret) error {
		got = answer{}
		err := c.backend.CallRaw(one.method, one.path, string(key), one.form, params, &got)
		if last := got.LastResponse; last != nil && last.StatusCode >= http.StatusMultipleChoices {
			// stripe-go takes a redirect for an answer. Nothing that it brings says anything about payments, or the key.
			return &stripe.Error{HTTPStatusCode: last.StatusCode, RequestID: last.RequestID}
		}
		return err
	})
	if err != nil {
		return time.Time{}, sanitize(err, one.needs)
	}
	if err := json.Unmarshal(got.LastResponse.RawJSON, result); err != nil {
		return time.Time{}, fmt.Errorf("%w: its answer to %s is %s", ErrUnanswered, one.operation, webhook.DescribeJSON(err))
	}
	answered, err := http.ParseTime(got.LastResponse.Header.Get("Date"))
	if err != nil {
		answered = time.Time{}
	}
	return answered, nil
}
