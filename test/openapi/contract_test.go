package openapi_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/test/openapi"
	"github.com/paylink-dev/paylink/webhookserver"
)

// canned is an answer as a server with a bug could give it.
type canned struct {
	status int
	kind   string
	body   string
	header map[string]string
}

func (c canned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	for name, value := range c.header {
		w.Header().Set(name, value)
	}
	if c.kind != "" {
		w.Header().Set("Content-Type", c.kind)
	}
	w.WriteHeader(c.status)
	_, _ = io.WriteString(w, c.body)
}

// contract returns the webhook server's description.
func contract(t *testing.T) *openapi.Contract {
	t.Helper()
	c, err := openapi.Read(fakeshop.New(t, fakeshop.Options{}).Handler, webhookserver.OpenAPIPath)
	check.Must(t, err)
	c.Complete = true
	return c
}

const (
	lifetime = `{"paymentLink":"lifetime","namespace":"shop"}`
	session  = `{"provider":"stripe","session_id":"cs_test_a"}`
	order    = `{"orderId":"a","status":"pending","namespace":"shop","name":"a-1","amount":1,"amountRefunded":0,"currency":"USD"}`
	captured = `{"orderId":null,"status":"pending","final":false,"message":"m"}`
	problem  = `{"title":"Bad Request","status":400,"detail":"d"}`

	json  = "application/json"
	wrong = "application/problem+json"
	page  = "text/html; charset=utf-8"
)

// with is a map of names and values.
func with(namesAndValues ...string) map[string]string {
	all := map[string]string{}
	for pair := range slices.Chunk(namesAndValues, 2) {
		all[pair[0]] = pair[1]
	}
	return all
}

var (
	located = with("Location", "/api/orders/a")
	taken   = canned{201, json, order, located}
	known   = canned{200, json, captured, nil}
	shown   = canned{200, page, "<p>", nil}
	refused = canned{400, wrong, problem, nil}
)

// row is a request, an answer, and a piece of the complaint; empty: there is none.
type row struct {
	method, path, body string
	// header changes the header of a JSON request with a token. An empty value removes a field.
	header map[string]string
	answer canned
	want   string
}

// creation is of an order, with these headers, and capture of a session.
func creation(body string, answer canned, want string, header ...string) row {
	return row{http.MethodPost, "/api/orders", body, with(header...), answer, want}
}
func capture(body string, answer canned, want string) row {
	return row{http.MethodPost, "/api/orders/capture", body, nil, answer, want}
}
func get(path string, answer canned, want string) row { return ask(http.MethodGet, path, answer, want) }
func ask(method, path string, answer canned, want string) row {
	return row{method, path, "", nil, answer, want}
}

// requests are taken or refused, with or without a reason.
var requests = map[string]row{
	"null for what may be left out": creation(`{"paymentLink":"l","namespace":"shop","orderId":null,"customerId":null}`, taken, ""),
	"taken with a small bearer":     creation(lifetime, taken, "", "Authorization", "bearer a"),
	"taken without a token":         creation(lifetime, taken, "described as invalid", "Authorization", ""),
	"taken with an empty token":     creation(lifetime, taken, "described as invalid", "Authorization", "Bearer "),
	"taken with a password":         creation(lifetime, taken, "described as invalid", "Authorization", "Basic dXNlcjpwYXNz"),
	"taken with a wrong key":        creation(lifetime, taken, "described as invalid", "Idempotency-Key", "a b"),
	"taken as a form":               creation("paymentLink=lifetime", taken, "described as invalid", "Content-Type", "application/x-www-form-urlencoded"),
	"taken with a wrong field":      creation(`{"paymentLink":"lifetime","namespace":"shop","amount":1}`, taken, "described as invalid"),
	"taken twice the field":         creation(`{"paymentLink":"a","paymentLink":"lifetime","namespace":"shop"}`, taken, "duplicate field"),
	"taken, but not UTF-8":          creation("{\"paymentLink\":\"l\",\"namespace\":\"shop\",\"customerId\":\"\xff\"}", taken, "not UTF-8"),
	"taken with a wrong value":      capture(`{"provider":"stripe","session_id":"pi_1"}`, known, "described as invalid"),
	"taken with a tail":             capture(session+"{}", known, "described as invalid"),
	"taken without a body":          capture("", known, "described as invalid"),
	"taken without a session":       get("/dashboard/billing", shown, "described as invalid"),
	"taken with a wrong path":       get("/api/orders/a.b", canned{200, json, order, nil}, "described as invalid"),
	"refused for nothing":           creation(lifetime, refused, "described as valid"),
	"refused for no path":           get("/api/orders/a-b", refused, "described as valid"),
	"refused as broken off":         creation(lifetime, canned{408, wrong, problem, nil}, "described as valid"),
	"refused as a form":             creation(lifetime, canned{415, wrong, problem, nil}, "described as valid"),
	"refused for something":         creation(`{}`, refused, ""),
	"refused, and too large":        creation(lifetime, canned{413, wrong, problem, nil}, ""),
	"a page for a problem":          get("/dashboard/billing", canned{400, page, "<p>", nil}, ""),
}

