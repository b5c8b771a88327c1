package sale_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

func TestOrderIsPaidAndRefunded(t *testing.T) {
	s := newClient(t)
	created := s.Order("first")
	s.Create(created)
	check.Equal(t, v1alpha1.OrderPending, created.Status.Phase, "phase of the created order")

	o := s.Await(created, "ready", testclient.Ready)
	if want := s.Link.URL + "?client_reference_id=" + string(o.UID); o.Status.CheckoutURL != want {
		t.Errorf("got checkoutURL %s, want %s", o.Status.CheckoutURL, want)
	}
	check.Equal(t, s.Link.ID, o.Status.PaymentLinkID, "paymentLinkId")

	session := s.Pay(o.Status.CheckoutURL)
	o = s.AwaitPhase(o, v1alpha1.OrderPaid)
	if o.Status.ProviderOrderID != session.ID || o.Status.ProviderCaptureID == "" || o.Status.PaidAt == nil {
		t.Errorf("got %+v, want session %s, its PaymentIntent and its time", o.Status, session.ID)
	}
	if !meta.IsStatusConditionTrue(o.Status.Conditions, v1alpha1.ConditionPaid) {
		t.Errorf("got the conditions %v, want Paid=True", o.Status.Conditions)
	}
	s.Kubectl("wait", "orders.payments.paylink.dev/first", "-n", s.Namespace, "--for=condition=Paid")

	s.Refund(session, 5000)
	o = s.Await(o, "partly refunded", func(o *v1alpha1.Order) bool { return o.Status.AmountRefunded == 5000 })
	check.Equal(t, v1alpha1.OrderPaid, o.Status.Phase, "phase after a partial refund")
	s.Refund(session, 0)
	o = s.AwaitPhase(o, v1alpha1.OrderRefunded)
	check.Equal(t, testclient.Price, o.Status.AmountRefunded, "amountRefunded")
	if meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionNeedsAttention) != nil {
		t.Errorf("got the conditions %v, want no NeedsAttention", o.Status.Conditions)
	}
}

// TestPaymentAttempts: an order is Paid in the end, whatever the first attempt comes to.
func TestPaymentAttempts(t *testing.T) {
	paidReason := func(reason string) func(*v1alpha1.Order) bool {
		return func(o *v1alpha1.Order) bool {
			c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionPaid)
			return o.Status.Phase == v1alpha1.OrderFailed && c != nil && c.Reason == reason
		}
	}
	const query = "?utm_source=mail&prefilled_email=a%40b.example"
	for name, row := range map[string]struct {
		// query is that of the Payment Link's address.
		query string
		// pay returns the id of the session that pays.
		pay func(s *testclient.Client, o *v1alpha1.Order) (session string)
	}{
		"a debit that the bank accepts later": {"", func(s *testclient.Client, o *v1alpha1.Order) string {
			session := s.PayByDebit(o.Status.CheckoutURL)
			s.Await(o, "Failed, awaiting the debit", paidReason(v1alpha1.ReasonAwaitingAsyncPayment))
			s.SettleDebit(session, true)
			return session.ID
		}},
		"a debit that the bank returns, and a card": {"", func(s *testclient.Client, o *v1alpha1.Order) string {
			s.SettleDebit(s.PayByDebit(o.Status.CheckoutURL), false)
			s.Await(o, "Failed", paidReason(v1alpha1.ReasonPaymentFailed))
			return s.Pay(o.Status.CheckoutURL).ID
		}},
		"a declined card, and another": {"", func(s *testclient.Client, o *v1alpha1.Order) string {
			if _, err := s.Stripe.Buyer().Pay(s.Ctx, o.Status.CheckoutURL, stripesim.CardDeclined); err == nil {
				s.T.Fatal("got a payment with a declined card, want an error")
			}
			s.AwaitDelivered()
			s.AwaitPhase(o, v1alpha1.OrderPending)
			return s.Pay(o.Status.CheckoutURL).ID
		}},
		"a Payment Link with a query": {query, func(s *testclient.Client, o *v1alpha1.Order) string {
			if _, got, _ := strings.Cut(o.Status.CheckoutURL, "?"); "?"+got != query+"&client_reference_id="+string(o.UID) {
				s.T.Errorf("got the query %s, want %s and the reference", got, query)
			}
			return s.Pay(o.Status.CheckoutURL).ID
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClient(t)
			o := s.Order("order")
			if row.query != "" {
				o.Spec.PaymentLinkRef, o.Spec.PaymentLinkURL = nil, s.Link.URL+row.query
			}
			s.Create(o)
			o = s.Await(o, "ready", testclient.Ready)
			session := row.pay(s, o)
			check.Equal(t, session, s.AwaitPhase(o, v1alpha1.OrderPaid).Status.ProviderOrderID, "providerOrderId")
		})
	}
}
