package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"testing"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// failures matches every error of a call. An error quotes nothing of a response but numbers, field names and JSON types.
var failures = regexp.MustCompile(`^call to Stripe's API failed: (no connection, or no response in time` +
	`|Stripe does not know the API key: .*|the restricted API key lacks a permission: .*|too many calls \(status 429, request \): .*|status \d{3}, request ` +
	`|the response is not the requested checkout session` +
	`|the response to checkout.sessions.retrieve: (not JSON of the expected shape|JSON, but not an object \([a-z]+\)|field "[A-Za-z_.]+" has the wrong type \([a-z]+\))` +
	`|invalid object in the response: malformed event: field "[a-z_.]+" (is missing|is too long|is longer than 255 bytes))$`)

// FuzzSession: for every response and status, the client returns the requested session or an error. The facts of the
// session are valid for the CRD.
func FuzzSession(f *testing.F) {
	for _, sample := range stripeevents.Names(f) {
		body := stripeevents.FromStripe(f, sample)
		f.Add(body, 200)
		var event struct {
			Data struct{ Object json.RawMessage }
		}
		if err := json.Unmarshal(body, &event); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(event.Data.Object), 200)
	}
	whole := `{"id":"` + sampleSession + `","payment_status":"paid","status":"complete","amount_total":5,"currency":"eur","created":1,"payment_intent":%s}`
	for _, intent := range []string{
		`null`, `"pi_1"`, `{"id":"pi_1","latest_charge":null}`, `{"id":"pi_1","latest_charge":"ch_1"}`, `{"id":"pi_1","latest_charge":{}}`, `{}`, `[]`, `1`,
		`{"id":"pi_1","latest_charge":{"id":"ch_1","created":2,"amount":5,"amount_refunded":3,"refunded":false,"disputed":true,"payment_intent":"pi_1"}}`,
		`{"id":"pi_1","latest_charge":{"id":"ch_1","created":-2,"amount":5,"amount_refunded":5}}`, `{"id":"","latest_charge":{"amount_refunded":5}}`,
	} {
		f.Add(fmt.Appendf(nil, whole, intent), 200)
	}
	for _, status := range []int{200, 204, 302, 400, 401, 403, 404, 429, 500} {
		for _, body := range []string{``, `{}`, `null`, `[]`, `{"error":{"type":"invalid_request_error","code":"resource_missing"}}`, `{"error":{"code":"rate_limit"}}`, `{"error":1}`, `{"error":null}`} {
			f.Add([]byte(body), status)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		client := newClient(t, testKey, stripeclient.Options{})
		client.SetNetwork(roundTrip(func(*http.Request) (*http.Response, error) {
			return newResponse(200+int(uint(status-200)%400), string(body)), nil
		}))
		got, err := client.SessionWithCharge(t.Context(), sampleSession)
		if err != nil {
			if !errors.Is(err, stripeclient.ErrNoSuchObject) && (!errors.Is(err, stripeclient.ErrCallFailed) || !failures.MatchString(err.Error())) {
				t.Errorf("got error %q, want one of the fixed messages", err)
			}
			return
		}
		if got.Fact.Session.ID != sampleSession {
			t.Errorf("got session %q, want %q", got.Fact.Session.ID, sampleSession)
		}
		stripeevents.CheckFact(t, got.Fact)
		if got.Charge != nil && got.Charge.Refund != nil {
			stripeevents.CheckFact(t, *got.Charge.Refund)
		}
	})
}
