// Package problem says what is wrong with a request, as RFC 9457 has it (application/problem+json), and reads JSON
// bodies strictly enough to say it well.
package problem

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Problem is why a request is refused. It is an error.
type Problem struct {
	// Title is the status in words.
	Title string `json:"title"`
	// Status is the HTTP status.
	Status int `json:"status"`
	// Detail says what is wrong and what to do about it. Anybody can ask, so it says nothing about the cluster, and of the
	// request it repeats the names of fields alone.
	Detail string `json:"detail"`
	// Errors name the fields that are wrong, where it is a matter of fields.
	Errors []Field `json:"errors,omitempty"`
	// OrderID is the order that the request left behind all the same, where it did.
	OrderID string `json:"orderId,omitempty"`

	// RetryAfter says when to ask again; 0: nothing is gained by that.
	RetryAfter time.Duration `json:"-"`
	// Allow are the methods of a route that was asked with another.
	Allow string `json:"-"`
}

// Field is what is wrong with one field of a request.
type Field struct {
	// Name is the field of the body, the parameter of the query or path, or the header.
	Name string `json:"field"`
	// Detail says what to write instead.
	Detail string `json:"detail"`
}

// New returns a problem of a status.
func New(status int, detail string, fields ...Field) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail, Errors: fields}
}

// Of returns a problem with one field, which its detail names too.
func Of(status int, field, detail string) *Problem {
	return New(status, field+": "+detail, Field{Name: field, Detail: detail})
}

// Error is the detail.
func (p *Problem) Error() string { return p.Detail }

// Header sets the headers that go with the problem, for an answer in whatever form.
func (p *Problem) Header(h http.Header) {
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

// Write answers with the problem.
func (p *Problem) Write(w http.ResponseWriter) {
	p.Header(w.Header())
	writeJSON(w, "application/problem+json", p.Status, p)
}

// WriteJSON answers with a value. Nothing that Paylink says of an order may be kept by a cache.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	writeJSON(w, "application/json", status, value)
}

func writeJSON(w http.ResponseWriter, contentType string, status int, value any) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// The client may be gone; there is nobody else to tell.
	_ = json.NewEncoder(w).Encode(value)
}
