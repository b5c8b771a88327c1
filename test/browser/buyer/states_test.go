package buyer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// unknownSession is the id of no session.
const unknownSession = "cs_test_a1NobodyHasOpenedThisSession0000000000000000000000"

// state is a state of the return page, and how a payment reaches it.
type state struct {
	name string
	// keyed selects the server with an API key.
	keyed bool
	// held holds webhooks back.
	held bool
	// reach brings a payment to the state, and returns its session.
	reach func(s *fixture) (session string)
	shows []string
	// acts are the links on the page, in their order.
	acts []string
	// final says that the page does not poll.
	final bool
	// pardon is an expected error of the browser.
	pardon string
}

var states = []state{
	{name: "confirming", held: true, reach: func(s *fixture) string { return s.Pay(s.createOrder()).ID },
		shows: []string{"Confirming your payment"}, acts: []string{"Continue"}},
	{name: "received", keyed: true, held: true, reach: func(s *fixture) string { return s.Pay(s.createOrder()).ID },
		shows: []string{"Payment received", "Lifetime", "199.00 USD"}, acts: []string{"Continue"}},
	{name: "processing", reach: func(s *fixture) string { return s.PayByDebit(s.createOrder()).ID },
		shows: []string{"Your bank is processing the payment", "Lifetime"}, acts: []string{"Continue"}},
	{name: "paid", reach: func(s *fixture) string { return s.Pay(s.createOrder()).ID },
		shows: []string{"Thank you for your purchase", "Lifetime"}, acts: []string{"Continue"}, final: true},
	{name: "failed", reach: (*fixture).failedDebit,
		shows: []string{"The payment did not go through", "Lifetime"}, acts: []string{"Go to the payment page", "Continue"}, final: true},
	{name: "refunded", reach: (*fixture).refunded,
		shows: []string{"Your payment was refunded", "Lifetime"}, acts: []string{"Continue"}, final: true},
	{name: "refund-failed", reach: (*fixture).refundFailed,
		shows: []string{"The refund did not reach you", "Lifetime"}, acts: []string{"Continue"}, final: true},
	{name: "review", reach: (*fixture).paidTooLittle,
		shows: []string{"Your payment needs a look", "Do not pay again", "Lifetime"}, acts: []string{"Continue"}, final: true},
	{name: "duplicate", reach: (*fixture).paidTwice,
		shows: []string{"You have paid twice", "Lifetime"}, acts: []string{"Continue"}, final: true},
	{name: "unfinished", keyed: true, reach: (*fixture).visited,
		shows: []string{"Not paid yet"}, acts: []string{"Continue"}},
	{name: "session-expired", keyed: true, reach: (*fixture).lapsed,
		shows: []string{"The payment page has expired"}, acts: []string{"Continue"}, final: true},
	{name: "unknown", keyed: true, reach: func(*fixture) string { return unknownSession },
		shows: []string{"We do not know this payment"}, acts: []string{"Continue"}, pardon: "404 (Not Found)"},
	{name: "invalid", reach: func(*fixture) string { return "" },
		shows: []string{"Something is missing here"}, acts: []string{"Continue"}, final: true, pardon: "400 (Bad Request)"},
	{name: "paid-long", reach: (*fixture).paidWithLongNames,
		shows: []string{"Thank you for your purchase", longName, longID}, acts: []string{"Continue"}, final: true},
}

// TestStates opens the return page in each state, and inspects it in every view.
func TestStates(t *testing.T) {
	for _, row := range states {
		t.Run(row.name, func(t *testing.T) {
			s := newFixture(t)
			if row.held {
				s.holdWebhooks()
			}
			session := row.reach(s)
			if !row.held {
				s.AwaitDelivered()
			}
			base := s.base
			if row.keyed {
				base = startIngress(t, keyed, "")
			}
			tab := chromium.Tab(t, browser.View{})
			if row.pardon != "" {
				tab.ExpectProblem(row.pardon)
			}
			tab.Open(base + billingPath + session)
			tab.See(append(row.shows, session)...)
			expectState(t, tab, strings.TrimSuffix(row.name, "-long"))
			check.Equal(t, row.final, browser.Ask[string](tab, `document.querySelector("main").dataset.poll`) == "false", "final")
			expectLinks(t, tab, row.acts)
			tab.Inspect("billing-" + row.name)
		})
	}
}

