package fakeshop

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func doc(t *testing.T) *openapi3.T {
	t.Helper()
	d, err := describe(New(t, Options{}).Handler)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestContract shows that the description tells a wrong request or answer from a right one.
func TestContract(t *testing.T) {
	const (
		order   = `{"orderId":"a","status":"pending","namespace":"shop","name":"o1","amount":1,"amountRefunded":0,"currency":"USD"}`
		refusal = `{"title":"Bad Request","status":400,"detail":"a"}`
		capture = `{"provider":"stripe","session_id":"cs_test_1"}`
		known   = `{"orderId":null,"status":"paid","final":true,"message":"m"}`
	)
	for name, row := range map[string]struct {
		method, path, body string
		status             int
		answer             string
		headers            http.Header
		want               string
	}{
		"a good order":         {"POST", "/api/orders", `{"paymentLink":"l","namespace":"shop"}`, 201, order, http.Header{"Location": {"/api/orders/a"}, "Idempotent-Replayed": {"true"}}, ""},
		"all may be null":      {"POST", "/api/orders", `{"paymentLink":"l","namespace":"shop","orderId":null,"customerId":null}`, 201, order, http.Header{"Location": {"/api/orders/a"}}, ""},
		"a good capture":       {"POST", "/api/orders/capture", capture, 200, known, nil, ""},
		"a route of nobody's":  {"POST", "/somewhere", "", 200, "", nil, ""},
		"a good HEAD":          {"HEAD", "/buy/shop/l", "", 200, "", http.Header{"Content-Type": {"text/html; charset=utf-8"}}, ""},
		"a method not there":   {"DELETE", "/api/orders", "", 200, "", nil, "no such method"},
		"a method refused":     {"DELETE", "/api/orders", "", 405, "", nil, ""},
		"status not there":     {"POST", "/api/orders/capture", capture, 202, known, nil, "status is not supported"},
		"status of HEAD":       {"HEAD", "/buy/shop/l", "", 302, "", nil, "does not know the status"},
		"header not there":     {"POST", "/api/orders/capture", capture, 200, known, http.Header{"X-Order-Id": {"7"}}, "does not know the header X-Order-Id"},
		"header left out":      {"POST", "/api/orders", `{"paymentLink":"l","namespace":"shop"}`, 201, order, nil, `"Location" missing`},
		"another type":         {"POST", "/api/orders/capture", capture, 200, known, http.Header{"Content-Type": {"text/html"}}, "Content-Type"},
		"field left out":       {"POST", "/api/orders/capture", capture, 200, `{"orderId":null,"status":"paid","final":true}`, nil, "message"},
		"field too many":       {"POST", "/api/orders/capture", capture, 200, strings.Replace(known, "{", `{"email":"a",`, 1), nil, "email"},
		"a status of nobody's": {"POST", "/api/orders/capture", capture, 200, strings.Replace(known, "paid", "Paid", 1), nil, "status"},
		"taken, but wrong":     {"POST", "/api/orders/capture", `{"provider":"stripe","session_id":"pi_1"}`, 200, known, nil, "does not allow the request"},
		"taken, but twice":     {"POST", "/api/orders/capture", `{"provider":"stripe","session_id":"cs_test_1","session_id":"cs_test_1"}`, 200, known, nil, "duplicate field"},
		"taken, with a tail":   {"POST", "/api/orders/capture", capture + "{}", 200, known, nil, "does not allow the request"},
		"taken, but unknown":   {"POST", "/api/orders/capture", strings.Replace(capture, "{", `{"a":1,`, 1), 200, known, nil, "does not allow the request"},
		"taken without a body": {"POST", "/api/orders/capture", "", 200, known, nil, "does not allow the request"},
		"refused, but right":   {"POST", "/api/orders/capture", capture, 400, refusal, nil, "allows the request"},
		"refused, and wrong":   {"POST", "/api/orders/capture", `{"provider":"paypal"}`, 400, refusal, nil, ""},
		"an id of no order":    {"GET", "/api/orders/a.b", "", 200, order, nil, "does not allow the request"},
		"an id of one":         {"GET", "/api/orders/a-b", "", 400, refusal, nil, "allows the request"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), row.method, row.path, strings.NewReader(row.body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer a")
			answer := httptest.NewRecorder()
			answer.Header().Set("Content-Type", "application/json")
			if row.status >= 400 {
				answer.Header().Set("Content-Type", "application/problem+json")
			}
			maps.Copy(answer.Header(), row.headers)
			answer.WriteHeader(row.status)
			fmt.Fprint(answer, row.answer)
			got := strings.Join(complaints(doc(t), r, []byte(row.body), nil, answer), "\n")
			if (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
				t.Errorf("%q, not %q", got, row.want)
			}
		})
	}
}

// TestNoToken: what needs a token is not taken without.
func TestNoToken(t *testing.T) {
	for _, header := range []string{"", "Bearer ", "Basic dXNlcjpwYXNz"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/orders/a", nil)
		r.Header.Set("Authorization", header)
		answer := httptest.NewRecorder()
		answer.Header().Set("Content-Type", "application/json")
		fmt.Fprint(answer, `{"orderId":"a","status":"pending","namespace":"shop","name":"o1","amount":1,"amountRefunded":0,"currency":"USD"}`)
		if got := fmt.Sprint(complaints(doc(t), r, nil, nil, answer)); !strings.Contains(got, "security requirements failed") {
			t.Errorf("%q: %s", header, got)
		}
	}
}
