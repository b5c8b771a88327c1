package client_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// TestErrors: the error of a refused call or an unusable response says what to do about it. It never quotes the response:
// messages of Stripe's hold a piece of the key, and can hold anything else. There is one attempt.
func TestErrors(t *testing.T) {
	const invalid, unreadable, otherObject = "invalid_request_error", "no connection, or no response in time", "the response is not the requested checkout session"
	whole := sessionJSON(t)
	replaced := func(old, replacement string) string {
		t.Helper()
		body := strings.Replace(whole, old, replacement, 1)
		if body == whole {
			t.Fatalf("the sample has no %s to replace", old)
		}
		return body
	}
	for name, row := range map[string]struct {
		status int
		body   string
		code   string // observed; "" means the status
		want   string
	}{
		"wrong key":                 {401, refusal(invalid, ""), "", "Stripe does not know the API key: make a new one in Stripe"},
		"expired key":               {401, refusal(invalid, "api_key_expired"), "", "Stripe does not know the API key"},
		"no permission":             {403, refusal(invalid, ""), "", "lacks a permission: give it read access to Checkout Sessions"},
		"too many calls":            {429, refusal(invalid, "rate_limit"), "", "status 429, request req_7"},
		"locked":                    {429, refusal(invalid, "lock_timeout"), "", "status 429, request req_7"},
		"conflict":                  {409, refusal("idempotency_error", ""), "", "status 409, request req_7"},
		"broken":                    {500, refusal("api_error", ""), "", "status 500, request req_7"},
		"unavailable":               {503, refusal("api_error", ""), "", "status 503, request req_7"},
		"bad request":               {400, refusal(invalid, "parameter_invalid_empty"), "", "status 400, request req_7"},
		"no such route":             {404, refusal(invalid, ""), "", "status 404, request req_7"},
		"unknown type of error":     {418, refusal("teapot_error", ""), "", "status 418, request req_7"},
		"404 of a proxy":            {404, `<html>Erika Mustermann</html>`, "", unreadable},
		"a page":                    {200, `<html>Erika Mustermann</html>`, "error", unreadable},
		"nothing":                   {200, ``, "error", unreadable},
		"cut off":                   {200, whole[:len(whole)/2], "error", unreadable},
		"an empty object":           {200, `{}`, "", otherObject},
		"another object":            {200, `{"id":"pi_1","object":"payment_intent","client_secret":"Erika"}`, "", otherObject},
		"another session":           {200, replaced(sampleSession, "cs_test_b1"), "", otherObject},
		"an amount as text":         {200, replaced(`"amount_total": 4999`, `"amount_total": "Erika"`), "", `field "object.amount_total" has the wrong type (string)`},
		"an amount of another type": {200, `{"amount": {"Erika": 4242},` + whole[1:], "", `field "object.amount" has the wrong type (object)`},
	} {
		t.Run(name, func(t *testing.T) {
			client := newScriptedClient(t, respond(row.status, row.body))
			got, err := client.Session(t.Context(), sampleSession)
			checkFailed(t, err, row.want)
			if got.Fact.Session != nil || got.Status != "" {
				t.Errorf("got session %+v, want none", got)
			}
			if row.code == "" {
				row.code = strconv.Itoa(row.status)
			}
			client.calls.expectCodes(t, retrieve, row.code)
			requests := client.api.received(func(r *http.Request) string { return r.Method + " " + r.URL.String() })
			checkEqual(t, "requests", []string{"GET /v1/checkout/sessions/" + sampleSession}, requests)
		})
	}
	t.Run("no such session", func(t *testing.T) {
		client := newScriptedClient(t, respond(404, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"session","message":"No such checkout.session: 'Erika'"}}`))
		if _, err := client.Session(t.Context(), sampleSession); !errors.Is(err, stripeclient.ErrNoSuchObject) || strings.Contains(err.Error(), "Erika") {
			t.Errorf("got error %v, want %v", err, stripeclient.ErrNoSuchObject)
		}
	})
}

// TestMissingPermission: the error names the permission that the call needs.
func TestMissingPermission(t *testing.T) {
	client := newScriptedClient(t, refuse(http.StatusForbidden, ""))
	for _, row := range []struct {
		want string
		call func(*testing.T) (empty bool, err error)
	}{
		{"read access to Checkout Sessions, PaymentIntents and Charges", func(t *testing.T) (bool, error) {
			session, err := client.SessionWithCharge(t.Context(), sampleSession)
			return session.Fact.Session == nil, err
		}},
		{"read access to Disputes", func(t *testing.T) (bool, error) {
			facts, err := client.Disputes(t.Context(), "pi_1")
			return len(facts) == 0, err
		}},
		{"read access to Charges and Refunds", func(t *testing.T) (bool, error) {
			facts, err := client.FailedRefunds(t.Context(), "pi_1")
			return len(facts) == 0, err
		}},
		{"read access to Events", func(t *testing.T) (bool, error) {
			count, date, err := client.Undelivered(t.Context(), noon)
			return count == 0 && date.IsZero(), err
		}},
		{"read access to Webhook Endpoints", func(t *testing.T) (bool, error) {
			endpoints, err := client.Endpoints(t.Context())
			return len(endpoints) == 0, err
		}},
		{"write access to Webhook Endpoints", func(t *testing.T) (bool, error) {
			_, secret, err := client.CreateEndpoint(t.Context(), newEndpoint())
			return secret == "", err
		}},
		{"write access to Webhook Endpoints", func(t *testing.T) (bool, error) {
			return true, client.SetEndpointEvents(t.Context(), "we_1")
		}},
	} {
		t.Run(row.want, func(t *testing.T) {
			empty, err := row.call(t)
			checkFailed(t, err, "give it "+row.want)
			if !empty {
				t.Error("got a result with the error, want none")
			}
		})
	}
}
