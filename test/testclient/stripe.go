package testclient

import (
	"context"
	"regexp"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// Pay pays by card at a checkout URL, through Stripe's page.
func (c *Client) Pay(checkoutURL string) stripesim.Session {
	c.T.Helper()
	session, err := c.Stripe.Buyer().Pay(c.Ctx, checkoutURL, stripesim.Card4242)
	c.Must(err)
	return session
}

// PayByDebit pays by bank debit, which stays pending until SettleDebit.
func (c *Client) PayByDebit(checkoutURL string) stripesim.Session {
	c.T.Helper()
	session, err := c.Stripe.Buyer().PayByDebit(c.Ctx, checkoutURL)
	c.Must(err)
	return session
}

// SettleDebit has the bank accept a debit, or return it.
func (c *Client) SettleDebit(session stripesim.Session, accept bool) {
	c.T.Helper()
	c.Must(c.Stripe.SettleDebit(session.ID, accept))
}

// Visit opens Stripe's page without paying.
func (c *Client) Visit(checkoutURL string) stripesim.Session {
	c.T.Helper()
	session, err := c.Stripe.Buyer().Visit(c.Ctx, checkoutURL)
	c.Must(err)
	return session
}

// Refund refunds an amount of a payment; 0 is the rest of it.
func (c *Client) Refund(session stripesim.Session, amount int64) stripesim.Refund {
	c.T.Helper()
	refund, err := c.Stripe.Refund(c.PaymentIntent(session.ID), amount)
	c.Must(err)
	return refund
}

// Dispute opens a dispute of a payment.
func (c *Client) Dispute(session stripesim.Session) stripesim.Dispute {
	c.T.Helper()
	dispute, err := c.Stripe.OpenDispute(c.PaymentIntent(session.ID))
	c.Must(err)
	return dispute
}

// PaymentIntent returns the id of a session's PaymentIntent.
func (c *Client) PaymentIntent(sessionID string) string {
	c.T.Helper()
	session, ok := c.Stripe.Session(sessionID)
	if !ok || session.PaymentIntent == "" {
		c.T.Fatalf("session %s has no PaymentIntent", sessionID)
	}
	return session.PaymentIntent
}

// PlanDelivery has Stripe deliver by a plan until the test ends.
func (c *Client) PlanDelivery(plan stripesim.Plan) {
	c.Stripe.Delivery(plan)
	c.T.Cleanup(func() { c.Stripe.Delivery(stripesim.Plan{}) })
}

// AwaitDelivered waits until Stripe has delivered every event.
func (c *Client) AwaitDelivered() {
	c.T.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Ctx), Timeout) // also when the test has ended
	defer cancel()
	if err := c.Stripe.WaitDelivered(ctx); err != nil {
		c.T.Fatalf("Stripe still has events to deliver: %v", err)
	}
}

// personalFields are the fields of Stripe's events that hold personal data.
var personalFields = regexp.MustCompile(`"(?:name|email|line1|city|postal_code)": ?"([^"]{4,})"`)

// BuyerData returns the buyer's name, e-mail and address from the simulator's own events, so that a test which searches
// for them searches for what was really sent.
func (c *Client) BuyerData() []string {
	c.T.Helper()
	var found []string
	for _, event := range c.Stripe.Events() {
		if event.Type != "checkout.session.completed" {
			continue
		}
		for _, match := range personalFields.FindAllStringSubmatch(string(event.Data), -1) {
			found = append(found, match[1])
		}
		break
	}
	if len(found) < 4 {
		c.T.Fatalf("got only %q of the buyer in Stripe's events, want at least 4 values", found)
	}
	return found
}
