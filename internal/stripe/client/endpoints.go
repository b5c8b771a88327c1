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

// Endpoint is a webhook endpoint at Stripe.
type Endpoint struct {
	ID  string `json:"id"`
	URL string `json:"url"`
	// Status is "enabled" or "disabled".
	Status   string `json:"status"`
	Livemode bool   `json:"livemode"`
	// APIVersion is the API version of its events; empty: the default version of the account.
	APIVersion string `json:"api_version"`
	// Events are the types that it receives. "*" means all of them, and "charge.*" all with that prefix.
	Events   []string          `json:"enabled_events"`
	Metadata map[string]string `json:"metadata"`
}

// APIVersion is the version of Stripe's API that this release is built for.
const APIVersion = stripe.APIVersion

// EndpointEvents returns the event types that an endpoint needs, sorted. It leaves out refund.failed, which is newer than
// APIVersion and repeats refund.updated.
func EndpointEvents() []string {
	return slices.DeleteFunc(webhook.EventTypes(), func(eventType string) bool { return eventType == webhook.TypeRefundFailed })
}

const (
	endpointsPath  = "/v1/webhook_endpoints"
	readEndpoints  = "read access to Webhook Endpoints"
	writeEndpoints = "write access to Webhook Endpoints"
)

// Endpoints returns the endpoints in the client's mode, newest first.
func (c *Client) Endpoints(ctx context.Context) ([]Endpoint, error) {
	var found []Endpoint
	err := list(ctx, c, request{operation: "webhook_endpoints.list", path: endpointsPath, form: &form.Values{}, permission: readEndpoints},
		func(e *Endpoint) error {
			found = append(found, *e)
			return nil
		})
	return found, err
}

// NewEndpoint describes an endpoint to create.
type NewEndpoint struct {
	URL, Description string
	Metadata         map[string]string
	// IdempotencyKey makes Stripe return the first endpoint again if the request is repeated within a day.
	IdempotencyKey string
}

// CreateEndpoint creates an endpoint for EndpointEvents in APIVersion. It returns the endpoint and its signing secret,
// which Stripe shows only once.
func (c *Client) CreateEndpoint(ctx context.Context, e NewEndpoint) (Endpoint, credentials.Secret, error) {
	values := enabledEvents()
	values.Add("url", e.URL)
	values.Add("api_version", APIVersion)
	values.Add("description", e.Description)
	for _, name := range slices.Sorted(maps.Keys(e.Metadata)) { // Stripe compares repeated requests byte by byte
		values.Add("metadata["+name+"]", e.Metadata[name])
	}
	var created struct {
		Endpoint
		Secret string `json:"secret"`
	}
	_, err := c.do(ctx, request{
		operation: "webhook_endpoints.create", method: http.MethodPost, path: endpointsPath,
		form: values, idempotencyKey: e.IdempotencyKey, permission: writeEndpoints,
	}, &created)
	if err != nil {
		return Endpoint{}, "", err
	}
	if !strings.HasPrefix(created.ID, "we_") || !strings.HasPrefix(created.Secret, "whsec_") {
		return Endpoint{}, "", fmt.Errorf("%w: the response is not an endpoint with its signing secret", ErrCallFailed)
	}
	return created.Endpoint, credentials.Secret(created.Secret), nil
}

// SetEndpointEvents subscribes an endpoint to exactly EndpointEvents.
func (c *Client) SetEndpointEvents(ctx context.Context, id string) error {
	var updated Endpoint
	_, err := c.do(ctx, request{
		operation: "webhook_endpoints.update", method: http.MethodPost, path: endpointsPath + "/" + id,
		form: enabledEvents(), permission: writeEndpoints,
	}, &updated)
	if err == nil && updated.ID != id {
		err = fmt.Errorf("%w: the response is not the updated endpoint", ErrCallFailed)
	}
	return err
}

func enabledEvents() *form.Values {
	values := &form.Values{}
	for _, eventType := range EndpointEvents() {
		values.Add("enabled_events[]", eventType)
	}
	return values
}
