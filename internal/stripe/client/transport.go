package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"
)

// transport bounds each attempt at a call, and tells of it. What it waits for the budget is not part of an attempt's
// time.
type transport struct {
	next    http.RoundTripper
	timeout time.Duration
	budget  *rate.Limiter
	observe func(operation, code string)
}

// largestAnswer is far more than a page of a hundred events.
const largestAnswer = 32 << 20

// Why an attempt was not made, or came to nothing, in words that can be logged.
var (
	// errNoneLeft means that the budget has no attempt left before the context ends.
	errNoneLeft = errors.New("no call is left in time: too many were made already")
	errTooLarge = fmt.Errorf("its answer is larger than %d MiB", largestAnswer>>20)
)

// operationKey is where a request's context has its operation.
type operationKey struct{}

func withOperation(ctx context.Context, operation string) context.Context {
	return context.WithValue(ctx, operationKey{}, operation)
}

// RoundTrip makes one attempt. The answer is read whole, so that one which breaks off is a failed attempt, and another
// may be made.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.mayGo(r.Context()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), t.timeout)
	defer cancel()
	response, body, err := t.read(r.WithContext(ctx))
	operation, _ := r.Context().Value(operationKey{}).(string)
	if err != nil {
		t.observe(operation, "error")
		return nil, err
	}
	code := strconv.Itoa(response.StatusCode)
	if response.StatusCode < http.StatusMultipleChoices && !json.Valid(body) {
		code = "error" // somebody else answered, as a proxy does
	}
	t.observe(operation, code)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// mayGo waits until the budget has an attempt left. None is made for who has left: stripe-go sleeps between attempts
// whatever becomes of the context.
func (t *transport) mayGo(ctx context.Context) error {
	if t.budget == nil {
		return ctx.Err()
	}
	if err := t.budget.Wait(ctx); err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return errNoneLeft
}

func (t *transport) read(r *http.Request) (*http.Response, []byte, error) {
	response, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer+1))
	if err != nil {
		return nil, nil, err
	}
	if len(body) > largestAnswer {
		return nil, nil, errTooLarge
	}
	return response, body, nil
}
