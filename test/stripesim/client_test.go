package stripesim_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// newStripe is Stripe's own Go client, pointed at the simulator.
func newStripe(t *testing.T, sim *stripesim.Simulator, key string) *client.API {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	config := &stripe.BackendConfig{
		URL:               stripe.String(sim.URL()),
		HTTPClient:        &http.Client{Transport: transport},
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		MaxNetworkRetries: stripe.Int64(0),
		EnableTelemetry:   stripe.Bool(false),
	}
	api := stripe.GetBackendWithConfig(stripe.APIBackend, config)
	return client.New(key, &stripe.Backends{API: api, Connect: api, Uploads: api})
}

// TestStripeGo walks through a sale with Stripe's own client, in both modes.
func TestStripeGo(t *testing.T) {
	for key, live := range map[string]bool{stripesim.TestKey: false, stripesim.LiveKey: true} {
		t.Run(key, func(t *testing.T) {
			sim := start(t, stripesim.Options{})
			api := newStripe(t, sim, key)
			link := makeLink(t, api, live)

			session, err := sim.Buyer().Pay(t.Context(), link.URL+"?client_reference_id=order-7", stripesim.Card4242)
			if err != nil {
				t.Fatal(err)
			}
			found := sessionByIntent(t, api, session.PaymentIntent)
			if found.ID != session.ID || found.ClientReferenceID != "order-7" || found.Livemode != live || found.Metadata["order_id"] != "7" ||
				found.AmountTotal != 19900 || found.Currency != stripe.CurrencyUSD || found.PaymentStatus != stripe.CheckoutSessionPaymentStatusPaid {
				t.Errorf("the session by its payment intent is %+v", found)
			}
			if charge := found.PaymentIntent.LatestCharge; charge == nil || charge.Metadata["order_id"] != "seven" {
				t.Errorf("the link's payment_intent_data.metadata is not on the charge %+v", charge)
			}

			checkRefunds(t, api, session.PaymentIntent)
			checkEventPages(t, api, sim)
		})
	}
}

func makeLink(t *testing.T, api *client.API, live bool) *stripe.PaymentLink {
	t.Helper()
	price, err := api.Prices.New(&stripe.PriceParams{
		Currency: stripe.String("usd"), UnitAmount: stripe.Int64(19900),
		ProductData: &stripe.PriceProductDataParams{Name: stripe.String("Lifetime")},
	})
	if err != nil {
		t.Fatal(err)
	}
	intentData := &stripe.PaymentLinkPaymentIntentDataParams{Metadata: map[string]string{"order_id": "seven"}}
	link, err := api.PaymentLinks.New(&stripe.PaymentLinkParams{
		LineItems: []*stripe.PaymentLinkLineItemParams{{Price: stripe.String(price.ID), Quantity: stripe.Int64(1)}},
		AfterCompletion: &stripe.PaymentLinkAfterCompletionParams{
			Type:     stripe.String("redirect"),
			Redirect: &stripe.PaymentLinkAfterCompletionRedirectParams{URL: stripe.String("https://shop.example/?s={CHECKOUT_SESSION_ID}")},
		},
		AllowPromotionCodes: stripe.Bool(false),
		AutomaticTax:        &stripe.PaymentLinkAutomaticTaxParams{Enabled: stripe.Bool(false)},
		Metadata:            map[string]string{"order_id": "7"},
		PaymentIntentData:   intentData,
	})
	if err != nil {
		t.Fatal(err)
	}
	if link.Livemode != live || !link.Active || link.AfterCompletion.Redirect.URL != "https://shop.example/?s={CHECKOUT_SESSION_ID}" {
		t.Errorf("the new link is %+v", link)
	}
	items := api.PaymentLinks.ListLineItems(&stripe.PaymentLinkListLineItemsParams{PaymentLink: stripe.String(link.ID)})
	if !items.Next() || items.LineItem().Price.ID != price.ID || items.LineItem().AmountTotal != 19900 {
		t.Errorf("the link's line item is %+v, %v", items.LineItem(), items.Err())
	}
	return link
}

func sessionByIntent(t *testing.T, api *client.API, intent string) *stripe.CheckoutSession {
	t.Helper()
	params := &stripe.CheckoutSessionListParams{PaymentIntent: stripe.String(intent)}
	params.AddExpand("data.payment_intent.latest_charge")
	sessions := api.CheckoutSessions.List(params)
	if !sessions.Next() {
		t.Fatalf("no session has payment intent %s: %v", intent, sessions.Err())
	}
	found := sessions.CheckoutSession()
	if sessions.Next() {
		t.Errorf("a second session has payment intent %s", intent)
	}
	return found
}

