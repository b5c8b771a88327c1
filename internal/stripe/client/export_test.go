package client

import (
	"net/http"

	"github.com/stripe/stripe-go/v76"
)

func (c *Client) implementation() *stripe.BackendImplementation {
	return c.backend.(*stripe.BackendImplementation)
}

// Hasten has the client try again at once.
func (c *Client) Hasten() { c.implementation().SetNetworkRetriesSleep(false) }

// Ponder has the client pause before it tries again, as it does outside of tests.
func (c *Client) Ponder() { c.implementation().SetNetworkRetriesSleep(true) }

// Through has the client's attempts take another way than the network.
func (c *Client) Through(next http.RoundTripper) {
	c.implementation().HTTPClient.Transport.(*transport).next = next
}
