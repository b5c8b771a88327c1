package checkout_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// apiKey is a key of Stripe's that may read checkout sessions.
const apiKey = "rk_test_ReadsCheckoutSessions1"

// askingStripe starts a webhook server that has an API key.
func (s *shop) askingStripe(name string, flags ...string) *stack.Server {
	s.T.Helper()
	return s.another(name, stack.WebhookServer{Env: []string{"STRIPE_SECRET_KEY=" + apiKey}, Flags: flags})
}

// look asks what became of a payment, from an address of its own.
func look(server *stack.Server, session string) call {
	return call{to: server, path: capturePath, body: fmt.Sprintf(`{"provider":"stripe","session_id":%q}`, session)}
}

var (
	stateShown = regexp.MustCompile(`<main[^>]* data-state="([a-z-]+)"`)
	pollsShown = regexp.MustCompile(`<main[^>]* data-poll="true"`)
)

// sees is what a buyer is told of a payment: by the page's state, and by the return route's status, whether that is final,
// and whether the order is known.
func (s *shop) sees(server *stack.Server, session string) (string, error) {
	// Not at the first try, which waits a moment for a webhook's news.
	page, err := send(s.Ctx, call{to: server, path: billingPath + "?provider=stripe&try=1&session_id=" + session, header: map[string]string{"Accept": "text/html"}})
	if err != nil {
		return "", err
	}
	state := stateShown.FindStringSubmatch(page.body)
	if state == nil {
		return "", fmt.Errorf("the page is %d %s", page.status, page.body)
	}
	a, err := send(s.Ctx, look(server, session))
	if err != nil {
		return "", err
	}
	if a.status == 404 && page.status == 404 {
		a.problem(s.T, 404)
		return state[1] + ": 404", nil
	}
	var c captured
	if err := json.Unmarshal([]byte(a.body), &c); err != nil || a.status != 200 || page.status != 200 || c.Message == "" {
		return "", fmt.Errorf("the page is %d, the answer %d %s %w", page.status, a.status, a.body, err)
	}
	if c.Final == pollsShown.MatchString(page.body) {
		return "", fmt.Errorf("final is %t, and the page polls all the same, or does not", c.Final)
	}
	return state[1] + ": " + c.String(), nil
}

// told waits until a buyer is told what is wanted of a payment.
func (s *shop) told(server *stack.Server, session, want string) {
	s.T.Helper()
	var seen string
	defer func() {
		if s.T.Failed() {
			s.T.Logf("the buyer is told %q", seen)
		}
	}()
	s.Eventually(fmt.Sprintf("the buyer is told %q", want), func(context.Context) (bool, error) {
		var err error
		seen, err = s.sees(server, session)
		return seen == want, err
	})
}

// What a buyer without a webhook, and without a key to ask Stripe with, is told.
const nothingKnown = "confirming: pending, not final, unknown order"

