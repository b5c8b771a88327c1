package stripesim_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// eventTypes are the types of an account's events about payments, in order.
func eventTypes(sim *stripesim.Simulator) (all []string) {
	for _, event := range sim.Events() {
		if !strings.HasPrefix(event.Type, "product.") && !strings.HasPrefix(event.Type, "price.") && !strings.HasPrefix(event.Type, "payment_link.") {
			all = append(all, event.Type)
		}
	}
	return all
}

func wantEvents(t *testing.T, sim *stripesim.Simulator, list string) {
	t.Helper()
	if got := eventTypes(sim); !slices.Equal(got, strings.Fields(list)) {
		t.Errorf("events: %v", got)
	}
}

func TestCardSucceeds(t *testing.T) {
	sim := start(t, stripesim.Options{})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 19900, RedirectURL: "https://shop.example/return?s={CHECKOUT_SESSION_ID}&a=1"})
	buyer := sim.Buyer()
	session, err := buyer.Pay(t.Context(), link.URL+"?client_reference_id=order_1-A&utm_source=news&prefilled_email=a@b.example", stripesim.Card4242)
	if err != nil {
		t.Fatal(err)
	}
	if session.Status != "complete" || session.PaymentStatus != "paid" || session.ClientReferenceID != "order_1-A" {
		t.Errorf("the session is %+v", session)
	}
	if want := "https://shop.example/return?a=1&s=" + session.ID + "&utm_source=news"; buyer.ReturnedTo() != want {
		t.Errorf("the buyer was sent to %s, not %s", buyer.ReturnedTo(), want)
	}
	wantEvents(t, sim, "payment_intent.created charge.succeeded payment_intent.succeeded checkout.session.completed")
	if _, err := buyer.Pay(t.Context(), session.URL, stripesim.Card4242); !errors.Is(err, stripesim.ErrNotPayable) {
		t.Errorf("a paid session was paid again: %v", err)
	}
}

func TestDeclinedThenPaid(t *testing.T) {
	sim := start(t, stripesim.Options{})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 500})
	buyer := sim.Buyer()
	open, err := buyer.Pay(t.Context(), link.URL, stripesim.CardDeclined)
	var declined *stripesim.DeclinedError
	if !errors.As(err, &declined) || !strings.Contains(declined.Message, "insufficient funds") {
		t.Fatalf("the buyer was told %v", err)
	}
	if open.Status != "open" || open.PaymentStatus != "unpaid" || open.PaymentIntent == "" {
		t.Errorf("after the decline the session is %+v", open)
	}
	if _, err := buyer.Pay(t.Context(), open.URL, "1234"); !errors.As(err, &declined) || !strings.Contains(declined.Message, "invalid") {
		t.Errorf("a number that is no card: %v", err)
	}
	paid, err := buyer.Pay(t.Context(), open.URL, stripesim.Card4242)
	if err != nil {
		t.Fatal(err)
	}
	if paid.ID != open.ID || paid.PaymentIntent != open.PaymentIntent || paid.PaymentStatus != "paid" {
		t.Errorf("the second try made %+v", paid)
	}
	wantEvents(t, sim, `payment_intent.created charge.failed payment_intent.payment_failed
		charge.succeeded payment_intent.succeeded checkout.session.completed`)
}

