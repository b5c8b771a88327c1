package stripesim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestOperatorsPage presses each button.
func TestOperatorsPage(t *testing.T) {
	sim := start(t, stripesim.Options{})
	shop := newShop(t)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: []string{"checkout.session.*", "charge.*"}})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Lifetime", Amount: 19900})
	paid := pay(t, sim, link)
	debit, err := sim.Buyer().PayByDebit(t.Context(), link.URL)
	check.Must(t, err)
	open, err := sim.Buyer().Visit(t.Context(), link.URL)
	check.Must(t, err)
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
