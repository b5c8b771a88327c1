package stripesim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestSignature compares with stripe-go: the header of one body, and the secrets that verify deliveries while one is rolled.
func TestSignature(t *testing.T) {
	at := time.Unix(1760000000, 0)
	want := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(`{"a":1}`), Secret: "whsec_a", Timestamp: at}).Header
	if got := stripesim.SignatureHeader([]string{"whsec_a"}, at, []byte(`{"a":1}`)); got != want {
		t.Errorf("got header %s, want %s", got, want)
	}

	sim := start(t, stripesim.Options{})
	shop := newShop(t, nil)
	endpoint := sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
	next, link := "", sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100})
	for i, step := range []struct {
		name     string
		change   func()
		old, new bool // whether the secret verifies
	}{
		{"before the roll", func() {}, true, false},
		{"during the roll", func() { next = sim.RollSecret(endpoint.ID) }, true, true},
		{"after the roll", func() { sim.ExpireSecret(endpoint.ID) }, false, true},
	} {
		step.change()
		pay(t, sim, link)
		delivered(t, sim)
		got := shop.received()[i]
		for secret, want := range map[string]bool{endpoint.Secret: step.old, next: step.new, "whsec_other": false} {
			err := webhook.ValidatePayload(got.body, got.header.Get("Stripe-Signature"), secret)
			if (err == nil) != want {
				t.Errorf("%s: secret %q verifies: got %v, want %t", step.name, secret, err, want)
			}
			if webhook.ValidatePayload(append(got.body, ' '), got.header.Get("Stripe-Signature"), secret) == nil {
				t.Errorf("%s: secret %q verifies a changed body", step.name, secret)
			}
		}
	}
}

// TestDelivery checks the other headers, and the event as stripe-go decodes it.
func TestDelivery(t *testing.T) {
	sim := start(t, stripesim.Options{})
	shop := newShop(t, nil)
	endpoint := sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: []string{"checkout.session.*"}})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	delivered(t, sim)
	got := shop.received()[0]
	event, err := webhook.ConstructEvent(got.body, got.header.Get("Stripe-Signature"), endpoint.Secret)
	if err != nil || event.APIVersion != stripesim.DefaultAPIVersion || event.PendingWebhooks != 1 || event.Request.ID != "" {
		t.Errorf("got event %+v, %v", event, err)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json; charset=utf-8",
		"User-Agent":   "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
	} {
		if value := got.header.Get(name); value != want {
			t.Errorf("got %s %q, want %q", name, value, want)
		}
	}
	// The tests for leaks look for these, so they must be there.
	for _, part := range []string{"Erika Mustermann", "erika.mustermann@example.com", "Musterstrasse 1", "D-10115"} {
		if !strings.Contains(string(got.body), part) {
			t.Errorf("got an event without the buyer's %q", part)
		}
	}
}

// TestSignedAtEachAttempt: a receiver refuses old timestamps, so a retry is signed anew.
func TestSignedAtEachAttempt(t *testing.T) {
	begin := time.Unix(1760000000, 0)
	clock := testingclock.NewFakeClock(begin)
	sim := start(t, stripesim.Options{Clock: clock, Retry: stripesim.Backoff{Initial: time.Hour, Max: time.Hour, MaxAttempts: 2}})
	shop := newShop(t, func(received) int { return http.StatusInternalServerError })
	endpoint := sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	attempted(t, sim, 1)
	clock.Step(time.Hour)
	delivered(t, sim)
	for i, got := range shop.received() {
		want := stripesim.SignatureHeader([]string{endpoint.Secret}, begin.Add(time.Duration(i)*time.Hour), got.body)
		if header := got.header.Get("Stripe-Signature"); !strings.HasPrefix(header, want) {
			t.Errorf("attempt %d: got signature %s, want %s", i+1, header, want)
		}
	}
}
