package webhookendpoint

import (
	"context"
	"io"
	"net/http"
	"strings"

	"k8s.io/utils/clock"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// countingClient is a client whose writes are steps.
type countingClient struct {
	*stripeclient.Client
	steps *steps
}

func (c countingClient) CreateEndpoint(ctx context.Context, e stripeclient.NewEndpoint) (created stripeclient.Endpoint, secret credentials.Secret, err error) {
	err = c.steps.step("create an endpoint", func() (err error) {
		created, secret, err = c.Client.CreateEndpoint(ctx, e)
		return err
	})
	return created, secret, err
}

func (c countingClient) SetEndpointEvents(ctx context.Context, id string) error {
	return c.steps.step("set events of "+id, func() error { return c.Client.SetEndpointEvents(ctx, id) })
}

// addEndpoint adds an endpoint with our URL, as a person or as the Manager, and returns its id.
func (f *endpointFixture) addEndpoint(key string, types []string, managed bool) string {
	f.t.Helper()
	e := stripeclient.NewEndpoint{URL: f.monitor.URL, Description: "Paylink", IdempotencyKey: key}
	if managed {
		e.Metadata = map[string]string{"managed-by": "paylink"}
	}
	created, _, err := f.monitor.Stripe.(countingClient).Client.CreateEndpoint(f.t.Context(), e)
	if err != nil {
		f.t.Fatal(err)
	}
	if len(types) > 0 {
		f.updateEndpoint(created.ID, enabledEvents(types))
	}
	return created.ID
}

// enabledEvents is the form that sets the event types of an endpoint.
func enabledEvents(types []string) string {
	return "enabled_events[]=" + strings.Join(types, "&enabled_events[]=")
}

// updateEndpoint changes an endpoint as a person does in the Dashboard.
func (f *endpointFixture) updateEndpoint(id, form string) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.sim.URL()+"/v1/webhook_endpoints/"+id, strings.NewReader(form))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+stripesim.LiveKey)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		f.t.Fatalf("update %s: got %d, %v, want 200", id, response.StatusCode, err)
	}
}

// endpoints returns the endpoints at Stripe.
func (f *endpointFixture) endpoints() []stripeclient.Endpoint {
	f.t.Helper()
	endpoints, err := f.monitor.Stripe.Endpoints(f.t.Context())
	if err != nil {
		f.t.Error(err)
	}
	return endpoints
}

// oneEndpoint returns the only endpoint at Stripe.
func (f *endpointFixture) oneEndpoint() stripeclient.Endpoint {
	f.t.Helper()
	endpoints := f.endpoints()
	if len(endpoints) != 1 {
		f.t.Fatalf("endpoints: got %v, want 1", endpoints)
	}
	return endpoints[0]
}

// serve records a webhook.
func (f *endpointFixture) serve(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deliveries[string(body)] = r.Header.Get("Stripe-Signature")
}

// mustVerify verifies Stripe's webhooks by the signing secret that the Secret has for the endpoint.
func (f *endpointFixture) mustVerify(id string) {
	f.t.Helper()
	link := f.sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 19900, Livemode: true})
	if _, err := f.sim.Buyer().Pay(f.t.Context(), link.URL, stripesim.Card4242); err != nil {
		f.t.Fatal(err)
	}
	if err := f.sim.WaitDelivered(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	secrets, err := credentials.ParseSecrets(string(f.secret().Data[id]))
	if err != nil {
		f.t.Fatal(err)
	}
	verifier := webhook.Verifier{Secrets: credentials.NewSigningSecrets(secrets), Clock: clock.RealClock{}}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.deliveries) == 0 {
		f.t.Error("got no webhook from Stripe")
	}
	for body, signature := range f.deliveries {
		if err := verifier.Verify([]byte(body), signature); err != nil {
			f.t.Errorf("verify: got %v", err)
		}
	}
}
