package stripesim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestMoney: Stripe's decimals are not ISO 4217's.
func TestMoney(t *testing.T) {
	for _, row := range []struct {
		amount         int64
		currency, want string
	}{
		{19900, "usd", "199.00 USD"}, {5, "EUR", "0.05 EUR"}, {1500, "jpy", "1500 JPY"}, {1500, "KWD", "1.500 KWD"},
		{50000, "isk", "500.00 ISK"}, {50000, "ugx", "500.00 UGX"}, {7, "bhd", "0.007 BHD"}, {200, "mga", "200 MGA"},
	} {
		if got := stripesim.Money(row.amount, row.currency); got != row.want {
			t.Errorf("%d %s: got %s, want %s", row.amount, row.currency, got, row.want)
		}
	}
}

// TestPaymentPage: the page shows the price, keeps what was entered, and leads back to the shop after its webhook.
func TestPaymentPage(t *testing.T) {
	sim := start(t, stripesim.Options{RedirectWait: time.Minute})
	shop := newShop(t, nil)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{
		ProductName: "A <b>", Amount: 1500, Currency: "kwd", RedirectURL: "https://shop.example/return?s={CHECKOUT_SESSION_ID}&a=1",
	})
	buyer := sim.Buyer()
	session, err := buyer.Visit(t.Context(), link.URL+"?utm_source=news")
	if err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, sim, "")
	_, page, header := c.do(http.MethodGet, "/c/pay/"+session.ID, "")
	if !strings.Contains(string(page), ">1.500 KWD<") || !strings.Contains(string(page), "A &lt;b&gt;") || !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("got page %s, %v", page, header)
	}
	for form, want := range map[string]string{
		"name=Ada&email=nobody":                      "Enter your e-mail address.",
		"name=Ada&email=ada@example.com&method=card": "Enter a card number.",
		"email=ada@example.com":                      "Enter your name.",
	} {
		status, page, _ := c.do(http.MethodPost, "/c/pay/"+session.ID, form)
		if status != http.StatusUnprocessableEntity || !strings.Contains(string(page), want) || strings.Contains(form, "name=Ada") != strings.Contains(string(page), `value="Ada"`) {
			t.Errorf("%s: got %d %s, want %q", form, status, page, want)
		}
	}
	if _, err := buyer.Pay(t.Context(), session.URL, stripesim.Card4242); err != nil {
		t.Fatal(err)
	}
	if n := len(shop.received()); n != 1 {
		t.Errorf("got a redirect after %d webhooks, want 1", n)
	}
	if want := "https://shop.example/return?a=1&s=" + session.ID + "&utm_source=news"; buyer.ReturnedTo() != want {
		t.Errorf("got redirect to %s, want %s", buyer.ReturnedTo(), want)
	}
}

// TestOperatorsPage presses each button.
func TestOperatorsPage(t *testing.T) {
	sim := start(t, stripesim.Options{})
	shop := newShop(t, nil)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: []string{"checkout.session.*", "charge.*"}})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Lifetime", Amount: 19900})
	paid := pay(t, sim, link)
	debit, err := sim.Buyer().PayByDebit(t.Context(), link.URL)
	if err != nil {
		t.Fatal(err)
	}
	open, err := sim.Buyer().Visit(t.Context(), link.URL)
	if err != nil {
		t.Fatal(err)
	}
	delivered(t, sim)
	c := newCaller(t, sim, "")
	_, page, _ := c.do(http.MethodGet, "/", "")
	for _, part := range []string{"Lifetime", "199.00 USD", link.URL, "order-1", "Debit succeeds", "Refund part", "checkout.session.completed", ">200<"} {
		if !strings.Contains(string(page), part) {
			t.Errorf("got a page without %q", part)
		}
	}
	for _, press := range []struct {
		button string
		form   func() string
		want   int
	}{
		{"refund", func() string { return "payment_intent=" + paid.PaymentIntent + "&amount=900" }, 303},
		{"refund", func() string { return "payment_intent=" + paid.PaymentIntent + "&amount=19900" }, 409},
		{"refund", func() string { return "payment_intent=" + paid.PaymentIntent + "&amount=much" }, 409},
		{"dispute", func() string { return "payment_intent=" + paid.PaymentIntent }, 303},
		{"refund", func() string { return "payment_intent=" + paid.PaymentIntent }, 409},
		{"close-dispute", func() string { return "status=won&dispute=" + sim.Books()[0].Disputes[0].ID }, 303},
		{"refund", func() string { return "payment_intent=" + paid.PaymentIntent }, 303},
		{"fail-refund", func() string { return "refund=" + sim.Books()[0].Refunds[0].ID }, 303},
		{"settle", func() string { return "outcome=succeed&session=" + debit.ID }, 303},
		{"expire", func() string { return "session=" + open.ID }, 303},
		{"resend", func() string { return "event=" + sim.Attempts()[0].EventID }, 303},
	} {
		if status, answer, _ := c.do(http.MethodPost, "/operator/"+press.button, press.form()); status != press.want {
			t.Errorf("%s %s: got %d %s, want %d", press.button, press.form(), status, answer, press.want)
		}
	}
	delivered(t, sim)
	if books := sim.Books(); books[0].Refunded != 19000 || books[1].Received != 19900 || books[2].Session.Status != "expired" {
		t.Errorf("got %+v", books)
	}
	if status, _, _ := c.do(http.MethodPost, "/operator/expire", "", "Origin", "https://evil.example"); status != http.StatusForbidden {
		t.Errorf("button pressed from another site: got %d, want 403", status)
	}
}
