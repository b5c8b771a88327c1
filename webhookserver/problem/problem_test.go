package problem_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// TestWrite compares responses to the byte. The cause is not in them.
func TestWrite(t *testing.T) {
	unavailable := problem.Unavailable("Not now.", errors.New("dial tcp 10.0.0.1:443: connection refused"))
	unavailable.OrderID = "order-1"
	method := problem.New(http.StatusMethodNotAllowed, "This route is for POST.")
	method.Allow = http.MethodPost
	for name, row := range map[string]struct {
		problem *problem.Problem
		body    string
		headers map[string]string
	}{
		"without fields": {problem.New(http.StatusNotFound, "There is nothing here."),
			`{"title":"Not Found","status":404,"detail":"There is nothing here."}`, nil},
		"of one field": {problem.ForField(http.StatusBadRequest, "provider", "is missing."),
			`{"title":"Bad Request","status":400,"detail":"provider: is missing.","errors":[{"field":"provider","detail":"is missing."}]}`, nil},
		"of two": {problem.New(http.StatusBadRequest, "a: b", problem.Field{Name: "a", Detail: "b"}, problem.Field{Name: "c", Detail: "d"}),
			`{"title":"Bad Request","status":400,"detail":"a: b","errors":[{"field":"a","detail":"b"},{"field":"c","detail":"d"}]}`, nil},
		"that left an order": {unavailable, `{"title":"Service Unavailable","status":503,"detail":"Not now.","orderId":"order-1"}`, map[string]string{"Retry-After": "5"}},
		"of another method":  {method, `{"title":"Method Not Allowed","status":405,"detail":"This route is for POST."}`, map[string]string{"Allow": "POST"}},
		"without a token": {problem.New(http.StatusUnauthorized, "Send a token."),
			`{"title":"Unauthorized","status":401,"detail":"Send a token."}`, map[string]string{"Www-Authenticate": `Bearer realm="paylink"`}},
	} {
		t.Run(name, func(t *testing.T) {
			answer := httptest.NewRecorder()
			row.problem.Write(answer)
			check.Equal(t, row.problem.Status, answer.Code, "status")
			check.Equal(t, row.body, strings.TrimSpace(answer.Body.String()), "body")
			check.Equal(t, row.problem.Detail, row.problem.Error(), "error")
			want := map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
			for name, value := range row.headers {
				want[name] = value
			}
			check.Equal(t, want, flat(answer.Header()), "headers")
		})
	}
}

// flat returns a header with one value for each field.
func flat(h http.Header) map[string]string {
	flat := map[string]string{}
	for name, values := range h {
		flat[name] = strings.Join(values, " and ")
	}
	return flat
}

// TestRetryAfter: the header is in whole seconds, rounded up.
func TestRetryAfter(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		-time.Second: "", 0: "", 1: "1", time.Second: "1", time.Second + 1: "2", 59500 * time.Millisecond: "60", time.Hour: "3600",
	} {
		h := http.Header{}
		(&problem.Problem{Status: http.StatusTooManyRequests, RetryAfter: wait}).SetHeaders(h)
		check.Equal(t, want, h.Get("Retry-After"), "%s: Retry-After", wait)
	}
}

// TestWriteJSON: caches do not store the response, and browsers do not sniff its type.
func TestWriteJSON(t *testing.T) {
	answer := httptest.NewRecorder()
	problem.WriteJSON(answer, http.StatusCreated, map[string]string{"status": "<paid>"})
	var body map[string]string
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || answer.Code != http.StatusCreated || body["status"] != "<paid>" {
		t.Errorf("got %d %s, %v, want 201 with the value", answer.Code, answer.Body, err)
	}
	want := map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
	check.Equal(t, want, flat(answer.Header()), "headers")
	check.Lacks(t, answer.Body.String(), "<")
}

// TestMethods: HEAD is handled as GET, and a method without a handler is answered 405 with Allow.
func TestMethods(t *testing.T) {
	handler := func(word string) problem.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Handled", word+" "+r.Method)
			return nil
		}
	}
	both := problem.Methods{http.MethodGet: handler("get"), http.MethodPost: handler("post")}
	one := problem.Methods{http.MethodPost: handler("post")}
	for name, row := range map[string]struct {
		methods problem.Methods
		method  string
		handled string
		allow   string
	}{
		"GET":                      {both, http.MethodGet, "get GET", ""},
		"POST":                     {both, http.MethodPost, "post POST", ""},
		"HEAD":                     {both, http.MethodHead, "get HEAD", ""},
		"HEAD without GET":         {one, http.MethodHead, "", "POST"},
		"GET of POST alone":        {one, http.MethodGet, "", "POST"},
		"DELETE":                   {both, http.MethodDelete, "", "GET, POST"},
		"OPTIONS":                  {both, http.MethodOptions, "", "GET, POST"},
		"a method in another case": {both, "get", "", "GET, POST"},
		"an unknown method":        {one, "BREW", "", "POST"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := httptest.NewRecorder()
			problem.Handler{Handle: row.methods.Handle}.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), row.method, "/", nil))
			check.Equal(t, row.handled, answer.Header().Get("Handled"), "handler")
			check.Equal(t, row.allow, answer.Header().Get("Allow"), "Allow")
			check.Equal(t, row.allow != "", answer.Code == http.StatusMethodNotAllowed, "status %d", answer.Code)
			if row.allow != "" && !strings.Contains(answer.Body.String(), `"detail":"This route is for `+row.allow+`."`) {
				t.Errorf("got body %s, want the methods", answer.Body)
			}
		})
	}
}
