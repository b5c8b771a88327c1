package reconciliation_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestARefundWhosePaymentNobodyToldOf: Stripe never tells of payments, and nobody reads its events. When a buyer gets his
// money back, or disputes the payment, the controller asks Stripe whose payment that is, and the order learns of both. What
// another shop on the same account gives back waits: its session may still come.
func TestARefundWhosePaymentNobodyToldOf(t *testing.T) {
	s := openShop(t, asking)
	s.Deliver(stripesim.Plan{Drop: stripesim.DropTypes(sessionCompleted, debitArrived)})
	asked := s.recordAPI()
	orders := s.sell(4)
	s.refund(s.card(orders[0]), 0)
	s.refund(s.card(orders[1]), 900)
	s.dispute(s.card(orders[2]))
	session := s.card(orders[3])
	s.closeDispute(s.dispute(session), "won")
	elsewhere := s.sellElsewhere()
	s.refund(elsewhere, 0)

	s.Await(orders[0], "refunded", seller.InPhase(v1alpha1.OrderRefunded))
	s.Await(orders[1], "paid, and refunded in part", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && o.Status.AmountRefunded == 900
	})
	s.Await(orders[2], "disputed", seller.NeedsAttention(v1alpha1.ReasonDisputed))
	s.Await(orders[3], "paid, and nothing is wrong any more", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && len(o.Status.Payments[0].Disputes) == 1 && seller.NeedsNobody(o)
	})
	if o := s.Read(orders[2]); o.Status.Phase != v1alpha1.OrderPaid {
		t.Errorf("the disputed order is %s", o.Status.Phase)
	}

	s.Eventually("Stripe was asked whose the payment is", func(context.Context) (bool, error) {
		return len(asked.that("/v1/checkout/sessions", "payment_intent", s.Intent(elsewhere.ID))) > 0, nil
	})
	s.awaitKept(elsewhere, "waiting", inPhase(v1alpha1.StripeEventParked))
	if n := s.metrics(s.Paylink.Controller)[foreign]; n > 0 {
		t.Errorf("%f events are called somebody else's, which may be ours yet", n)
	}
	if kept, _, err := s.state(s.Ctx); err != nil || kept != nil {
		t.Errorf("nobody reads Stripe's books, and the ConfigMap is there: %v, %v", kept, err)
	}
}

// sellElsewhere is a payment through a link that only another shop on the same account knows. It names no order: those that
// do are kept, for an order of that name may still come.
func (s *shop) sellElsewhere() stripesim.Session {
	s.T.Helper()
	link := s.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Elsewhere", Amount: seller.Price, Currency: "usd"})
	return s.Pay(link.URL)
}

// TestAnotherShopOnTheAccount gives money back, and has trouble with banks: when that is ten minutes old, and Stripe says
// that the payment came through no link of ours, it is not kept any longer, or not at all. Our own refund of the same age is.
func TestAnotherShopOnTheAccount(t *testing.T) {
	// Stripe's own deliveries are signed ten minutes ago, and refused.
	s := openShop(t, asking, clockOf(-10*time.Minute))
	ours := s.sell(1)[0]
	s.refund(s.card(ours), 0)
	elsewhere := s.sellElsewhere()
	s.refund(elsewhere, 900)
	s.dispute(elsewhere)
	s.Settled()

	for _, event := range s.Stripe.Events() {
		if event.Type != chargeRefunded && event.Type != disputeCreated {
			continue
		}
		body := s.api(http.MethodGet, "/v1/events/"+event.ID, nil)
		if status := s.Post(body); status != http.StatusOK {
			t.Errorf("%s was answered %d", event.Type, status)
		}
	}
	s.Await(ours, "refunded", seller.InPhase(v1alpha1.OrderRefunded))
	s.awaitMetric(s.Paylink.Controller, foreign, equals(2))
	s.keepsNothingOf(elsewhere)

	// A controller that reads Stripe's events keeps nothing of it in the first place.
	second, err := s.Paylink.AddController(s.Ctx, "controller-2", backfilling...)
	s.must(err)
	s.awaitRead()
	s.keepsNothingOf(elsewhere)
	if n := s.metrics(s.Paylink.Controller)[foreign] + s.metrics(second)[foreign]; n != 2 {
		t.Errorf("%f events were kept and removed, want 2", n)
	}
	if n := total(s.byType(second, foundTotal)); n > 0 {
		t.Errorf("found %f events, and all were known or somebody else's", n)
	}
}

func (s *shop) keepsNothingOf(session stripesim.Session) {
	s.T.Helper()
	s.Eventually("nothing of another shop is kept", func(context.Context) (bool, error) {
		kept := s.Kept(session)
		return len(kept) == 0, fmt.Errorf("kept are %+v", kept)
	})
}
