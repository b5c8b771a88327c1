// Package problem is the error of the HTTP handlers. It renders as RFC 9457 describes (application/problem+json).
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// RetryAfter is when a client should repeat a request that was answered 503. Stripe has its own schedule.
const RetryAfter = 5 * time.Second

// Problem is the reason why a request is refused. It is an error.
type Problem struct {
	// Title is the status in words.
	Title string `json:"title"`
	// Status is the HTTP status.
	Status int `json:"status"`
	// Detail says what is wrong and how to correct it. Anyone can read it, so it says nothing about the cluster. Of the
	// request it repeats only the names of fields.
	Detail string `json:"detail"`
	// Errors are the wrong fields, if the request has any.
	Errors []Field `json:"errors,omitempty"`
	// OrderID is the order that the request has created all the same. Empty: none.
	OrderID string `json:"orderId,omitempty"`

	// RetryAfter is the time after which to repeat the request. 0: repeating it does not help.
	RetryAfter time.Duration `json:"-"`
	// Allow lists the methods of a route that was called with another one.
	Allow string `json:"-"`
	// Cause is the error behind the problem. It is logged and never rendered.
	Cause error `json:"-"`
}

// Field is the error in one field of a request.
type Field struct {
	// Name is the field of the body, the parameter of the query or path, or the header.
	Name string `json:"field"`
	// Detail says how to correct it.
	Detail string `json:"detail"`
}

// New returns a problem with a status.
func New(status int, detail string, fields ...Field) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail, Errors: fields}
}

// ForField returns a problem with one field. The detail names the field too.
func ForField(status int, field, detail string) *Problem {
	return New(status, field+": "+detail, Field{Name: field, Detail: detail})
}

// Unavailable returns a problem that passes by itself (503), with its cause.
func Unavailable(detail string, cause error) *Problem {
	p := New(http.StatusServiceUnavailable, detail).WithRetryAfter(RetryAfter)
	p.Cause = cause
	return p
}

// From returns the problem that an error is or wraps. Any other error is the cause of a problem without detail.
func From(err error) *Problem {
	var p *Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Unavailable("The request took too long: try again later.", err)
	}
	p = New(http.StatusInternalServerError, "The request could not be answered.")
	p.Cause = err
	return p
}

// WithRetryAfter sets RetryAfter, and returns the problem.
func (p *Problem) WithRetryAfter(wait time.Duration) *Problem {
	p.RetryAfter = wait
	return p
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// SetHeaders sets the headers of the problem. They are the same for every content type.
func (p *Problem) SetHeaders(h http.Header) {
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	if p.Allow != "" {
		h.Set("Allow", p.Allow)
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="paylink"`)
	}
}

// Write answers with the problem as application/problem+json.
func (p *Problem) Write(w http.ResponseWriter) {
	p.SetHeaders(w.Header())
	writeJSON(w, "application/problem+json", p.Status, p)
}

// WriteJSON answers with a value. No cache may keep it.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	writeJSON(w, "application/json", status, value)
}

func writeJSON(w http.ResponseWriter, contentType string, status int, value any) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // fails only if the client has closed the connection
}
