package browser_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/storefront"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// openShop opens a shop whose button leads straight to a payment link, as
// Paylink's answer would send a buyer there.
func openShop(t *testing.T) (*storefront.Storefront, *stripesim.Simulator) {
	t.Helper()
	stripe, err := stripesim.Start(stripesim.Options{})
	check.Must(t, err)
	check.AtEnd(t, stripe.Close)
	var link stripesim.PaymentLink
	paylink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "http://"+r.Host {
			t.Errorf("%s comes from the origin %q, not the shop's own", r.URL, origin)
		}
		http.Redirect(w, r, link.URL+"?client_reference_id=order-1", http.StatusSeeOther)
	}))
	t.Cleanup(paylink.Close)
	shop, err := storefront.Start(t.Context(), storefront.Options{PaylinkURL: paylink.URL, BuyPath: "/buy/shop/lifetime"})
	check.Must(t, err)
	check.AtEnd(t, shop.Close)
	link = stripe.CreatePaymentLink(stripesim.PaymentLinkParams{
		ProductName: "Lifetime", Amount: 19900, Currency: "usd", RedirectURL: shop.URL() + "/?session_id={CHECKOUT_SESSION_ID}",
	})
	return shop, stripe
}

// TestBuyingInTheShop goes from the shop to Stripe's page and back, with a card
// that is declined first.
func TestBuyingInTheShop(t *testing.T) {
	shop, stripe := openShop(t)
	for _, view := range browser.Views() {
		t.Run(view.String(), func(t *testing.T) {
			tab := chromium.Tab(t, view)
			tab.ExpectProblem("402 (Payment Required)")
			tab.Open(shop.URL())
			tab.Click("button", "Buy Lifetime")
			tab.Fill("E-mail", "erika.mustermann@example.com")
			tab.Fill("Name", "Erika Mustermann")
			tab.Fill("Card number", stripesim.CardDeclined)
			tab.Click("button", "Pay 199.00 USD")
			tab.See("Not paid.", "insufficient funds")
			tab.Fill("Card number", stripesim.Card4242)
			tab.Click("button", "Pay 199.00 USD")
			tab.AwaitAddress(shop.URL() + "/?session_id=cs_test_")
			tab.See("Lifetime", "$199")
			if books := stripe.Books(); books[len(books)-1].Received != 19900 || books[len(books)-1].Session.ClientReferenceID != "order-1" {
				t.Errorf("Stripe's books end with %+v", books[len(books)-1])
			}
		})
	}
}

// TestTheShopsPages has a picture of each page made, and each checked.
func TestTheShopsPages(t *testing.T) {
	shop, stripe := openShop(t)
	tab := chromium.Tab(t, browser.View{})
	tab.Open(shop.URL())
	tab.Inspect("shop-pricing")
	check.Must(t, shop.SetBuyPath(""))
	tab.Open(shop.URL())
	tab.See("Not for sale")
	tab.Inspect("shop-nothing-for-sale")

	link := stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Lifetime", Amount: 19900, Currency: "usd"})
	tab.Open(link.URL)
	tab.Inspect("stripe-payment")
	tab.ExpectProblem("402 (Payment Required)")
	tab.Fill("E-mail", "erika.mustermann@example.com")
	tab.Fill("Name", "Erika Mustermann")
	tab.Fill("Card number", stripesim.CardDeclined)
	tab.Click("button", "Pay 199.00 USD")
	tab.See("Not paid.")
	tab.Inspect("stripe-declined")
	tab.Click("radio", "Bank debit")
	tab.Click("button", "Pay 199.00 USD")
	tab.See("Thank you")
	tab.Inspect("stripe-thanks")
	tab.Open(stripe.URL())
	tab.Inspect("stripe-operator")
}
