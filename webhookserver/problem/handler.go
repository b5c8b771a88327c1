package problem

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/go-logr/logr"
)

// HandlerFunc answers a request, or returns an error before it writes anything.
type HandlerFunc func(http.ResponseWriter, *http.Request) error

// Handler is the http.Handler of a HandlerFunc. It renders every error and every panic as a Problem.
type Handler struct {
	// Handle answers requests. Other errors than a Problem are answered 500, or 503 after the deadline.
	Handle HandlerFunc
	// Render answers with a problem. Nil: as application/problem+json.
	Render func(http.ResponseWriter, *http.Request, *Problem)
	// Log receives the causes of problems that are not the client's fault.
	Log logr.Logger
}

// ServeHTTP answers a request.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := h.handle(w, r)
	if err == nil {
		return
	}
	p := From(err)
	h.logCause(r, p)
	if h.Render == nil {
		p.Write(w)
		return
	}
	h.Render(w, r, p)
}

// handle turns a panic into an error.
func (h Handler) handle(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return h.Handle(w, r)
}

// logCause logs nothing of the request but its route: its path can name a payment.
func (h Handler) logCause(r *http.Request, p *Problem) {
	switch {
	case p.Cause == nil:
	case errors.Is(p.Cause, context.Canceled): // the client has closed the connection
		h.Log.V(1).Info("Request canceled", "route", r.Pattern)
	default:
		h.Log.Error(p.Cause, "Request failed", "route", r.Pattern, "status", p.Status)
	}
}

// Methods are the handlers of a route by method. HEAD is handled as GET.
type Methods map[string]HandlerFunc

// Handle calls the handler of the method. A method without one is answered 405.
func (m Methods) Handle(w http.ResponseWriter, r *http.Request) error {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if handle, ok := m[method]; ok {
		return handle(w, r)
	}
	allowed := strings.Join(slices.Sorted(maps.Keys(m)), ", ")
	p := New(http.StatusMethodNotAllowed, "This route is for "+allowed+".")
	p.Allow = allowed
	return p
}
