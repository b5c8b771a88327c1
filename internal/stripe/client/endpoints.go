package client

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// Endpoint is a receiver of webhooks, as Stripe knows it.
type Endpoint struct {
	ID  string `json:"id"`
	URL string `json:"url"`
	// Status is enabled or disabled.
	Status   string `json:"status"`
	Livemode bool   `json:"livemode"`
	// APIVersion is that of its events; empty: the account's.
	APIVersion string `json:"api_version"`
	// Events are the types that it gets; * is all, and charge.* a family.
	Events   []string          `json:"enabled_events"`
	Metadata map[string]string `json:"metadata"`
}

// APIVersion is the version of Stripe's API that this release was made for.
const APIVersion = stripe.APIVersion

// EndpointEvents are the types that an endpoint needs, sorted: EventTypes without refund.failed, which is newer than
// APIVersion and tells nothing that refund.updated does not.
func EndpointEvents() []string {
	return slices.DeleteFunc(webhook.EventTypes(), func(eventType string) bool { return eventType == webhook.TypeRefundFailed })
}

const (
	endpointsPath  = "/v1/webhook_endpoints"
	readEndpoints  = "read access to Webhook Endpoints"
	writeEndpoints = "write access to Webhook Endpoints"
)

// Endpoints returns the endpoints of the client's mode, newest first.
func (c *Client) Endpoints(ctx context.Context) ([]Endpoint, error) {
	var found []Endpoint
	err := list(ctx, c, call{operation: "webhook_endpoints.list", path: endpointsPath, form: &form.Values{}, needs: readEndpoints},
		func(e *Endpoint) error {
			found = append(found, *e)
			return nil
		})
	return found, err
}

// NewEndpoint describes an endpoint to be made.
type NewEndpoint struct {
	URL, Description string
	Metadata         map[string]string
	// IdempotencyKey makes Stripe answer a repetition, within a day, with the endpoint that it made the first time.
	IdempotencyKey string
}

// CreateEndpoint makes an endpoint that gets EndpointEvents, in APIVersion, and returns its signing secret too. Stripe never
// tells it again.
func (c *Client) CreateEndpoint(ctx context.Context, e NewEndpoint) (Endpoint, credentials.Secret, error) {
	values := withOurTypes()
	values.Add("url", e.URL)
	values.Add("api_version", APIVersion)
	values.Add("description", e.Description)
	for _, name := range slices.Sorted(maps.Keys(e.Metadata)) { // a repetition must be the same to the letter
		values.Add("metadata["+name+"]", e.Metadata[name])
	}
	var made struct {
		Endpoint
		Secret string `json:"secret"`
	}
	_, err := c.ask(ctx, call{
		operation: "webhook_endpoints.create", method: http.MethodPost, path: endpointsPath,
		form: values, idempotencyKey: e.IdempotencyKey, needs: writeEndpoints,
	}, &made)
	if err != nil {
		return Endpoint{}, "", err
	}
	if !strings.HasPrefix(made.ID, "we_") || !strings.HasPrefix(made.Secret, "whsec_") {
		return Endpoint{}, "", fmt.Errorf("%w: it answered with something else than an endpoint and its signing secret", ErrUnanswered)
	}
	return made.Endpoint, credentials.Secret(made.Secret), nil
}

// SetEndpointEvents makes an endpoint get EndpointEvents.
func (c *Client) SetEndpointEvents(ctx context.Context, id string) error {
	var changed Endpoint
	_, err := c.ask(ctx, call{
		operation: "webhook_endpoints.update", method: http.MethodPost, path: endpointsPath + "/" + id, form: withOurTypes(), needs: writeEndpoints,
	}, &changed)
	if err == nil && changed.ID != id {
		err = fmt.Errorf("%w: it answered with something else than the endpoint", ErrUnanswered)
	}
	return err
}

func withOurTypes() *form.Values {
	values := &form.Values{}
	for _, eventType := range EndpointEvents() {
		values.Add("enabled_events[]", eventType)
	}
	return values
}
