package problem_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"

	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// TestHandler: an error is rendered without its cause, and the cause is logged.
func TestHandler(t *testing.T) {
	cause := errors.New("dial tcp 10.0.0.1:443: connection refused")
	const unanswered = `{"title":"Internal Server Error","status":500,"detail":"The request could not be answered."}`
	const late = `{"title":"Service Unavailable","status":503,"detail":"The request took too long: try again later."}`
	for name, row := range map[string]struct {
		handle problem.HandlerFunc
		status int
		body   string
		// logged are the log messages, each with its level.
		logged string
	}{
		"no error": {func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusNoContent); return nil }, 204, "", ""},
		"a problem": {func(http.ResponseWriter, *http.Request) error { return problem.New(404, "Not here.") }, 404,
			`{"title":"Not Found","status":404,"detail":"Not here."}`, ""},
		"a problem that is wrapped": {func(http.ResponseWriter, *http.Request) error {
			return fmt.Errorf("find: %w", problem.New(404, "Not here."))
		}, 404,
			`{"title":"Not Found","status":404,"detail":"Not here."}`, ""},
		"a problem with a cause": {func(http.ResponseWriter, *http.Request) error { return problem.Unavailable("Not now.", cause) }, 503,
			`{"title":"Service Unavailable","status":503,"detail":"Not now."}`, `"msg"="Request failed" "error"="dial tcp 10.0.0.1:443: connection refused" "route"="GET /orders/{id}" "status"=503`},
		"another error":        {func(http.ResponseWriter, *http.Request) error { return cause }, 500, unanswered, `"msg"="Request failed" "error"="dial tcp`},
		"a deadline":           {func(http.ResponseWriter, *http.Request) error { return context.DeadlineExceeded }, 503, late, `"msg"="Request failed"`},
		"a closed connection":  {func(http.ResponseWriter, *http.Request) error { return context.Canceled }, 503, late, `"level"=1 "msg"="Request canceled"`},
		"a panic":              {func(http.ResponseWriter, *http.Request) error { panic(cause) }, 500, unanswered, "panic: dial tcp"},
		"a panic of a problem": {func(http.ResponseWriter, *http.Request) error { panic(problem.New(404, "Not here.")) }, 500, unanswered, "handler_test.go"},
	} {
		t.Run(name, func(t *testing.T) {
			var logged []string
			log := funcr.New(func(_, args string) { logged = append(logged, args) }, funcr.Options{Verbosity: 1})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/orders/secret", nil)
			r.Pattern = "GET /orders/{id}"
			answer := httptest.NewRecorder()
			problem.Handler{Handle: row.handle, Log: log}.ServeHTTP(answer, r)
			if got := strings.TrimSpace(answer.Body.String()); answer.Code != row.status || got != row.body {
				t.Errorf("got %d %s, want %d %s", answer.Code, got, row.status, row.body)
			}
			got := strings.Join(logged, "\n")
			if !strings.Contains(got, row.logged) || (got == "") != (row.logged == "") || strings.Contains(got, "secret") {
				t.Errorf("got log %s, want %s", got, row.logged)
			}
		})
	}
}

// TestRender: a handler can render its problems in another form.
func TestRender(t *testing.T) {
	h := problem.Handler{
		Handle: func(http.ResponseWriter, *http.Request) error {
			return problem.New(http.StatusTeapot, "Short and stout.")
		},
		Render: func(w http.ResponseWriter, _ *http.Request, p *problem.Problem) { http.Error(w, p.Detail, p.Status) },
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if got := answer.Body.String(); answer.Code != http.StatusTeapot || got != "Short and stout.\n" {
		t.Errorf("got %d %q, want 418 as text", answer.Code, got)
	}
}

// TestAbort: net/http aborts the response on this panic.
func TestAbort(t *testing.T) {
	defer func() {
		if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this, too
			t.Errorf("got panic %v, want %v", got, http.ErrAbortHandler)
		}
	}()
	h := problem.Handler{Handle: func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }}
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
}
