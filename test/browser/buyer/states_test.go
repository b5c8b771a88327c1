package buyer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// nobodys is an id of a session that nobody has opened.
const nobodys = "cs_test_a1NobodyHasOpenedThisSession0000000000000000000000"

// aState is one of the billing page's, and how a payment gets there.
type aState struct {
	name string
	// keyed has a server be asked that may ask Stripe itself.
	keyed bool
	// held keeps webhooks back.
	held bool
	// reach takes an order at its checkout URL so far, and returns the session that the page is asked for.
	reach func(s *shop) (session string)
	shows []string
	// acts are the links on the page, in their order.
	acts []string
	// final pages ask for nothing more.
	final bool
	// pardon is what the browser complains of.
	pardon string
}

var theStates = []aState{
	{name: "confirming", held: true, reach: func(s *shop) string { return s.Pay(s.order()).ID },
		shows: []string{"Confirming your payment"}, acts: []string{"Continue"}},
	{name: "received", keyed: true, held: true, reach: func(s *shop) string { return s.Pay(s.order()).ID },
		shows: []string{"Payment received", "Lifetime", "199.00 USD"}, acts: []string{"Continue"}},
	{name: "processing", reach: func(s *shop) string { return s.debited(s.order()).ID },
		shows: []string{"Your bank is processing the payment", "Lifetime"}, acts: []string{"Continue"}},
	{name: "paid", reach: func(s *shop) string { return s.Pay(s.order()).ID },
		shows: []string{"Thank you for your purchase", "Lifetime"}, acts: []string{"Continue"}, final: true},
	{name: "failed", reach: (*shop).failedDebit,
		shows: []string{"The payment did not go through", "Lifetime"}, acts: []string{"Go to the payment page", "Continue"}, final: true},
	{name: "refunded", reach: (*shop).refunded,
		shows: []string{"Your payment was refunded", "Lifetime"}, acts: []string{"Continue"}, final: true},
	{name: "refund-failed", reach: (*shop).refundFailed,
		shows: []string{"The refund did not reach you", "Lifetime"}, acts: []string{"Continue"}, final: true},
	{name: "review", reach: (*shop).paidTooLittle,
		shows: []string{"Your payment needs a look", "Do not pay again", "Lifetime"}, acts: []string{"Continue"}, final: true},
	{name: "twice", reach: (*shop).paidTwice,
		shows: []string{"You have paid twice", "Lifetime"}, acts: []string{"Continue"}, final: true},
	{name: "unfinished", keyed: true, reach: (*shop).visited,
		shows: []string{"Not paid yet"}, acts: []string{"Continue"}},
	{name: "lapsed", keyed: true, reach: (*shop).lapsed,
		shows: []string{"The payment page has expired"}, acts: []string{"Continue"}, final: true},
	{name: "unknown", keyed: true, reach: func(*shop) string { return nobodys },
		shows: []string{"We do not know this payment"}, acts: []string{"Continue"}, pardon: "404 (Not Found)"},
	{name: "invalid", reach: func(*shop) string { return "" },
		shows: []string{"Something is missing here"}, acts: []string{"Continue"}, final: true, pardon: "400 (Bad Request)"},
	{name: "paid-long", reach: (*shop).paidWithLongNames,
		shows: []string{"Thank you for your purchase", longName, longID}, acts: []string{"Continue"}, final: true},
}

// TestEveryState shows each state of a payment as it is at once that it is opened, and looks at it in every way.
func TestEveryState(t *testing.T) {
	for _, state := range theStates {
		t.Run(state.name, func(t *testing.T) {
			s := openShop(t)
			if state.held {
				s.hold()
			}
			session := state.reach(s)
			if !state.held {
				s.Settled()
			}
			base := s.base
			if state.keyed {
				base = gateway(t, keyed, "")
			}
			tab := chromium.Tab(t, browser.View{})
			if state.pardon != "" {
				tab.Pardon(state.pardon)
			}
			tab.Open(base + billingPath + session)
			tab.See(append(state.shows, session)...)
			expectState(t, tab, strings.TrimSuffix(state.name, "-long"))
			if final := browser.Ask[string](tab, `document.querySelector("main").dataset.poll`) == "false"; final != state.final {
				t.Errorf("that it asks for nothing more is %t, not %t", final, state.final)
			}
			expectLinks(t, tab, state.acts)
			tab.Inspect("billing-" + state.name)
		})
	}
}