func TestBankDebit(t *testing.T) {
	const begun = "payment_intent.created charge.pending payment_intent.processing checkout.session.completed "
	for name, c := range map[string]struct {
		succeed        bool
		status, events string
	}{
		"succeeds": {true, "paid", begun + "charge.succeeded payment_intent.succeeded checkout.session.async_payment_succeeded"},
		"fails":    {false, "unpaid", begun + "charge.failed payment_intent.payment_failed checkout.session.async_payment_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			sim := start(t, stripesim.Options{})
			link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 500, Currency: "eur"})
			session, err := sim.Buyer().PayByDebit(t.Context(), link.URL)
			if err != nil {
				t.Fatal(err)
			}
			if session.Status != "complete" || session.PaymentStatus != "unpaid" {
				t.Errorf("at first the session is %+v", session)
			}
			if _, err := sim.Refund(session.PaymentIntent, 0); err == nil {
				t.Error("money that has not come was refunded")
			}
			if err := sim.SettleDebit(session.ID, c.succeed); err != nil {
				t.Fatal(err)
			}
			if now, _ := sim.Session(session.ID); now.PaymentStatus != c.status || now.Status != "complete" {
				t.Errorf("settled, the session is %+v", now)
			}
			if err := sim.SettleDebit(session.ID, true); err == nil {
				t.Error("a debit was settled twice")
			}
			wantEvents(t, sim, c.events)
		})
	}
}

// TestOnlyCards: a link that names cards alone offers no debit.
func TestOnlyCards(t *testing.T) {
	sim := start(t, stripesim.Options{})
	c := newCaller(t, sim, stripesim.TestKey)
	made := c.post("/v1/payment_links", "payment_method_types[]=card&line_items[0][price_data][currency]=usd"+
		"&line_items[0][price_data][unit_amount]=100&line_items[0][price_data][product_data][name]=A")
	var declined *stripesim.DeclinedError
	session, err := sim.Buyer().PayByDebit(t.Context(), made["url"].(string))
	if !errors.As(err, &declined) {
		t.Errorf("the debit: %v", err)
	}
	if _, page, _ := c.do(http.MethodGet, "/c/pay/"+session.ID, ""); strings.Contains(string(page), "Bank debit") {
		t.Error("the page offers it")
	}
	if _, err := sim.Buyer().Pay(t.Context(), session.URL, stripesim.Card4242); err != nil {
		t.Error(err)
	}
}

func TestDebitSettlesByItself(t *testing.T) {
	fake := testingclock.NewFakeClock(time.Unix(1760000000, 0))
	sim := start(t, stripesim.Options{Clock: fake, DebitDelay: time.Hour})
	shop := newShop(t, nil)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: []string{"checkout.session.async_payment_succeeded"}})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 500})
	session, err := sim.Buyer().PayByDebit(t.Context(), link.URL)
	if err != nil {
		t.Fatal(err)
	}
	fake.Step(time.Hour)
	attempted(t, sim, 1)
	if now, _ := sim.Session(session.ID); now.PaymentStatus != "paid" {
		t.Errorf("after the delay the session is %+v", now)
	}
}

func TestSessionExpires(t *testing.T) {
	fake := testingclock.NewFakeClock(time.Unix(1760000000, 0))
	sim := start(t, stripesim.Options{Clock: fake})
	shop := newShop(t, nil)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: []string{"checkout.session.expired"}})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 500})
	paid := pay(t, sim, link)
	open, err := sim.Buyer().Visit(t.Context(), link.URL)
	if err != nil {
		t.Fatal(err)
	}
	fake.Step(24 * time.Hour)
	attempted(t, sim, 1)
	if now, _ := sim.Session(open.ID); now.Status != "expired" {
		t.Errorf("after a day the open session is %s", now.Status)
	}
	if now, _ := sim.Session(paid.ID); now.Status != "complete" {
		t.Errorf("after a day the paid session is %s", now.Status)
	}
	if _, err := sim.Buyer().Pay(t.Context(), open.URL, stripesim.Card4242); !errors.Is(err, stripesim.ErrNotPayable) {
		t.Errorf("an expired session was paid: %v", err)
	}
	if err := sim.ExpireSession(paid.ID); err == nil {
		t.Error("a complete session was expired")
	}
}

