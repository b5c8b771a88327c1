package stripeevents

import (
	"io"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
)

// TestDelivery holds a signed delivery to Stripe's own library.
func TestDelivery(t *testing.T) {
	want := FromStripe(t, SessionPaid)
	r := MakeDelivery(want).Sign("whsec_a", time.Now()).Obj(t.Context())
	got, err := io.ReadAll(r.Body)
	if err != nil || string(got) != string(want) {
		t.Errorf("got %v, %s, want %s", err, got, want)
	}
	if err := webhook.ValidatePayload(got, r.Header.Get("Stripe-Signature"), "whsec_a"); err != nil {
		t.Error(err)
	}
}
