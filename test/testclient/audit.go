package testclient

import (
	"context"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/cluster"
)

// AuditEvents returns all requests to the API server so far.
func (c *Client) AuditEvents() []cluster.AuditEvent {
	c.T.Helper()
	ctx, cancel := context.WithTimeout(c.Ctx, Timeout)
	defer cancel()
	events, err := c.Stack.Cluster.AuditEvents(ctx)
	c.Must(err)
	return events
}

// WritesTo returns the writes to an order once Stripe has delivered every event, and the refused ones. Its creation is among
// them where the namespace has one order only: the API server audits it before the name is known.
func (c *Client) WritesTo(name string) (done, refused []cluster.AuditEvent) {
	c.T.Helper()
	c.AwaitDelivered()
	for _, e := range c.AuditEvents() {
		created := e.Verb == "create" && e.Subresource == ""
		if e.Resource != "orders."+v1alpha1.GroupName || e.Namespace != c.Namespace || !e.Write() || (e.Name != name && !created) {
			continue
		}
		if e.Code < 300 {
			done = append(done, e)
		} else {
			refused = append(refused, e)
		}
	}
	return done, refused
}