// expectLinks checks the links that are to be seen, by what they begin with.
func expectLinks(t *testing.T, tab *browser.Tab, want []string) {
	t.Helper()
	links := browser.Ask[[]string](tab, `Array.from(document.links).filter(l => l.checkVisibility()).map(l => l.innerText)`)
	same := len(links) == len(want)
	for i := 0; same && i < len(want); i++ {
		same = strings.HasPrefix(links[i], want[i])
	}
	if !same {
		t.Errorf("the links are %q, want %q", links, want)
	}
}

// failedDebit is a bank debit that the bank has sent back.
func (s *shop) failedDebit() string {
	session := s.debited(s.order())
	s.Settled()
	if err := s.Stripe.SettleDebit(session.ID, false); err != nil {
		s.T.Fatal(err)
	}
	s.awaitPhases(v1alpha1.OrderFailed)
	return session.ID
}

func (s *shop) refunded() string {
	session := s.Pay(s.order())
	s.awaitPhases(v1alpha1.OrderPaid)
	if _, err := s.Stripe.Refund(session.PaymentIntent, 0); err != nil {
		s.T.Fatal(err)
	}
	s.awaitPhases(v1alpha1.OrderRefunded)
	return session.ID
}

// refundFailed is a refund that the buyer's bank did not take.
func (s *shop) refundFailed() string {
	session := s.Pay(s.order())
	s.awaitPhases(v1alpha1.OrderPaid)
	refund, err := s.Stripe.Refund(session.PaymentIntent, 0)
	if err != nil {
		s.T.Fatal(err)
	}
	if err := s.Stripe.FailRefund(refund.ID); err != nil {
		s.T.Fatal(err)
	}
	s.Eventually("the order says so", func(context.Context) (bool, error) {
		return len(s.Orders()[0].Status.Payments[0].FailedRefunds) == 1, nil
	})
	return session.ID
}

// visited is Stripe's page, opened and left.
func (s *shop) visited() string {
	s.T.Helper()
	session, err := s.Stripe.Buyer().Visit(s.Ctx, s.order())
	if err != nil {
		s.T.Fatal(err)
	}
	return session.ID
}

func (s *shop) lapsed() string {
	session := s.visited()
	if err := s.Stripe.ExpireSession(session); err != nil {
		s.T.Fatal(err)
	}
	return session
}

// paidTooLittle is a payment for the shop's order, through a link at Stripe that sells something cheaper.
func (s *shop) paidTooLittle() string {
	session := s.payTooLittle()
	s.Eventually("the payment is noted", func(context.Context) (bool, error) { return len(s.Orders()[0].Status.Payments) == 1, nil })
	return session
}

func (s *shop) payTooLittle() (session string) {
	s.order()
	cheap := s.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Trial", Amount: 100, Currency: "usd"})
	return s.Pay(cheap.URL + "?client_reference_id=" + s.Orders()[0].ClientReferenceID()).ID
}

// paidTwice is the payment of two for one order that the order does not need.
func (s *shop) paidTwice() string {
	checkoutURL := s.order()
	first, second := s.Pay(checkoutURL), s.Pay(checkoutURL)
	s.Eventually("both payments are noted", func(context.Context) (bool, error) { return len(s.Orders()[0].Status.Payments) == 2, nil })
	if s.Orders()[0].Status.ProviderOrderID == second.ID { // both are of one second, and the id decides
		return first.ID
	}
	return second.ID
}

// What is as long as it may be, and has no place to break.
var (
	longName = "Lifetimes" + strings.Repeat("OfNotes", 34) + "Yes"
	longID   = strings.Repeat("shop_order", 18)
)

func (s *shop) paidWithLongNames() string {
	order := s.directOrder("long")
	order.Spec.OrderID, order.Spec.ProductName = fmt.Sprintf("%s%020d", longID, time.Now().UnixNano()), longName
	s.Create(order)
	session := s.Pay(s.checkoutURL())
	s.awaitPhases(v1alpha1.OrderPaid)
	return session.ID
}

// directOrder is an order as kubectl makes one.
func (s *shop) directOrder(name string) *v1alpha1.Order {
	link := s.paymentLink("lifetime")
	return &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name},
		Spec: v1alpha1.OrderSpec{
			ProductID: link.Spec.ProductID, ProductName: link.Spec.ProductName, Amount: seller.Price, Currency: "USD",
			Livemode: link.Spec.Livemode, PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: link.Name},
		},
	}
}

// checkoutURL is where the shop's only order is paid, once that is known.
func (s *shop) checkoutURL() (address string) {
	s.T.Helper()
	s.Eventually("the order can be paid", func(context.Context) (bool, error) {
		address = s.Orders()[0].Status.CheckoutURL
		return address != "", nil
	})
	return address
}
