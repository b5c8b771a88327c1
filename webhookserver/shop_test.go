package webhookserver_test

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/fakeshop"
)

// open returns a shop with PaymentLinks of each kind, and an order of each phase, named after it.
func open(t testing.TB, o fakeshop.Options) *fakeshop.Shop {
	t.Helper()
	private := func(l *v1alpha1.PaymentLink) { l.Spec.PublicCheckout = false }
	unready := func(l *v1alpha1.PaymentLink) { l.Spec.URL = "" }
	o.Stripe = fakeshop.StripeFunc(stripe)
	s := fakeshop.New(t, o,
		fakeshop.Link("lifetime"), fakeshop.Link("backstage", private), fakeshop.Link("soon", unready), fakeshop.Link("later", private, unready),
		fakeshop.Order("pending"), fakeshop.Order("paid"), fakeshop.Order("failed"), fakeshop.Order("refunded"))
	for _, fact := range []payment.Fact{
		sale("paid", "paid", v1alpha1.OutcomePaid), sale("failed", "failed", v1alpha1.OutcomeFailed), sale("refunded", "refunded", v1alpha1.OutcomePaid),
		{EventID: "evt_refund", Type: "charge.refunded", PaymentIntentID: "pi_refunded", Refund: &v1alpha1.RefundFact{AmountRefunded: 19900, Full: true}},
	} {
		if _, err := s.Ledger.Apply(t.Context(), fact); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// sessionOf returns the id of the session of an order, or in a state at Stripe.
func sessionOf(name string) string { return "cs_test_" + name }

// sale is Stripe's fact of a session for an order.
func sale(name, order string, outcome v1alpha1.Outcome) payment.Fact {
	at := metav1.NewTime(fakeshop.Now)
	return payment.Fact{
		EventID: "evt_" + name, Type: "checkout.session.completed", Created: at, ClientReferenceID: order, PaymentIntentID: "pi_" + name,
		Session: &v1alpha1.SessionFact{ID: sessionOf(name), Outcome: outcome, Amount: 19900, Currency: "usd", PaymentLinkID: "plink_1", Created: at},
	}
}

// stripe is a fake Stripe. It has sessions for the order "pending", each named after its state.
func stripe(_ context.Context, id string) (stripeclient.Session, error) {
	switch state := strings.TrimPrefix(id, sessionOf("")); state {
	case stripeclient.SessionOpen, stripeclient.SessionComplete, stripeclient.SessionExpired:
		return stripeclient.Session{Status: state, Fact: sale(state, "pending", v1alpha1.OutcomePaid)}, nil
	case "elsewhere":
		return stripeclient.Session{Status: stripeclient.SessionComplete, Fact: sale(state, "another shop's", v1alpha1.OutcomePaid)}, nil
	case "silence":
		return stripeclient.Session{}, stripeclient.ErrCallFailed
	default:
		return stripeclient.Session{}, stripeclient.ErrNoSuchObject
	}
}
