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

// transport makes single attempts at calls. It bounds and observes each one. The wait for the budget does not count
// towards the timeout of an attempt.
type transport struct {
	next    http.RoundTripper
	timeout time.Duration
	budget  *rate.Limiter
	observe func(operation, code string)
}

// maxResponseBytes bounds the size of a response. A page of a hundred events is far smaller.
const maxResponseBytes = 32 << 20

// Errors of failed attempts whose text can be logged.
var (
	// errBudgetSpent means that the budget has no attempt left before the context ends.
	errBudgetSpent = errors.New("no call is left before the deadline: too many were made already")
	errTooLarge    = fmt.Errorf("the response is larger than %d MiB", maxResponseBytes>>20)
)

// operationKey is the key of the operation in the context of a request.
type operationKey struct{}

func withOperation(ctx context.Context, operation string) context.Context {
	return context.WithValue(ctx, operationKey{}, operation)
}

// RoundTrip makes one attempt. It reads the whole response, so that a broken connection fails the attempt and stripe-go
// can retry it.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.waitForBudget(r.Context()); err != nil {
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
		code = "error" // the response comes from another server, such as a proxy
	}
	t.observe(operation, code)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// waitForBudget waits until the budget allows an attempt. It fails if the context has ended: stripe-go ignores the
// context while it sleeps between attempts.
func (t *transport) waitForBudget(ctx context.Context) error {
	if t.budget == nil {
		return ctx.Err()
	}
	if err := t.budget.Wait(ctx); err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return errBudgetSpent
}

func (t *transport) read(r *http.Request) (*http.Response, []byte, error) {
	response, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxResponseBytes+1))
	if err != nil {
		return nil, nil, err
	}
	if len(body) > maxResponseBytes {
		return nil, nil, errTooLarge
	}
	return response, body, nil
}