func checkRefunds(t *testing.T, api *client.API, intent string) {
	t.Helper()
	_, err := api.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(intent), Amount: stripe.Int64(5000)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = api.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(intent), Amount: stripe.Int64(19900)})
	var refusal *stripe.Error
	if !errors.As(err, &refusal) || refusal.HTTPStatusCode != http.StatusBadRequest || refusal.Param != "amount" {
		t.Errorf("more than was paid could be refunded, or was refused as %v", err)
	}
	_, err = api.PaymentIntents.Get("pi_none", nil)
	if !errors.As(err, &refusal) || refusal.Code != stripe.ErrorCodeResourceMissing || refusal.HTTPStatusCode != http.StatusNotFound {
		t.Errorf("a payment intent that is not there: %v", err)
	}
}

// checkEventPages reads all events over many small pages, in both directions.
func checkEventPages(t *testing.T, api *client.API, sim *stripesim.Simulator) {
	t.Helper()
	all := sim.Events()
	backwards := &stripe.EventListParams{}
	backwards.Limit = stripe.Int64(2)
	events, n := api.Events.List(backwards), len(all)
	for events.Next() {
		if n--; n < 0 || events.Event().ID != all[n].ID {
			t.Fatalf("newest first, event %d is %s", n, events.Event().ID)
		}
	}
	if events.Err() != nil || n != 0 {
		t.Errorf("%d events were not listed: %v", n, events.Err())
	}
	forwards := &stripe.EventListParams{Types: stripe.StringSlice([]string{"charge.succeeded", "charge.refunded"})}
	forwards.EndingBefore, forwards.Limit = stripe.String(all[0].ID), stripe.Int64(1)
	events = api.Events.List(forwards)
	var types []stripe.EventType
	for events.Next() {
		types = append(types, events.Event().Type)
	}
	if len(types) != 2 || types[0] != "charge.succeeded" || types[1] != "charge.refunded" {
		t.Errorf("since the first event there were %v, oldest first (%v)", types, events.Err())
	}
}

func TestStripeGoEndpoint(t *testing.T) {
	sim := start(t, stripesim.Options{})
	api := newStripe(t, sim, stripesim.TestKey)
	shop := newShop(t, nil)
	endpoint, err := api.WebhookEndpoints.New(&stripe.WebhookEndpointParams{
		URL: stripe.String(shop.URL), EnabledEvents: stripe.StringSlice([]string{"checkout.session.completed"}),
		APIVersion: stripe.String("2023-10-16"),
	})
	if err != nil {
		t.Fatal(err)
	}
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	delivered(t, sim)
	got := shop.received()
	if len(got) != 1 || got[0].eventType != "checkout.session.completed" {
		t.Fatalf("the endpoint got %d events", len(got))
	}
	verified(t, got[0], endpoint.Secret)

	_, err = api.WebhookEndpoints.Update(endpoint.ID, &stripe.WebhookEndpointParams{Disabled: stripe.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	delivered(t, sim)
	if n := len(shop.received()); n != 1 {
		t.Errorf("a disabled endpoint got %d more events", n-1)
	}
	if _, err := api.WebhookEndpoints.Del(endpoint.ID, nil); err != nil {
		t.Error(err)
	}
}

// TestModesAreApart: what one mode's key made, the other's does not see.
func TestModesAreApart(t *testing.T) {
	sim := start(t, stripesim.Options{})
	testShop, liveShop := newShop(t, nil), newShop(t, nil)
	sim.AddEndpoint(stripesim.EndpointParams{URL: testShop.URL})
	sim.AddEndpoint(stripesim.EndpointParams{URL: liveShop.URL, Livemode: true})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100, Livemode: true})
	session := pay(t, sim, link)
	delivered(t, sim)
	if n := len(testShop.received()); n != 0 {
		t.Errorf("the endpoint of test mode got %d live events", n)
	}
	if len(liveShop.received()) == 0 {
		t.Error("the endpoint of live mode got nothing")
	}
	test, live := newCaller(t, sim, "rk_test_1"), newCaller(t, sim, "rk_live_1")
	for path, id := range map[string]string{
		"/v1/payment_links/": link.ID, "/v1/checkout/sessions/": session.ID, "/v1/payment_intents/": session.PaymentIntent,
	} {
		if status, _, _ := test.do(http.MethodGet, path+id, ""); status != http.StatusNotFound {
			t.Errorf("a test key gets %d for the live %s", status, path)
		}
		live.get(path+id, "")
	}
	if list := test.get("/v1/events", ""); len(ids(list)) != 0 {
		t.Errorf("a test key lists the live events %v", ids(list))
	}
}
