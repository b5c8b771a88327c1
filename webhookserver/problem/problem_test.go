package problem_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// TestWrite is a problem as clients get it, to the byte.
func TestWrite(t *testing.T) {
	later := problem.New(http.StatusServiceUnavailable, "Not now.")
	later.RetryAfter, later.OrderID = 5*time.Second, "order-1"
	elsewhere := problem.New(http.StatusMethodNotAllowed, "This route is for POST.")
	elsewhere.Allow = http.MethodPost
	for name, row := range map[string]struct {
		problem *problem.Problem
		body    string
		headers map[string]string
	}{
		"without fields": {problem.New(http.StatusNotFound, "There is nothing here."),
			`{"title":"Not Found","status":404,"detail":"There is nothing here."}`, nil},
		"of one field": {problem.Of(http.StatusBadRequest, "provider", "is missing."),
			`{"title":"Bad Request","status":400,"detail":"provider: is missing.","errors":[{"field":"provider","detail":"is missing."}]}`, nil},
		"of two": {problem.New(http.StatusBadRequest, "a: b", problem.Field{Name: "a", Detail: "b"}, problem.Field{Name: "c", Detail: "d"}),
			`{"title":"Bad Request","status":400,"detail":"a: b","errors":[{"field":"a","detail":"b"},{"field":"c","detail":"d"}]}`, nil},
		"that left an order": {later, `{"title":"Service Unavailable","status":503,"detail":"Not now.","orderId":"order-1"}`, map[string]string{"Retry-After": "5"}},
		"of another method":  {elsewhere, `{"title":"Method Not Allowed","status":405,"detail":"This route is for POST."}`, map[string]string{"Allow": "POST"}},
		"without a token": {problem.New(http.StatusUnauthorized, "Send a token."),
			`{"title":"Unauthorized","status":401,"detail":"Send a token."}`, map[string]string{"Www-Authenticate": `Bearer realm="paylink"`}},
	} {
		t.Run(name, func(t *testing.T) {
			answer := httptest.NewRecorder()
			row.problem.Write(answer)
			if answer.Code != row.problem.Status {
				t.Errorf("%d", answer.Code)
			}
			if got := strings.TrimSpace(answer.Body.String()); got != row.body {
				t.Errorf("%s\nnot %s", got, row.body)
			}
			if err := error(row.problem); err.Error() != row.problem.Detail {
				t.Errorf("as an error it is %q", err)
			}
			want := map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
			for name, value := range row.headers {
				want[name] = value
			}
			if diff := cmp.Diff(want, flat(answer.Header())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// flat is a header whose fields are there once each.
func flat(h http.Header) map[string]string {
	flat := map[string]string{}
	for name, values := range h {
		flat[name] = strings.Join(values, " and ")
	}
	return flat
}

// TestRetryAfter is in whole seconds, and never too early.
func TestRetryAfter(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		-time.Second: "", 0: "", 1: "1", time.Second: "1", time.Second + 1: "2", 59500 * time.Millisecond: "60", time.Hour: "3600",
	} {
		h := http.Header{}
		(&problem.Problem{Status: http.StatusTooManyRequests, RetryAfter: wait}).Header(h)
		if got := h.Get("Retry-After"); got != want {
			t.Errorf("%s: %q, not %q", wait, got, want)
		}
	}
}

// TestWriteJSON: no cache may keep what is said of an order, and no browser guess at what it is.
func TestWriteJSON(t *testing.T) {
	answer := httptest.NewRecorder()
	problem.WriteJSON(answer, http.StatusCreated, map[string]string{"status": "<paid>"})
	var body map[string]string
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || answer.Code != http.StatusCreated || body["status"] != "<paid>" {
		t.Errorf("%d %s, %v", answer.Code, answer.Body, err)
	}
	want := map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
	if diff := cmp.Diff(want, flat(answer.Header())); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(answer.Body.String(), "<") {
		t.Errorf("a browser could take this for a page: %s", answer.Body)
	}
}

// TestMethods: HEAD is asked of what answers GET, and any other method is told which there are.
func TestMethods(t *testing.T) {
	says := func(word string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Said", word+" to "+r.Method) }
	}
	both := problem.Methods{http.MethodGet: says("get"), http.MethodPost: says("post")}
	one := problem.Methods{http.MethodPost: says("post")}
	for name, row := range map[string]struct {
		methods problem.Methods
		method  string
		said    string
		allow   string
	}{
		"GET":                      {both, http.MethodGet, "get to GET", ""},
		"POST":                     {both, http.MethodPost, "post to POST", ""},
		"HEAD":                     {both, http.MethodHead, "get to HEAD", ""},
		"HEAD of no GET":           {one, http.MethodHead, "", "POST"},
		"GET of POST alone":        {one, http.MethodGet, "", "POST"},
		"DELETE":                   {both, http.MethodDelete, "", "GET, POST"},
		"OPTIONS":                  {both, http.MethodOptions, "", "GET, POST"},
		"a method in another case": {both, "get", "", "GET, POST"},
		"a method of nobody's":     {one, "BREW", "", "POST"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := httptest.NewRecorder()
			row.methods.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), row.method, "/", nil))
			if got := answer.Header().Get("Said"); got != row.said {
				t.Errorf("answered by %q", got)
			}
			if got := answer.Header().Get("Allow"); got != row.allow {
				t.Errorf("Allow is %q, not %q", got, row.allow)
			}
			if refused := answer.Code == http.StatusMethodNotAllowed; refused != (row.allow != "") {
				t.Errorf("%d", answer.Code)
			}
			if row.allow != "" && !strings.Contains(answer.Body.String(), `"detail":"This route is for `+row.allow+`."`) {
				t.Errorf("%s", answer.Body)
			}
		})
	}
}
