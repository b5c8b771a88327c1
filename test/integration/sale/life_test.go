package sale_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

func TestAnOrderIsPaidAndRefunded(t *testing.T) {
	s := openShop(t)
	created := s.Order("first")
	s.Create(created)
	if created.Status.Phase != v1alpha1.OrderPending {
		t.Errorf("phase in the answer to create is %q, want Pending", created.Status.Phase)
	}

	o := s.Await(created, "ready", seller.Ready)
	if want := s.Link.URL + "?client_reference_id=" + string(o.UID); o.Status.CheckoutURL != want {
		t.Errorf("checkoutURL is %s, want %s", o.Status.CheckoutURL, want)
	}
	if o.Status.PaymentLinkID != s.Link.ID {
		t.Errorf("paymentLinkId is %q, want the link's %q", o.Status.PaymentLinkID, s.Link.ID)
	}

	session := s.Pay(o.Status.CheckoutURL)
	o = s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
	if o.Status.ProviderOrderID != session.ID || o.Status.ProviderCaptureID == "" || o.Status.PaidAt == nil {
		t.Errorf("status %+v does not name session %s, its payment and its time", o.Status, session.ID)
	}
	if !meta.IsStatusConditionTrue(o.Status.Conditions, v1alpha1.ConditionPaid) {
		t.Errorf("condition Paid is not true: %v", o.Status.Conditions)
	}

	if _, err := paylink.Stripe.Refund(o.Status.ProviderCaptureID, 5000); err != nil {
		t.Fatal(err)
	}
	o = s.Await(o, "partly refunded", func(o *v1alpha1.Order) bool { return o.Status.AmountRefunded == 5000 })
	if o.Status.Phase != v1alpha1.OrderPaid {
		t.Errorf("phase after a partial refund is %s, want Paid", o.Status.Phase)
	}
	if _, err := paylink.Stripe.Refund(o.Status.ProviderCaptureID, 0); err != nil {
		t.Fatal(err)
	}
	o = s.Await(o, "Refunded", seller.InPhase(v1alpha1.OrderRefunded))
	if o.Status.AmountRefunded != seller.Price {
		t.Errorf("amountRefunded is %d, want %d", o.Status.AmountRefunded, seller.Price)
	}
	if meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionNeedsAttention) != nil {
		t.Errorf("an ordinary life needs nobody: %v", o.Status.Conditions)
	}
}

func TestKubectlShowsTheOrder(t *testing.T) {
	s := openShop(t)
	o := s.Sell("table")
	s.Pay(o.Status.CheckoutURL)
	s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))

	table := s.kubectl("get", "orders.payments.paylink.dev", "-n", s.Namespace)
	want := `(?m)^NAME +PHASE +PRODUCT +TOTAL +PAID-AT +LIVE +AGE\ntable +Paid +lifetime +199\.00 USD +20\S+Z +false +\S+$`
	if !regexp.MustCompile(want).MatchString(table) {
		t.Errorf("kubectl get shows\n%s\nwhich does not match %s", table, want)
	}
	wide := s.kubectl("get", "payorder", "-n", s.Namespace, "-o", "wide")
	for _, word := range []string{"READY", "ATTENTION", "REFERENCE", "SESSION", "PAYMENT", string(o.UID)} {
		if !strings.Contains(wide, word) {
			t.Errorf("kubectl get -o wide does not show %s:\n%s", word, wide)
		}
	}
	if waited := s.kubectl("wait", "orders.payments.paylink.dev/table", "-n", s.Namespace, "--for=condition=Paid"); !strings.Contains(waited, "condition met") {
		t.Errorf("kubectl wait says %s", waited)
	}
}

func TestABankDebitSucceedsLater(t *testing.T) {
	s := openShop(t)
	o := s.Sell("debit")
	session, err := paylink.Stripe.Buyer().PayByDebit(s.Ctx, o.Status.CheckoutURL)
	if err != nil {
		t.Fatal(err)
	}
	o = s.Await(o, "Failed", seller.InPhase(v1alpha1.OrderFailed))
	if c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionPaid); c == nil || c.Reason != v1alpha1.ReasonAwaitingAsyncPayment {
		t.Errorf("condition Paid is %+v, want reason %s", c, v1alpha1.ReasonAwaitingAsyncPayment)
	}
	if err := paylink.Stripe.SettleDebit(session.ID, true); err != nil {
		t.Fatal(err)
	}
	s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
}

func TestABankDebitFailsAndTheBuyerPaysAgain(t *testing.T) {
	s := openShop(t)
	o := s.Sell("again")
	session, err := paylink.Stripe.Buyer().PayByDebit(s.Ctx, o.Status.CheckoutURL)
	if err != nil {
		t.Fatal(err)
	}
	if err := paylink.Stripe.SettleDebit(session.ID, false); err != nil {
		t.Fatal(err)
	}
	s.Await(o, "Failed", func(o *v1alpha1.Order) bool {
		c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionPaid)
		return o.Status.Phase == v1alpha1.OrderFailed && c != nil && c.Reason == v1alpha1.ReasonPaymentFailed
	})
	second := s.Pay(o.Status.CheckoutURL)
	o = s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
	if o.Status.ProviderOrderID != second.ID {
		t.Errorf("providerOrderId is %s, want the second session %s", o.Status.ProviderOrderID, second.ID)
	}
}

func TestTheLinksOwnQueryIsKept(t *testing.T) {
	s := openShop(t)
	o := s.Order("query")
	o.Spec.PaymentLinkRef = nil
	o.Spec.PaymentLinkURL = s.Link.URL + "?utm_source=mail&prefilled_email=a%40b.example"
	s.Create(o)
	o = s.Await(o, "ready", seller.Ready)
	u, err := url.Parse(o.Status.CheckoutURL)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.RawQuery, "utm_source=mail&prefilled_email=a%40b.example&client_reference_id="+string(o.UID); got != want {
		t.Errorf("query is %s, want %s", got, want)
	}
	s.Pay(o.Status.CheckoutURL)
	s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
}

func TestADeclinedCardLeavesTheOrderPending(t *testing.T) {
	s := openShop(t)
	o := s.Sell("declined")
	if _, err := paylink.Stripe.Buyer().Pay(s.Ctx, o.Status.CheckoutURL, stripesim.CardDeclined); err == nil {
		t.Fatal("the declined card was taken")
	}
	s.Settled()
	s.Await(o, "Pending", seller.InPhase(v1alpha1.OrderPending))
	s.Pay(o.Status.CheckoutURL)
	s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
}
