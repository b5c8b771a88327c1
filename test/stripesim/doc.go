// Package stripesim simulates the part of Stripe that Payment Links need: the API, the hosted payment page and signed
// webhooks. It keeps its state in memory and listens on one loopback address.
//
// It is stateful, unlike a contract mock. A payment on the page makes a Checkout Session, a PaymentIntent, a Charge and the
// events that Stripe would send; a refund of more than was paid is refused. Every answer and every event is valid against
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