// expectLinks checks the visible links, by their first words.
func expectLinks(t *testing.T, tab *browser.Tab, want []string) {
	t.Helper()
	links := browser.Ask[[]string](tab, `Array.from(document.links).filter(l => l.checkVisibility()).map(l => l.innerText)`)
	same := len(links) == len(want)
	for i := 0; same && i < len(want); i++ {
		same = strings.HasPrefix(links[i], want[i])
	}
	if !same {
		t.Errorf("got the links %q, want %q", links, want)
	}
}

// failedDebit is a debit that the bank has returned.
func (s *fixture) failedDebit() string {
	session := s.PayByDebit(s.createOrder())
	s.AwaitDelivered()
	s.SettleDebit(session, false)
	s.awaitPhases(v1alpha1.OrderFailed)
	return session.ID
}

func (s *fixture) refunded() string {
	session := s.Pay(s.createOrder())
	s.awaitPhases(v1alpha1.OrderPaid)
	s.Refund(session, 0)
	s.awaitPhases(v1alpha1.OrderRefunded)
	return session.ID
}

// refundFailed is a refund that the buyer's bank rejected.
func (s *fixture) refundFailed() string {
	session := s.Pay(s.createOrder())
	s.awaitPhases(v1alpha1.OrderPaid)
	refund, err := s.Stripe.Refund(session.PaymentIntent, 0)
	s.Must(err)
	s.Must(s.Stripe.FailRefund(refund.ID))
	s.Eventually("the order has the failed refund", func(context.Context) (bool, error) {
		return len(s.Orders()[0].Status.Payments[0].FailedRefunds) == 1, nil
	})
	return session.ID
}

// visited is a session without a payment.
func (s *fixture) visited() string {
	s.T.Helper()
	return s.Visit(s.createOrder()).ID
}

func (s *fixture) lapsed() string {
	session := s.visited()
	s.Must(s.Stripe.ExpireSession(session))
	return session
}

// paidTooLittle is a payment of the order through the link of a cheaper product.
func (s *fixture) paidTooLittle() string {
	session := s.payTooLittle()
	s.Eventually("the order has the payment", func(context.Context) (bool, error) { return len(s.Orders()[0].Status.Payments) == 1, nil })
	return session
}

func (s *fixture) payTooLittle() (session string) {
	s.createOrder()
	cheap := s.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Trial", Amount: 100, Currency: "usd"})
	return s.Pay(cheap.URL + "?client_reference_id=" + s.Orders()[0].ClientReferenceID()).ID
}

// paidTwice is the duplicate of two payments for one order.
func (s *fixture) paidTwice() string {
	checkoutURL := s.createOrder()
	first, second := s.Pay(checkoutURL), s.Pay(checkoutURL)
	s.Eventually("the order has both payments", func(context.Context) (bool, error) { return len(s.Orders()[0].Status.Payments) == 2, nil })
	if s.Orders()[0].Status.ProviderOrderID == second.ID { // within one second, the id decides
		return first.ID
	}
	return second.ID
}

// Values of the maximal length, without a place to break the line.
var (
	longName = "Lifetimes" + strings.Repeat("OfNotes", 34) + "Yes"
	longID   = strings.Repeat("shop_order", 18)
)

func (s *fixture) paidWithLongNames() string {
	order := s.Order("long")
	order.Spec.OrderID, order.Spec.ProductName = fmt.Sprintf("%s%020d", longID, time.Now().UnixNano()), longName
	s.Create(order)
	session := s.Pay(s.checkoutURL())
	s.awaitPhases(v1alpha1.OrderPaid)
	return session.ID
}

// checkoutURL is the checkout URL of the only order.
func (s *fixture) checkoutURL() (address string) {
	s.T.Helper()
	s.Eventually("the order is ready", func(context.Context) (bool, error) {
		address = s.Orders()[0].Status.CheckoutURL
		return address != "", nil
	})
	return address
}
