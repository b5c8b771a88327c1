package checkout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// apiKey is a restricted key that may read checkout sessions.
const apiKey = "rk_test_ReadsCheckoutSessions1"

// addKeyedServer starts a webhook server with an API key.
func (s *fixture) addKeyedServer(name string, flags ...string) *stack.Server {
	s.T.Helper()
	return s.addServer(name, stack.WebhookServer{Env: []string{"STRIPE_SECRET_KEY=" + apiKey}, Flags: flags})
}

// captureCall captures a payment, from a unique address.
func captureCall(server *stack.Server, session string) call {
	return call{to: server, path: capturePath, body: fmt.Sprintf(`{"provider":"stripe","session_id":%q}`, session)}
}

var (
	stateShown = regexp.MustCompile(`<main[^>]* data-state="([a-z-]+)"`)
	pollsShown = regexp.MustCompile(`<main[^>]* data-poll="true"`)
)

// outcome is the outcome of a payment: the state of the return page, and the capture API's status, finality, and whether the
// order is known.
func (s *fixture) outcome(server *stack.Server, session string) (string, error) {
	// The first try would wait for a webhook.
	page, err := trySend(s.Ctx, call{to: server, path: billingPath + "?provider=stripe&try=1&session_id=" + session, header: map[string]string{"Accept": "text/html"}})
	if err != nil {
		return "", err
	}
	state := stateShown.FindStringSubmatch(page.body)
	if state == nil {
		return "", fmt.Errorf("the page is %d %s", page.status, page.body)
	}
	a, err := trySend(s.Ctx, captureCall(server, session))
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
		return "", fmt.Errorf("final is %t, and the page polls: %t", c.Final, c.Final)
	}
	return state[1] + ": " + c.String(), nil
}

// awaitOutcome waits until a payment has an outcome.
func (s *fixture) awaitOutcome(server *stack.Server, session, want string) {
	s.T.Helper()
	var seen string
	defer func() {
		if s.T.Failed() {
			s.T.Logf("the outcome is %q", seen)
		}
	}()
	s.Eventually(fmt.Sprintf("the outcome is %q", want), func(context.Context) (bool, error) {
		var err error
		seen, err = s.outcome(server, session)
		return seen == want, err
	})
}

// unknownOutcome is the outcome before the webhook, at a server without an API key.
const unknownOutcome = "confirming: pending, not final, unknown order"

func TestOutcomeOfAPayment(t *testing.T) {
	s := newFixture(t)
	keyed := s.addKeyedServer("keyed")
	b := s.newBackend("backend", "create")
	cheap := paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Sticker", Amount: 100, Currency: "usd"})
	buyer := paylink.Stripe.Buyer()
	byCard := func(url string) (stripesim.Session, error) { return buyer.Pay(s.Ctx, url, stripesim.Card4242) }

	for _, c := range []struct {
		buyer string
		// pays acts at the checkout URL of an order.
		pays func(url string) (stripesim.Session, error)
		// before is the outcome before the webhook, at a server with an API key.
		before string
		// then happens after the webhooks, and after is the outcome in the end.
		then  func(stripesim.Session) error
		after string
		// without is the outcome in the end at a server without an API key; empty: the same.
		without string
	}{
		{buyer: "pays by card", pays: byCard, before: "received: paid, not final, known order", after: "paid: paid, final, known order"},
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
			buyer: "is given his money back", pays: byCard, before: "received: paid, not final, known order",
			then: func(session stripesim.Session) error {
				_, err := paylink.Stripe.Refund(session.PaymentIntent, 0)
				return err
			},
			after: "refunded: refunded, final, known order",
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
			// Anybody who has seen the order's id could do that.
			before: "unfinished: pending, not final, unknown order", after: "unfinished: pending, not final, unknown order", without: unknownOutcome,
		},
		{
			buyer: "buys in another shop of the same account", pays: func(string) (stripesim.Session, error) {
				return byCard(cheap.URL + "?client_reference_id=another-shops-" + s.Namespace)
			},
			before: "unknown: 404", after: "unknown: 404", without: unknownOutcome,
		},
	} {
		t.Run(c.buyer, func(t *testing.T) {
			here := *s
			here.T = t
			o := b.mustCreate(call{})
			here.PlanDelivery(stripesim.Plan{Hold: true})
			session, err := c.pays(o.CheckoutURL)
			check.Must(t, err)
			here.awaitOutcome(keyed, session.ID, c.before)
			here.awaitOutcome(paylink.Webhook, session.ID, unknownOutcome)
			if now := here.orderOf(o.OrderID); now.Status.Phase != v1alpha1.OrderPending || len(now.Status.Payments) != 0 {
				t.Errorf("got %+v before a webhook, want Pending", now.Status)
			}
			paylink.Stripe.Delivery(stripesim.Plan{})
			here.AwaitDelivered()
			if c.then != nil {
				s.Must(c.then(session))
				here.AwaitDelivered()
			}
			here.awaitOutcome(keyed, session.ID, c.after)
			if c.without == "" {
				c.without = c.after
			}
			here.awaitOutcome(paylink.Webhook, session.ID, c.without)
		})
	}
}

