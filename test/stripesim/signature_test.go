package stripesim_test

import (
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestDelivery checks the other headers, and the event as stripe-go decodes it.
func TestDelivery(t *testing.T) {
	sim := start(t, stripesim.Options{})
	shop := newShop(t)
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
