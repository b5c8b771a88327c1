package webhookserver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
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

// TestContractNotices: a contract that finds nothing wrong could be one that does not look.
func TestContractNotices(t *testing.T) {
	const (
		order   = `{"orderId":"a","status":"pending","namespace":"shop","name":"a-1","amount":1,"amountRefunded":0,"currency":"USD"}`
		problem = `{"title":"Bad Request","status":400,"detail":"d"}`
		json    = "application/json"
		wrong   = "application/problem+json"
	)
	c := newContract(t)
	located := map[string]string{"Location": "/api/orders/a"}
	created := func(body string) canned { return canned{201, json, body, located} }
	for name, row := range map[string]struct {
		call   call
		answer canned
		// want is a piece of the complaint; empty: there is none.
		want string
	}{
		"as described":             {newOrder(lifetime), created(order), ""},
		"a status of its own":      {newOrder(lifetime), canned{202, json, order, located}, "status is not described"},
		"an error of its own":      {newOrder(lifetime), canned{500, wrong, problem, nil}, "status is not described"},
		"a redirect of its own":    {get(lifetimePath), canned{301, "", "", map[string]string{"Location": "/"}}, "status is not described"},
		"a field of its own":       {newOrder(lifetime), created(strings.Replace(order, "{", `{"email":"erika@example.com",`, 1)), "email"},
		"a field missing":          {newOrder(lifetime), created(strings.Replace(order, `"status":"pending",`, "", 1)), "status"},
		"a state of its own":       {newOrder(lifetime), created(strings.Replace(order, "pending", "Pending", 1)), "status"},
		"an amount in dollars":     {newOrder(lifetime), created(strings.Replace(order, `"amount":1`, `"amount":1.5`, 1)), "amount"},
		"a header missing":         {newOrder(lifetime), canned{201, json, order, nil}, `"Location" missing`},
		"a header elsewhere":       {newOrder(lifetime), canned{201, json, order, map[string]string{"Location": "https://evil.example"}}, `"Location" doesn't match`},
		"another type":             {newOrder(lifetime), canned{201, "text/html", "<p>", located}, "Content-Type"},
		"no JSON":                  {newOrder(lifetime), created("{"), "decode"},
		"taken without a token":    {newOrder(lifetime).as(""), created(order), "described as invalid"},
		"taken with a wrong field": {newOrder(`{"paymentLink":"lifetime","namespace":"shop","amount":1}`), created(order), "described as invalid"},
		"taken with a wrong key":   {newOrder(lifetime).with("Idempotency-Key", "a b"), created(order), "described as invalid"},
		"taken twice the field":    {newOrder(`{"paymentLink":"a","paymentLink":"lifetime","namespace":"shop"}`), created(order), "described as invalid"},
		"taken as a form":          {newOrder("paymentLink=lifetime").with("Content-Type", "application/x-www-form-urlencoded"), created(order), "described as invalid"},
		"refused for nothing":      {newOrder(lifetime), canned{400, wrong, problem, nil}, "described as valid"},
		"refused for something":    {newOrder(`{}`), canned{400, wrong, problem, nil}, ""},
		"no challenge":             {newOrder(lifetime).as(""), canned{401, wrong, problem, nil}, `"WWW-Authenticate" missing`},
		"not when to come back":    {newOrder(lifetime), canned{503, wrong, problem, nil}, `"Retry-After" missing`},
		"come back at once":        {newOrder(lifetime), canned{503, wrong, problem, map[string]string{"Retry-After": "0"}}, `"Retry-After" doesn't match`},
		"a problem of no status":   {newOrder(`{}`), canned{400, wrong, `{"title":"Bad Request","detail":"d"}`, nil}, "status"},
		"a problem of no field":    {newOrder(`{}`), canned{400, wrong, `{"title":"t","status":400,"detail":"d","errors":[]}`, nil}, "errors"},
		"null for an order":        {capture("cs_test_a"), canned{200, json, `{"orderId":null,"status":"pending","final":false,"message":"m"}`, nil}, ""},
		"a text for final":         {capture("cs_test_a"), canned{200, json, `{"orderId":null,"status":"pending","final":"no","message":"m"}`, nil}, "final"},
		"taken without a session":  {get("/dashboard/billing"), canned{200, "text/html; charset=utf-8", "<p>", nil}, "described as invalid"},
		"a page for a problem":     {get("/dashboard/billing"), canned{400, "text/html; charset=utf-8", "<p>", nil}, ""},
		"nowhere to go":            {buy(lifetimePath), canned{303, "", "", nil}, `"Location" missing`},
		"more to say":              {buy(lifetimePath), canned{303, "text/html", "<p>", map[string]string{"Location": "https://buy.stripe.com/a"}}, "none is described"},
		"a route of its own":       {get("/api/refunds"), canned{200, json, "{}", nil}, "not described"},
		"no route":                 {get("/api/refunds"), canned{404, wrong, problem, nil}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var complaints []string
			handler := c.around(row.answer, func(complaint string) { complaints = append(complaints, complaint) })
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, row.call.request(t.Context()))
			if answer.Code != row.answer.status || answer.Body.String() != row.answer.body {
				t.Errorf("the answer is changed: %d %s", answer.Code, answer.Body)
			}
			if (row.want == "") != (len(complaints) == 0) || !strings.Contains(strings.Join(complaints, "\n"), row.want) {
				t.Errorf("not %q: %q", row.want, complaints)
			}
		})
	}
}

// TestContractMisses: an answer that is described and never comes is missed, by its operation, status and type.
func TestContractMisses(t *testing.T) {
	c := newContract(t)
	handler := c.around(canned{404, "text/html", "<p>", nil}, func(string) {})
	handler.ServeHTTP(httptest.NewRecorder(), get(lifetimePath).request(t.Context()))
	unseen := c.unseen()
	for name, want := range map[string]bool{
		"createOrder 201 application/json": true, "buy 303": true, "showBuy 404 application/problem+json": true, "showBuy 404 text/html": false,
	} {
		if slices.Contains(unseen, name) != want {
			t.Errorf("%s is missed: %t", name, !want)
		}
	}
}