func TestWhatBecameOfAPayment(t *testing.T) {
	s := openShop(t)
	asking := s.askingStripe("asking")
	b := s.hire("backend", "create")
	cheap := paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Sticker", Amount: 100, Currency: "usd"})
	buyer := paylink.Stripe.Buyer()
	byCard := func(url string) (stripesim.Session, error) { return buyer.Pay(s.Ctx, url, stripesim.Card4242) }

	for _, c := range []struct {
		buyer string
		// pays is what the buyer does, with the checkout URL of an order of his own.
		pays func(url string) (stripesim.Session, error)
		// before is what he is told by a server with a key while no webhook comes; without a key nothing is known.
		before string
		// then happens once the webhooks have come, and after is what he is told then, whether the server has a key or not.
		then  func(stripesim.Session) error
		after string
		// without is what a server without a key says in the end; empty: the same.
		without string
	}{
		{buyer: "pays by card", pays: byCard, before: "received: paid, not final, known order", after: "paid: paid, final, known order"},
		{
			buyer: "pays by debit", pays: func(url string) (stripesim.Session, error) { return buyer.PayByDebit(s.Ctx, url) },
			before: "processing: failed, not final, known order", after: "processing: failed, not final, known order",
		},
		{
			buyer: "pays by debit that goes through", pays: func(url string) (stripesim.Session, error) { return buyer.PayByDebit(s.Ctx, url) },
			before: "processing: failed, not final, known order", after: "paid: paid, final, known order",
			then: func(session stripesim.Session) error { return paylink.Stripe.SettleDebit(session.ID, true) },
		},
		{
			buyer: "pays by debit that is returned", pays: func(url string) (stripesim.Session, error) { return buyer.PayByDebit(s.Ctx, url) },
			before: "processing: failed, not final, known order", after: "failed: failed, final, known order",
			then: func(session stripesim.Session) error { return paylink.Stripe.SettleDebit(session.ID, false) },
		},
		{
			buyer: "has a card that is declined", pays: func(url string) (stripesim.Session, error) {
				session, err := buyer.Pay(s.Ctx, url, stripesim.CardDeclined)
				if declined := new(stripesim.DeclinedError); errors.As(err, &declined) {
					err = nil
				}
				return session, err
			},
			before: "unfinished: pending, not final, unknown order", after: "unfinished: pending, not final, unknown order", without: nothingKnown,
		},
		{
			buyer: "leaves", pays: func(url string) (stripesim.Session, error) { return buyer.Visit(s.Ctx, url) },
			before: "unfinished: pending, not final, unknown order", after: "unfinished: pending, not final, unknown order", without: nothingKnown,
		},
		{
			buyer: "leaves until Stripe's page expires", pays: func(url string) (stripesim.Session, error) {
				session, err := buyer.Visit(s.Ctx, url)
				return session, errors.Join(err, paylink.Stripe.ExpireSession(session.ID))
			},
			before: "lapsed: pending, final, unknown order", after: "lapsed: pending, final, unknown order", without: nothingKnown,
		},
		{
			buyer: "is given his money back", pays: byCard, before: "received: paid, not final, known order",
			then: func(session stripesim.Session) error {
				_, err := paylink.Stripe.Refund(session.PaymentIntent, 0)
				return err
			},
			after: "refunded: refunded, final, known order",
		},
		{
			buyer: "is given some of his money back", pays: byCard, before: "received: paid, not final, known order",
			then: func(session stripesim.Session) error {
				_, err := paylink.Stripe.Refund(session.PaymentIntent, 5000)
				return err
			},
			after: "paid: paid, final, known order",
		},
		{
			buyer: "pays too little", pays: func(url string) (stripesim.Session, error) {
				return byCard(cheap.URL + "?client_reference_id=" + reference(t, url))
			},
			before: "review: pending, not final, known order", after: "review: pending, final, known order",
		},
		{
			buyer: "opens the page again after he has paid", pays: func(url string) (stripesim.Session, error) {
				if _, err := byCard(url); err != nil {
					return stripesim.Session{}, err
				}
				return buyer.Visit(s.Ctx, url)
			},
			// He could be anybody, who has seen the order's id.
			before: "unfinished: pending, not final, unknown order", after: "unfinished: pending, not final, unknown order", without: nothingKnown,
		},
		{
			buyer: "buys something else of the same account", pays: func(string) (stripesim.Session, error) { return byCard(cheap.URL) },
			before: "unknown: 404", after: "unknown: 404", without: nothingKnown,
		},
		{
			buyer: "buys in another shop of the same account", pays: func(string) (stripesim.Session, error) {
				return byCard(cheap.URL + "?client_reference_id=another-shops-" + s.Namespace)
			},
			before: "unknown: 404", after: "unknown: 404", without: nothingKnown,
		},
		{
			buyer: "makes a payment up", pays: func(string) (stripesim.Session, error) {
				return stripesim.Session{Object: stripesim.Object{ID: "cs_test_a1MadeUp"}}, nil
			},
			before: "unknown: 404", after: "unknown: 404", without: nothingKnown,
		},
		{
			buyer: "makes a payment of real money up", pays: func(string) (stripesim.Session, error) {
				return stripesim.Session{Object: stripesim.Object{ID: "cs_live_a1MadeUp"}}, nil
			},
			before: nothingKnown, after: nothingKnown, // a test key sees no live session
		},
	} {
		t.Run(c.buyer, func(t *testing.T) {
			here := *s
			here.T = t
			o := b.buys(call{})
			here.Deliver(stripesim.Plan{Hold: true})
			session, err := c.pays(o.CheckoutURL)
			if err != nil {
				t.Fatal(err)
			}
			here.told(asking, session.ID, c.before)
			here.told(paylink.Webhook, session.ID, nothingKnown)
			if now := here.orderOf(o.OrderID); now.Status.Phase != v1alpha1.OrderPending || len(now.Status.Payments) != 0 {
				t.Errorf("the order became %+v though no webhook has come", now.Status)
			}
			paylink.Stripe.Delivery(stripesim.Plan{})
			here.Settled()
			if c.then != nil {
				if err := c.then(session); err != nil {
					t.Fatal(err)
				}
				here.Settled()
			}
			here.told(asking, session.ID, c.after)
			if c.without == "" {
				c.without = c.after
			}
			here.told(paylink.Webhook, session.ID, c.without)
		})
	}
}

