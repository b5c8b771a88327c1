package reconciliation_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// TestRefundBeforeItsPayment: the events of payments are lost, and the controller does not list events. For a refund or a
// dispute it asks Stripe for the session, and the order gets both facts. A refund of another shop on the account stays
// parked: its session may still come.
func TestRefundBeforeItsPayment(t *testing.T) {
	s := newFixture(t, asking)
	s.PlanDelivery(stripesim.Plan{Drop: stripesim.DropTypes(sessionCompleted, debitArrived)})
	asked := s.recordAPI()
	orders := s.CreateAllReady(4)
	s.refund(s.card(orders[0]), 0)
	s.refund(s.card(orders[1]), 900)
	s.dispute(s.card(orders[2]))
	session := s.card(orders[3])
	s.closeDispute(s.dispute(session), "won")
	other := s.payOtherLink()
	s.refund(other, 0)

	s.AwaitPhase(orders[0], v1alpha1.OrderRefunded)
	s.Await(orders[1], "paid, and refunded in part", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && o.Status.AmountRefunded == 900
	})
	s.Await(orders[2], "disputed", testclient.NeedsAttention(v1alpha1.ReasonDisputed))
	s.Await(orders[3], "paid, and needs no attention", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && len(o.Status.Payments[0].Disputes) == 1 && testclient.NeedsNoAttention(o)
	})
	check.Equal(t, v1alpha1.OrderPaid, s.Read(orders[2]).Status.Phase, "phase of the disputed order")

	s.Eventually("Stripe was asked for the session", func(context.Context) (bool, error) {
		return len(asked.find("/v1/checkout/sessions", "payment_intent", s.PaymentIntent(other.ID))) > 0, nil
	})
	s.awaitStripeEvent(other, "parked", inPhase(v1alpha1.StripeEventParked))
	if n := s.Samples(s.Stack.Controller)[foreign]; n > 0 {
		t.Errorf("got %f foreign events, want 0", n)
	}
	if kept, _, err := s.state(s.Ctx); err != nil || kept != nil {
		t.Errorf("got the ConfigMap %v, %v, want none", kept, err)
	}
}

// payOtherLink pays through a link of another shop on the account. The payment names no order: one that does is parked, for
// its order may still come.
func (s *fixture) payOtherLink() stripesim.Session {
	s.T.Helper()
	link := s.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Elsewhere", Amount: testclient.Price, Currency: "usd"})
	return s.Pay(link.URL)
}

// TestOtherShopOnTheAccount: a refund and a dispute of another shop on the account are removed, or not parked, once they are
// ten minutes old and Stripe says that the payment came through no link of ours. Our own refund of that age is applied.
func TestOtherShopOnTheAccount(t *testing.T) {
	// The server refuses Stripe's own deliveries, which are signed ten minutes ago.
	s := newFixture(t, asking, clockOf(-10*time.Minute))
	ours := s.CreateAllReady(1)[0]
	s.refund(s.card(ours), 0)
	other := s.payOtherLink()
	s.refund(other, 900)
	s.dispute(other)
	s.AwaitDelivered()

	for _, event := range s.Stripe.Events() {
		if event.Type != chargeRefunded && event.Type != disputeCreated {
			continue
		}
		body := s.api(http.MethodGet, "/v1/events/"+event.ID, nil)
		if status := s.Post(body); status != http.StatusOK {
			t.Errorf("%s: got status %d, want 200", event.Type, status)
		}
	}
	s.AwaitPhase(ours, v1alpha1.OrderRefunded)
	s.awaitMetric(s.Stack.Controller, foreign, equals(2))
	s.awaitNoStripeEvents(other)

	// A controller that reads Stripe's events does not park them in the first place.
	second, err := s.Stack.AddController(s.Ctx, "controller-2", backfilling...)
	s.Must(err)
	s.awaitRead()
	s.awaitNoStripeEvents(other)
	check.Equal(t, 2, s.Samples(s.Stack.Controller)[foreign]+s.Samples(second)[foreign], "foreign events")
	if n := total(s.byType(second, foundTotal)); n > 0 {
		t.Errorf("got %f events found, want 0", n)
	}
}

func (s *fixture) awaitNoStripeEvents(session stripesim.Session) {
	s.T.Helper()
	s.Eventually("the other shop has no StripeEvents", func(context.Context) (bool, error) {
		kept := s.StripeEventsOf(session)
		return len(kept) == 0, fmt.Errorf("there are %+v", kept)
	})
}
