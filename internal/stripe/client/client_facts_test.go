package client_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// sampleSession is the session of the samples.
const sampleSession = "cs_test_a1Example0000000000000000000000000000000000000000000000001"

// answering asks an API that answers every call with this.
func answering(t *testing.T, status int, body string) (stripeclient.Session, *calls, error) {
	t.Helper()
	var made *calls
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		made.arrive(r)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Request-Id", "req_7")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(api.Close)
	client, made := newClient(t, "rk_test_"+keyTail, api.URL, 10*time.Second)
	session, err := client.Session(t.Context(), sampleSession)
	return session, made, err
}

// objectOf is the object of an event.
func objectOf(t *testing.T, body []byte) string {
	t.Helper()
	var event struct {
		Data struct{ Object json.RawMessage }
	}
	if err := json.Unmarshal(body, &event); err != nil {
		t.Fatal(err)
	}
	return string(event.Data.Object)
}

// TestSameFact: what Stripe says of a session when it is asked is what its webhook says, but for the event itself.
func TestSameFact(t *testing.T) {
	expanded := []stripeevents.Change{
		stripeevents.Expand("data.object.payment_intent", "payment_intent"), stripeevents.Expand("data.object.payment_link", "payment_link"),
	}
	bodies := map[string][]byte{
		"expanded":            stripeevents.FromStripe(t, stripeevents.SessionPaid, expanded...),
		"nothing due":         stripeevents.FromStripe(t, stripeevents.SessionPaid, stripeevents.Set("data.object.payment_status", "no_payment_required"), stripeevents.Set("data.object.payment_intent", nil)),
		"no link":             stripeevents.FromStripe(t, stripeevents.SessionPaid, stripeevents.Set("data.object.payment_link", nil)),
		"no reference":        stripeevents.FromStripe(t, stripeevents.SessionPaid, stripeevents.Set("data.object.client_reference_id", nil)),
		"a buyer's reference": stripeevents.FromStripe(t, stripeevents.SessionPaid, stripeevents.Set("data.object.client_reference_id", "buyer@example.com")),
		"in live mode":        stripeevents.FromStripe(t, stripeevents.SessionPaid, stripeevents.Set("livemode", true), stripeevents.Set("data.object.livemode", true)),
		"adaptive pricing": stripeevents.FromStripe(t, stripeevents.SessionPaid, stripeevents.Set("data.object.currency_conversion", map[string]any{
			"amount_subtotal": 4999, "amount_total": 4999, "fx_rate": "1.1", "source_currency": "eur",
		}), stripeevents.Set("data.object.currency", "usd"), stripeevents.Set("data.object.amount_total", 5499)),
	}
	for _, sample := range stripeevents.Names(t) {
		bodies[sample] = stripeevents.FromStripe(t, sample)
	}
	compared := 0
	for name, body := range bodies {
		event, err := webhook.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		if event.Fact == nil || !event.Fact.OfSession() {
			continue
		}
		compared++
		t.Run(name, func(t *testing.T) {
			got, made, err := answering(t, http.StatusOK, objectOf(t, body))
			if err != nil {
				t.Fatal(err)
			}
			want := *event.Fact
			if name == stripeevents.SessionAsyncFailed {
				// The one thing that only a webhook tells: of a debit that was returned the session itself says "unpaid" for ever.
				want.Session.Outcome = v1alpha1.OutcomeUnpaid
			}
			if diff := cmp.Diff(stripeclient.Session{Status: stripeclient.SessionComplete, Fact: want}, got, cmpopts.IgnoreFields(payment.Fact{}, "EventID", "Type", "Created")); diff != "" {
				t.Error(diff)
			}
			made.must(t, []string{"checkout.sessions.retrieve 200"}, []string{"GET /v1/checkout/sessions/" + sampleSession})
		})
	}
	if compared != 12 {
		t.Errorf("%d events of sessions", compared)
	}
}

// TestExpiredSample: a webhook of an expired session says nothing of interest; who asks is told that it has expired.
func TestExpiredSample(t *testing.T) {
	got, _, err := answering(t, http.StatusOK, objectOf(t, stripeevents.FromStripe(t, stripeevents.SessionExpired)))
	if err != nil || got.Status != stripeclient.SessionExpired || got.Fact.Session.Outcome != v1alpha1.OutcomeUnpaid {
		t.Errorf("%+v, %v", got, err)
	}
}
