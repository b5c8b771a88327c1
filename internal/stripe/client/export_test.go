package client

import (
	"net/http"

	"github.com/stripe/stripe-go/v76"
)

func (c *Client) implementation() *stripe.BackendImplementation {
	return c.backend.(*stripe.BackendImplementation)
}

// SetRetrySleep turns the sleep of stripe-go before a retry on or off.
func (c *Client) SetRetrySleep(on bool) { c.implementation().SetNetworkRetriesSleep(on) }

// SetNetwork replaces the network under the client's own transport.
func (c *Client) SetNetwork(next http.RoundTripper) {
	c.implementation().HTTPClient.Transport.(*transport).next = next
}