// TestReferenceForm: what Stripe does not allow vanishes without a word.
func TestReferenceForm(t *testing.T) {
	sim := start(t, stripesim.Options{})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100})
	for reference, want := range map[string]string{
		"3f6f1c1e-6a0b-4f5e-9d7a-1b2c3d4e5f60": "3f6f1c1e-6a0b-4f5e-9d7a-1b2c3d4e5f60",
		strings.Repeat("a", 200):               strings.Repeat("a", 200),
		strings.Repeat("a", 201):               "",
		"shop/order":                           "",
		"order.1":                              "",
		"order 1":                              "",
		"":                                     "",
	} {
		session, err := sim.Buyer().Pay(t.Context(), link.URL+"?client_reference_id="+url.QueryEscape(reference), stripesim.Card4242)
		if err != nil {
			t.Fatal(err)
		}
		if session.ClientReferenceID != want {
			t.Errorf("%q became %q", reference, session.ClientReferenceID)
		}
	}
}

func TestInactiveLink(t *testing.T) {
	sim := start(t, stripesim.Options{})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100})
	c := newCaller(t, sim, stripesim.TestKey)
	c.post("/v1/payment_links/"+link.ID, "active=false&inactive_message=Sold out.")
	if _, err := sim.Buyer().Pay(t.Context(), link.URL, stripesim.Card4242); !errors.Is(err, stripesim.ErrInactive) {
		t.Errorf("an inactive link was paid: %v", err)
	}
	if status, page, _ := c.do(http.MethodGet, "/pay/"+link.ID, ""); status != http.StatusGone || !strings.Contains(string(page), "Sold out.") {
		t.Errorf("the inactive page: %d %s", status, page)
	}
}

// TestLimit: the link closes with the sale that reaches its limit; a page that
// was open by then can still be paid.
func TestLimit(t *testing.T) {
	sim := start(t, stripesim.Options{})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100, CompletedSessionsLimit: 1})
	open, err := sim.Buyer().Visit(t.Context(), link.URL)
	if err != nil {
		t.Fatal(err)
	}
	pay(t, sim, link)
	if now, _ := sim.PaymentLink(link.ID); now.Active || now.CompletedSessions != 1 {
		t.Errorf("after the sale the link is %+v", now)
	}
	if _, err := sim.Buyer().Pay(t.Context(), link.URL, stripesim.Card4242); !errors.Is(err, stripesim.ErrInactive) {
		t.Errorf("a second visit: %v", err)
	}
	if _, err := sim.Buyer().Pay(t.Context(), open.URL, stripesim.Card4242); err != nil {
		t.Errorf("the page that was open: %v", err)
	}
}

func TestNothingToPay(t *testing.T) {
	sim := start(t, stripesim.Options{})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 0})
	session := pay(t, sim, link)
	if session.PaymentStatus != "no_payment_required" || session.PaymentIntent != "" || session.Status != "complete" {
		t.Errorf("the session is %+v", session)
	}
	wantEvents(t, sim, "checkout.session.completed")
	c := newCaller(t, sim, stripesim.TestKey)
	if shown := c.get("/v1/checkout/sessions/"+session.ID, "expand[]=payment_intent"); shown["payment_intent"] != nil || shown["amount_total"] != 0.0 {
		t.Errorf("payment_intent is %v, amount_total %v", shown["payment_intent"], shown["amount_total"])
	}
}