// Of two payments the earlier one is the order's. Stripe's clock has seconds, so of two within one either may be.
func TestABuyerWhoPaysTwice(t *testing.T) {
	s := openShop(t)
	asking := s.askingStripe("twice")
	o := s.hire("backend", "create").buys(call{})
	payments := []stripesim.Session{s.Pay(o.CheckoutURL), s.Pay(o.CheckoutURL)}
	s.Settled()
	var order *v1alpha1.Order
	s.Eventually("the order has both payments", func(context.Context) (bool, error) {
		order = s.orderOf(o.OrderID)
		return len(order.Status.Payments) == len(payments), nil
	})
	seen := map[string]int{}
	for _, payment := range payments {
		want := "twice: paid, final, known order"
		if payment.ID == order.Status.ProviderOrderID {
			want = "paid: paid, final, known order"
		}
		seen[want]++
		s.told(asking, payment.ID, want)
		s.told(paylink.Webhook, payment.ID, want)
	}
	if len(seen) != len(payments) {
		t.Errorf("of two payments, both are %v", seen)
	}
}

func TestABuyerOfAnExpiredOrder(t *testing.T) {
	s := openShop(t)
	asking := s.askingStripe("expired", "--public-order-expiry=3s")
	a := s.buys(asking)
	session, err := paylink.Stripe.Buyer().Visit(s.Ctx, a.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	s.await(reference(t, a.header.Get("Location")), v1alpha1.OrderFailed)
	s.told(asking, session.ID, "unfinished: pending, not final, unknown order")
	s.Pay(session.URL) // late
	s.told(asking, session.ID, "paid: paid, final, known order")
}

// Whatever a browser asks, and however often, nothing is written.
func TestLookingChangesNothing(t *testing.T) {
	s := openShop(t)
	asking := s.askingStripe("looking")
	b := s.hire("backend", "create", "get")
	o := b.buys(call{})
	paid := s.Pay(o.CheckoutURL)
	left, err := paylink.Stripe.Buyer().Visit(s.Ctx, b.buys(call{}).CheckoutURL)
	if err != nil {
		t.Fatal(err)
	}
	s.Settled()
	for _, server := range []*stack.Server{paylink.Webhook, asking} {
		s.told(server, paid.ID, "paid: paid, final, known order")
	}
	before := s.balance()
	for range 20 {
		for _, server := range []*stack.Server{paylink.Webhook, asking} {
			for _, session := range []string{paid.ID, left.ID, "cs_test_a1MadeUp"} {
				if _, err := s.sees(server, session); err != nil {
					t.Error(err)
				}
			}
			s.ask(call{to: server, path: buyPath(s.Namespace, "lifetime")})
			s.ask(call{to: server, path: "/openapi.yaml"})
			s.ask(call{to: server, path: ordersPath + "/" + o.OrderID, token: b.token}).order(t, 200)
		}
	}
	s.unchanged(before)
}