// answers are to requests that are as described, unless they have to be others.
var answers = map[string]row{
	"as described":           creation(lifetime, taken, ""),
	"a header that may be":   creation(lifetime, canned{201, json, order, with("Location", "/api/orders/a", "Idempotent-Replayed", "true")}, ""),
	"null for an order":      capture(session, known, ""),
	"a status of its own":    creation(lifetime, canned{202, json, order, located}, "status is not described"),
	"an error of its own":    creation(lifetime, canned{500, wrong, problem, nil}, "status is not described"),
	"a redirect of its own":  get("/buy/shop/l", canned{301, "", "", with("Location", "/")}, "status is not described"),
	"a field of its own":     creation(lifetime, canned{201, json, strings.Replace(order, "{", `{"email":"erika@example.com",`, 1), located}, "email"),
	"a field missing":        creation(lifetime, canned{201, json, strings.Replace(order, `"status":"pending",`, "", 1), located}, "status"),
	"a state of its own":     creation(lifetime, canned{201, json, strings.Replace(order, "pending", "Pending", 1), located}, "status"),
	"an amount in dollars":   creation(lifetime, canned{201, json, strings.Replace(order, `"amount":1`, `"amount":1.5`, 1), located}, "amount"),
	"a text for final":       capture(session, canned{200, json, strings.Replace(captured, "false", `"no"`, 1), nil}, "final"),
	"no JSON":                creation(lifetime, canned{201, json, "{", located}, "decode"),
	"another type":           creation(lifetime, canned{201, "text/html", "<p>", located}, `Content-Type "text/html" is not described`),
	"a header of its own":    capture(session, canned{200, json, captured, with("X-Order-Id", "7")}, "header X-Order-Id is not described"),
	"a header missing":       creation(lifetime, canned{201, json, order, nil}, `"Location" missing`),
	"a header elsewhere":     creation(lifetime, canned{201, json, order, with("Location", "https://evil.example")}, `"Location" doesn't match`),
	"no challenge":           creation(lifetime, canned{401, wrong, problem, nil}, `"WWW-Authenticate" missing`, "Authorization", ""),
	"not when to come back":  creation(lifetime, canned{503, wrong, problem, nil}, `"Retry-After" missing`),
	"come back at once":      creation(lifetime, canned{503, wrong, problem, with("Retry-After", "0")}, `"Retry-After" doesn't match`),
	"a problem of no status": creation(`{}`, canned{400, wrong, `{"title":"Bad Request","detail":"d"}`, nil}, "status"),
	"a problem of no field":  creation(`{}`, canned{400, wrong, `{"title":"t","status":400,"detail":"d","errors":[]}`, nil}, "errors"),
	"nowhere to go":          ask("POST", "/buy/shop/l", canned{303, "", "", nil}, `"Location" missing`),
	"more to say":            ask("POST", "/buy/shop/l", canned{303, "text/html", "<p>", with("Location", "https://buy.stripe.com/a")}, "none is described"),
}

// routes are asked for in other ways than those above.
var routes = map[string]row{
	"HEAD":                   ask("HEAD", "/buy/shop/l", canned{200, page, "", nil}, ""),
	"HEAD of JSON":           ask("HEAD", "/api/orders/a", canned{200, json, "", nil}, ""),
	"HEAD, taken though not": ask("HEAD", "/dashboard/billing", canned{200, page, "", nil}, "described as invalid"),
	"a status of HEAD":       ask("HEAD", "/buy/shop/l", canned{302, "", "", nil}, "status is not described"),
	"a type of HEAD":         ask("HEAD", "/buy/shop/l", canned{200, json, "", nil}, "Content-Type"),
	"a header of HEAD":       ask("HEAD", "/buy/shop/l", canned{200, page, "", with("X-A", "a")}, "header X-A is not described"),
	"no header of HEAD":      ask("HEAD", "/buy/shop/l", canned{503, page, "", nil}, `"Retry-After" missing`),
	"a method of its own":    ask("DELETE", "/api/orders", canned{200, "", "", nil}, "method is not described"),
	"a method not found":     ask("DELETE", "/api/orders", canned{404, wrong, problem, nil}, "method is not described"),
	"a method nobody knows":  ask("PROPFIND", "/api/orders", canned{200, "", "", nil}, "method is not described"),
	"a method refused":       ask("DELETE", "/api/orders", canned{405, wrong, problem, with("Allow", "POST")}, ""),
	"an order named capture": ask("GET", "/api/orders/capture", canned{200, json, order, nil}, "method is not described"),
	"a preflight":            {"OPTIONS", "/api/orders", "", with("Access-Control-Request-Method", "POST"), canned{204, "", "", nil}, ""},
	"no preflight":           ask("OPTIONS", "/api/orders", canned{204, "", "", nil}, "method is not described"),
	"a route of its own":     get("/api/refunds", canned{200, json, "{}", nil}, "route is not described"),
	"no route":               get("/api/refunds", canned{404, wrong, problem, nil}, ""),
}

func (r row) request(t *testing.T) *http.Request {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), r.method, r.path, strings.NewReader(r.body))
	header := with("Content-Type", json, "Authorization", "Bearer a")
	maps.Copy(header, r.header)
	for name, value := range header {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	return request
}

// TestNotices: a contract that finds nothing wrong could be one that does not look.
func TestNotices(t *testing.T) {
	c := contract(t)
	for about, rows := range map[string]map[string]row{"request": requests, "answer": answers, "route": routes} {
		for name, row := range rows {
			t.Run(about+": "+name, func(t *testing.T) {
				answer, complaints := c.Ask(row.answer, row.request(t))
				if answer.Code != row.answer.status || answer.Body.String() != row.answer.body {
					t.Errorf("got answer %d %s, want %d %s", answer.Code, answer.Body, row.answer.status, row.answer.body)
				}
				if (row.want == "") != (len(complaints) == 0) || !strings.Contains(strings.Join(complaints, "\n"), row.want) {
					t.Errorf("got complaints %q, want %q", complaints, row.want)
				}
			})
		}
	}
}