func TestPricesOnThePage(t *testing.T) {
	for _, c := range []struct {
		amount   int64
		currency string
		want     string
	}{
		{19900, "usd", "199.00 USD"}, {5, "EUR", "0.05 EUR"}, {1500, "jpy", "1500 JPY"}, {1500, "KWD", "1.500 KWD"},
		{50000, "isk", "500.00 ISK"}, {50000, "ugx", "500.00 UGX"}, {7, "bhd", "0.007 BHD"}, {200, "mga", "200 MGA"},
	} {
		if shown := stripesim.Money(c.amount, c.currency); shown != c.want {
			t.Errorf("%d %s is shown as %s, not %s", c.amount, c.currency, shown, c.want)
		}
	}
	sim := start(t, stripesim.Options{})
	c := newCaller(t, sim, "")
	for currency, want := range map[string]string{"jpy": "1500 JPY", "kwd": "1.500 KWD", "usd": "15.00 USD"} {
		link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "A <b>", Amount: 1500, Currency: currency})
		session, err := sim.Buyer().Visit(t.Context(), link.URL)
		if err != nil {
			t.Fatal(err)
		}
		_, page, header := c.do(http.MethodGet, "/c/pay/"+session.ID, "")
		if !strings.Contains(string(page), ">"+want+"<") || !strings.Contains(string(page), "A &lt;b&gt;") {
			t.Errorf("the page does not show %s:\n%s", want, page)
		}
		if !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Error("the page has no policy")
		}
	}
	if status, sheet, _ := c.do(http.MethodGet, "/page.css", ""); status != http.StatusOK || len(sheet) == 0 {
		t.Errorf("the style sheet: %d", status)
	}
}

// TestFormKeepsWhatWasTyped: a mistake costs the buyer nothing but the card.
func TestFormKeepsWhatWasTyped(t *testing.T) {
	sim := start(t, stripesim.Options{})
	session, err := sim.Buyer().Visit(t.Context(), sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}).URL)
	if err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, sim, "")
	for form, want := range map[string]string{
		"name=Ada&email=nobody":                      "Enter your e-mail address.",
		"email=ada@example.com":                      "Enter your name.",
		"name=Ada&email=ada@example.com&method=card": "Enter a card number.",
	} {
		status, page, _ := c.do(http.MethodPost, "/c/pay/"+session.ID, form)
		if status != http.StatusUnprocessableEntity || !strings.Contains(string(page), want) {
			t.Errorf("%s: %d, without %q", form, status, want)
		}
		if strings.Contains(form, "name=Ada") && !strings.Contains(string(page), `value="Ada"`) {
			t.Errorf("%s: the name has to be typed again", form)
		}
	}
}

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
			t.Errorf("the operator's page does not show %q", part)
		}
	}
	press := func(want int, button, form string) {
		t.Helper()
		if status, answer, _ := c.do(http.MethodPost, "/operator/"+button, form); status != want {
			t.Errorf("%s %s: %d %s", button, form, status, answer)
		}
	}
	press(303, "refund", "payment_intent="+paid.PaymentIntent+"&amount=900")
	press(409, "refund", "payment_intent="+paid.PaymentIntent+"&amount=19900")
	press(409, "refund", "payment_intent="+paid.PaymentIntent+"&amount=much")
	press(303, "dispute", "payment_intent="+paid.PaymentIntent)
	press(409, "refund", "payment_intent="+paid.PaymentIntent)
	books := sim.Books()
	press(303, "close-dispute", "status=won&dispute="+books[0].Disputes[0].ID)
	press(303, "refund", "payment_intent="+paid.PaymentIntent)
	press(303, "fail-refund", "refund="+books[0].Refunds[0].ID)
	press(303, "settle", "outcome=succeed&session="+debit.ID)
	press(303, "expire", "session="+open.ID)
	press(303, "resend", "event="+sim.Attempts()[0].EventID)
	delivered(t, sim)
	if books = sim.Books(); books[0].Refunded != 19000 || books[1].Received != 19900 || books[2].Session.Status != "expired" {
		t.Errorf("the books are %+v", books)
	}
	if status, _, _ := c.do(http.MethodPost, "/operator/expire", "", "Origin", "https://evil.example"); status != http.StatusForbidden {
		t.Errorf("another site's page pressed a button: %d", status)
	}
}

// TestRedirectWaits: with a patience set, a buyer comes back to the shop only
// after the shop was told.
func TestRedirectWaits(t *testing.T) {
	sim := start(t, stripesim.Options{RedirectWait: time.Minute})
	shop := newShop(t, nil)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100}))
	if n := len(shop.received()); n != 1 {
		t.Errorf("the buyer came back after %d events", n)
	}
}
