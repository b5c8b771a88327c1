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

// counted is a client whose changes are steps.
type counted struct {
	*stripeclient.Client
	steps *steps
}

func (c counted) CreateEndpoint(ctx context.Context, e stripeclient.NewEndpoint) (made stripeclient.Endpoint, secret credentials.Secret, err error) {
	err = c.steps.step("make an endpoint", func() (err error) {
		made, secret, err = c.Client.CreateEndpoint(ctx, e)
		return err
	})
	return made, secret, err
}

func (c counted) SetEndpointEvents(ctx context.Context, id string) error {
	return c.steps.step("set events of "+id, func() error { return c.Client.SetEndpointEvents(ctx, id) })
}

// add adds an endpoint with our URL, by hand or as if the keeper had, and returns its id.
func (o *outpost) add(key string, types []string, managed bool) string {
	o.t.Helper()
	p := stripeclient.NewEndpoint{URL: o.watch.URL, Description: "Paylink", IdempotencyKey: key}
	if managed {
		p.Metadata = map[string]string{"managed-by": "paylink"}
	}
	made, _, err := o.watch.Stripe.(counted).Client.CreateEndpoint(o.t.Context(), p)
	if err != nil {
		o.t.Fatal(err)
	}
	for i, eventType := range types {
		types[i] = "enabled_events[]=" + eventType
	}
	if len(types) > 0 {
		o.update(made.ID, strings.Join(types, "&"))
	}
	return made.ID
}

// update changes an endpoint as a person does in the Dashboard.
func (o *outpost) update(id, form string) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.sim.URL()+"/v1/webhook_endpoints/"+id, strings.NewReader(form))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+stripesim.LiveKey)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		o.t.Fatalf("status %d, %v", answer.StatusCode, err)
	}
}

// endpoints are those at Stripe.
func (o *outpost) endpoints() []stripeclient.Endpoint {
	o.t.Helper()
	found, err := o.watch.Stripe.Endpoints(o.t.Context())
	if err != nil {
		o.t.Error(err)
	}
	return found
}

// serve keeps a webhook.
func (o *outpost) serve(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deliveries[string(body)] = r.Header.Get("Stripe-Signature")
}

// mustVerify: what Stripe sends is verified by what is in the Secret under the endpoint's id.
func (o *outpost) mustVerify(id string) {
	o.t.Helper()
	link := o.sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 19900, Livemode: true})
	if _, err := o.sim.Buyer().Pay(o.t.Context(), link.URL, stripesim.Card4242); err != nil {
		o.t.Fatal(err)
	}
	if err := o.sim.WaitDelivered(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	secrets, err := credentials.ParseSecrets(string(o.secret().Data[id]))
	if err != nil {
		o.t.Fatal(err)
	}
	verifier := webhook.Verifier{Secrets: credentials.NewSigningSecrets(secrets), Clock: clock.RealClock{}}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.deliveries) == 0 {
		o.t.Error("Stripe has sent nothing")
	}
	for body, signature := range o.deliveries {
		if err := verifier.Verify([]byte(body), signature); err != nil {
			o.t.Error(err)
		}
	}
}