// TestDuplicatePayment: the earlier of two payments is the order's. Within one second, either may be.
func TestDuplicatePayment(t *testing.T) {
	s := newFixture(t)
	keyed := s.addKeyedServer("twice")
	o := s.newBackend("backend", "create").mustCreate(call{})
	payments := []stripesim.Session{s.Pay(o.CheckoutURL), s.Pay(o.CheckoutURL)}
	s.AwaitDelivered()
	var order *v1alpha1.Order
	s.Eventually("the order has both payments", func(context.Context) (bool, error) {
		order = s.orderOf(o.OrderID)
		return len(order.Status.Payments) == len(payments), nil
	})
	seen := map[string]int{}
	for _, payment := range payments {
		want := "duplicate: paid, final, known order"
		if payment.ID == order.Status.ProviderOrderID {
			want = "paid: paid, final, known order"
		}
		seen[want]++
		s.awaitOutcome(keyed, payment.ID, want)
		s.awaitOutcome(paylink.Webhook, payment.ID, want)
	}
	if len(seen) != len(payments) {
		t.Errorf("got the outcomes %v, want one paid and one twice", seen)
	}
}

func TestOutcomeOfAnExpiredOrder(t *testing.T) {
	s := newFixture(t)
	keyed := s.addKeyedServer("expired", "--public-order-expiry=3s")
	a := s.buy(keyed)
	session := s.Visit(a.header.Get("Location"))
	s.await(reference(t, a.header.Get("Location")), v1alpha1.OrderFailed)
	s.awaitOutcome(keyed, session.ID, "unfinished: pending, not final, unknown order")
	s.Pay(session.URL) // late
	s.awaitOutcome(keyed, session.ID, "paid: paid, final, known order")
}

// TestReadsWriteNothing: a browser's requests write nothing.
func TestReadsWriteNothing(t *testing.T) {
	s := newFixture(t)
	keyed := s.addKeyedServer("looking")
	b := s.newBackend("backend", "create", "get")
	o := b.mustCreate(call{})
	paid := s.Pay(o.CheckoutURL)
	left := s.Visit(b.mustCreate(call{}).CheckoutURL)
	s.AwaitDelivered()
	for _, server := range []*stack.Server{paylink.Webhook, keyed} {
		s.awaitOutcome(server, paid.ID, "paid: paid, final, known order")
	}
	before := s.recordDelivered()
	for range 20 {
		for _, server := range []*stack.Server{paylink.Webhook, keyed} {
			for _, session := range []string{paid.ID, left.ID, "cs_test_a1MadeUp"} {
				if _, err := s.outcome(server, session); err != nil {
					t.Error(err)
				}
			}
			s.send(call{to: server, path: buyPath(s.Namespace, "lifetime")})
			s.send(call{to: server, path: "/openapi.yaml"})
			s.send(call{to: server, path: ordersPath + "/" + o.OrderID, token: b.token}).order(t, 200)
		}
	}
	s.expectUnchanged(before)
}
