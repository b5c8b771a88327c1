package stripesim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// verified checks a delivery as a shop does, by stripe-go.
func verified(t *testing.T, got received, secret string) stripe.Event {
	t.Helper()
	event, err := webhook.ConstructEvent(got.body, got.header.Get("Stripe-Signature"), secret)
	if err != nil {
		t.Fatalf("verify %s: %v", got.eventType, err)
	}
	return event
}

func TestSignedAsStripe(t *testing.T) {
	sim := start(t, stripesim.Options{})
	shop := newShop(t, nil)
	endpoint := sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: []string{"checkout.session.*"}})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	delivered(t, sim)
	got := shop.received()[0]
	event := verified(t, got, endpoint.Secret)
	if event.APIVersion != stripesim.DefaultAPIVersion || event.PendingWebhooks != 1 || event.Request.ID != "" {
		t.Errorf("the event is %+v", event)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json; charset=utf-8",
		"User-Agent":   "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
	} {
		if value := got.header.Get(name); value != want {
			t.Errorf("%s is %q, not %q", name, value, want)
		}
	}
	if err := webhook.ValidatePayload(got.body, got.header.Get("Stripe-Signature"), "whsec_other"); err == nil {
		t.Error("another secret verifies too")
	}
	if err := webhook.ValidatePayload(append(got.body, ' '), got.header.Get("Stripe-Signature"), endpoint.Secret); err == nil {
		t.Error("a changed body verifies")
	}
	for _, part := range []string{"Erika Mustermann", "erika.mustermann@example.com", "Musterstrasse 1", "D-10115"} {
		if !strings.Contains(string(got.body), part) {
			t.Errorf("the buyer's %q is not in the event", part)
		}
	}
}

func TestSignatureMatchesStripeGo(t *testing.T) {
	at := time.Unix(1760000000, 0)
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(`{"a":1}`), Secret: "whsec_a", Timestamp: at})
	if header := stripesim.SignatureHeader([]string{"whsec_a"}, at, []byte(`{"a":1}`)); header != signed.Header {
		t.Errorf("%s, but stripe-go signs %s", header, signed.Header)
	}
}

func TestRolledSecret(t *testing.T) {
	sim := start(t, stripesim.Options{})
	shop := newShop(t, nil)
	endpoint := sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: []string{"checkout.session.completed"}})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100})
	next := sim.RollSecret(endpoint.ID)
	pay(t, sim, link)
	delivered(t, sim)
	during := shop.received()[0]
	verified(t, during, endpoint.Secret)
	verified(t, during, next)

	sim.ExpireSecret(endpoint.ID)
	pay(t, sim, link)
	delivered(t, sim)
	after := shop.received()[1]
	verified(t, after, next)
	if err := webhook.ValidatePayload(after.body, after.header.Get("Stripe-Signature"), endpoint.Secret); err == nil {
		t.Error("the expired secret still verifies")
	}
}

// TestFreshSignature: each attempt is signed at its own time.
func TestFreshSignature(t *testing.T) {
	fake := testingclock.NewFakeClock(time.Unix(1760000000, 0))
	sim := start(t, stripesim.Options{Clock: fake, Retry: stripesim.Backoff{Initial: time.Hour, Max: time.Hour, MaxAttempts: 2}})
	shop := newShop(t, func(received) int { return 500 })
	endpoint := sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: []string{"checkout.session.completed"}})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	attempted(t, sim, 1)
	fake.Step(time.Hour)
	delivered(t, sim)
	for i, got := range shop.received() {
		at := time.Unix(1760000000, 0).Add(time.Duration(i) * time.Hour)
		want := stripesim.SignatureHeader([]string{endpoint.Secret}, at, got.body)
		if header := got.header.Get("Stripe-Signature"); !strings.HasPrefix(header, want) {
			t.Errorf("attempt %d is signed %s, not %s", i+1, header, want)
		}
	}
}
