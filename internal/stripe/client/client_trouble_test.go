package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// unanswered fails the test unless an error is ErrCallFailed, says this, and holds nothing private.
func unanswered(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, stripeclient.ErrCallFailed) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, not %q", err, want)
	}
	private := append(stripeevents.Buyer(), sampleSession, keyTail, keyTail[len(keyTail)-4:], "rk_test", "Bearer")
	for _, word := range private {
		if err != nil && strings.Contains(err.Error(), word) {
			t.Errorf("%q is left in %q", word, err)
		}
	}
}

// TestRefusals: what an operator can do about a refusal is said, in words of ours: Stripe's own hold a piece of the key,
// and may hold anything. There is no second attempt.
func TestRefusals(t *testing.T) {
	refusal := func(kind, code string) string {
		return fmt.Sprintf(`{"error":{"type":%q,"code":%q,"message":"Erika Mustermann buyer@example.com used rk_test_****%s"}}`, kind, code, keyTail[len(keyTail)-4:])
	}
	for name, row := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"wrong key":        {401, refusal("invalid_request_error", ""), "Stripe does not know the API key: make a new one in Stripe"},
		"expired key":      {401, refusal("invalid_request_error", "api_key_expired"), "Stripe does not know the API key"},
		"no permission":    {403, refusal("invalid_request_error", ""), "lacks a permission: give it read access to Checkout Sessions"},
		"too many calls":   {429, refusal("invalid_request_error", "rate_limit"), "status 429, request req_7"},
		"locked":           {429, refusal("invalid_request_error", "lock_timeout"), "status 429, request req_7"},
		"conflict":         {409, refusal("idempotency_error", ""), "status 409, request req_7"},
		"broken":           {500, refusal("api_error", ""), "status 500, request req_7"},
		"away":             {503, refusal("api_error", ""), "status 503, request req_7"},
		"bad request":      {400, refusal("invalid_request_error", "parameter_invalid_empty"), "status 400, request req_7"},
		"no such address":  {404, refusal("invalid_request_error", ""), "status 404, request req_7"},
		"of no known type": {418, refusal("teapot_error", ""), "status 418, request req_7"},
	} {
		t.Run(name, func(t *testing.T) {
			_, made, err := answering(t, row.status, row.body)
			unanswered(t, err, row.want)
			made.must(t, []string{fmt.Sprintf("checkout.sessions.retrieve %d", row.status)}, []string{"GET /v1/checkout/sessions/" + sampleSession})
		})
	}
}

// TestMissing: by Stripe's own word for it alone a session is not there. A proxy's 404 says nothing of sessions.
func TestMissing(t *testing.T) {
	_, _, err := answering(t, http.StatusNotFound, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"session","message":"No such checkout.session: 'Erika'"}}`)
	if !errors.Is(err, stripeclient.ErrNoSuchObject) || strings.Contains(err.Error(), "Erika") {
		t.Errorf("%v", err)
	}
	_, _, err = answering(t, http.StatusNotFound, `<html>Erika Mustermann</html>`)
	unanswered(t, err, "no connection, or no response in time")
}

// TestGarbage: an answer that is no session is none, and nothing of it is repeated.
func TestGarbage(t *testing.T) {
	whole := objectOf(t, stripeevents.FromStripe(t, stripeevents.SessionPaid))
	for name, row := range map[string]struct {
		body, code, want string
	}{
		"a page":                    {`<html>Erika Mustermann</html>`, "error", "no connection, or no response in time"},
		"nothing":                   {``, "error", "no connection, or no response in time"},
		"cut off":                   {whole[:len(whole)/2], "error", "no connection, or no response in time"},
		"an empty object":           {`{}`, "200", "the response is not the requested checkout session"},
		"another object":            {`{"id":"pi_1","object":"payment_intent","client_secret":"Erika"}`, "200", "the response is not the requested checkout session"},
		"another session":           {strings.Replace(whole, sampleSession, "cs_test_b1", 1), "200", "the response is not the requested checkout session"},
		"an amount in text":         {strings.Replace(whole, `"amount_total": 4999`, `"amount_total": "Erika"`, 1), "200", `field "object.amount_total" has the wrong type (string)`},
		"an amount of another kind": {`{"amount": {"Erika": 4242},` + whole[1:], "200", `field "object.amount" has the wrong type (object)`},
	} {
		t.Run(name, func(t *testing.T) {
			if row.body == whole {
				t.Fatal("the sample has no such field to spoil")
			}
			got, made, err := answering(t, http.StatusOK, row.body)
			unanswered(t, err, row.want)
			if got.Fact.Session != nil || got.Status != "" {
				t.Errorf("%+v", got)
			}
			made.must(t, []string{"checkout.sessions.retrieve " + row.code}, []string{"GET /v1/checkout/sessions/" + sampleSession})
		})
	}
}

// TestNoAnswer: a Stripe that does not answer, or is not there, is waited for no longer than was said.
func TestNoAnswer(t *testing.T) {
	arrived := make(chan struct{}, 1)
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	defer stuck.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()

	client, made := newClient(t, "rk_test_"+keyTail, stuck.URL, 20*time.Millisecond)
	_, err := client.Session(t.Context(), sampleSession)
	unanswered(t, err, "call to Stripe's API failed")
	<-arrived
	made.must(t, []string{"checkout.sessions.retrieve error"}, nil)

	client, made = newClient(t, "rk_test_"+keyTail, stuck.URL, time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = client.Session(ctx, sampleSession)
	unanswered(t, err, "context deadline exceeded")
	<-arrived
	made.must(t, []string{"checkout.sessions.retrieve error"}, nil)

	ctx, leave := context.WithCancel(t.Context())
	go func() { <-arrived; leave() }()
	if _, err = client.Session(ctx, sampleSession); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	unanswered(t, err, "context canceled")
	made.must(t, []string{"checkout.sessions.retrieve error"}, nil)

	client, made = newClient(t, "rk_test_"+keyTail, gone.URL, time.Minute)
	_, err = client.Session(t.Context(), sampleSession)
	unanswered(t, err, "no connection, or no response in time")
	made.must(t, []string{"checkout.sessions.retrieve error"}, nil)
}
