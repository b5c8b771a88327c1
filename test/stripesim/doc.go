// Package stripesim is a small Stripe of its own: the API, the hosted payment
// page and the signed webhooks that Payment Links need, kept in memory and
// served on one loopback listener.
//
// It is stateful where a contract mock is not: a buyer who pays on the page
// leaves a Checkout Session, a PaymentIntent, a Charge and the events that
// Stripe would have sent, and a refund of that charge is refused once it would
// give back more than was taken. Every answer and every event is valid against
// Stripe's OpenAPI description of API version 2023-10-16.
//
//	sim, err := stripesim.Start(stripesim.Options{})
//	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Lifetime", Amount: 19900, Currency: "usd"})
//	endpoint := sim.AddEndpoint(stripesim.EndpointParams{URL: "http://127.0.0.1:8080/api/webhooks/stripe"})
//	session, err := sim.Buyer().Pay(ctx, link.URL+"?client_reference_id=order-1", stripesim.Card4242)
//	err = sim.WaitDelivered(ctx)
//
// The operator's page has no password, so the listener belongs on loopback.
package stripesim
