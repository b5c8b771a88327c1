package oracle_test

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/oracle"
	"github.com/paylink-dev/paylink/test/stripesim"
)

const price = 19900

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// session is a session that was paid by card, in Stripe's records.
func session(id string) stripesim.Entry {
	return stripesim.Entry{
		Session: stripesim.Session{
			Object: stripesim.Object{ID: "cs_" + id, Created: monday.Add(300 * time.Millisecond)}, ClientReferenceID: "invoice-1",
			PaymentIntent: "pi_" + id, PaymentLink: "plink_1", AmountTotal: price, Currency: "usd", Status: "complete", PaymentStatus: "paid",
		},
		Charge: "ch_" + id, ChargeStatus: "succeeded", Received: price,
	}
}

// listed is the same session as a payment of an order.
func listed(id string) v1alpha1.Payment {
	return v1alpha1.Payment{
		SessionID: "cs_" + id, Outcome: v1alpha1.OutcomePaid, PaymentIntentID: "pi_" + id, Amount: price, Currency: "usd",
		PaymentLinkID: "plink_1", Created: metav1.NewTime(monday), PaidAt: &metav1.Time{Time: monday},
	}
}

func condition(kind, status, reason string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionStatus(status), Reason: reason}
}

// order is an order before any payment.
func order() v1alpha1.Order {
	return v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Name: "lifetime", UID: "uid-1"},
		Spec:       v1alpha1.OrderSpec{OrderID: "invoice-1", Amount: price, Currency: "USD", Livemode: ptr.To(false)},
		Status:     v1alpha1.OrderStatus{Phase: v1alpha1.OrderPending, PaymentLinkID: "plink_1"},
	}
}

// paid is an order after the session "a".
func paid() v1alpha1.Order {
	o := order()
	o.Status.Phase, o.Status.ProviderOrderID, o.Status.ProviderCaptureID = v1alpha1.OrderPaid, "cs_a", "pi_a"
	o.Status.PaidAt = &metav1.Time{Time: monday}
	o.Status.Payments = []v1alpha1.Payment{listed("a")}
	o.Status.Conditions = []metav1.Condition{condition("Paid", "True", "PaymentReceived")}
	return o
}

// refunded is an order after that session was refunded in full.
func refunded() v1alpha1.Order {
	o := paid()
	o.Status.Phase, o.Status.AmountRefunded = v1alpha1.OrderRefunded, price
	o.Status.Payments[0].AmountRefunded, o.Status.Payments[0].FullyRefunded = price, true
	o.Status.Conditions = []metav1.Condition{condition("Paid", "False", "Refunded")}
	return o
}

func but[T any](of T, change func(*T)) T {
	change(&of)
	return of
}

func needs(reason string) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) {
		o.Status.Conditions = append(o.Status.Conditions, condition("NeedsAttention", "True", reason))
	}
}

// refund is a session of which an amount was refunded, by a refund in a status.
func refund(amount int64, status string) stripesim.Entry {
	return but(session("a"), func(e *stripesim.Entry) {
		e.MostRefunded = amount
		e.Refunds = []stripesim.Refund{{Object: stripesim.Object{ID: "re_1"}, Amount: amount, Status: status}}
		if status == "succeeded" {
			e.Refunded = amount
		}
	})
}

func dispute(status string) stripesim.Entry {
	return but(session("a"), func(e *stripesim.Entry) {
		e.Disputes = []stripesim.Dispute{{Object: stripesim.Object{ID: "du_1"}, Amount: price, Status: status, Reason: "fraudulent"}}
	})
}

func disputed(status string) v1alpha1.Order {
	return but(paid(), func(o *v1alpha1.Order) {
		o.Status.Payments[0].Disputes = []v1alpha1.Dispute{{ID: "du_1", Amount: price, Status: status, Reason: "fraudulent"}}
	})
}

func debit(charge string) stripesim.Entry {
	return but(session("a"), func(e *stripesim.Entry) {
		e.Session.PaymentStatus, e.ChargeStatus, e.Received = "unpaid", charge, 0
	})
}

func unpaid(outcome v1alpha1.Outcome) v1alpha1.Order {
	return but(order(), func(o *v1alpha1.Order) {
		p := listed("a")
		p.Outcome, p.PaidAt = outcome, nil
		o.Status.Phase, o.Status.Payments = v1alpha1.OrderFailed, []v1alpha1.Payment{p}
	})
}

func TestCompareFindsNoDifference(t *testing.T) {
	other := func(e *stripesim.Entry) { e.Session.PaymentLink = "plink_2" }
	for name, tt := range map[string]struct {
		records []stripesim.Entry
		order   v1alpha1.Order
	}{
		"not paid":        {nil, order()},
		"left again":      {[]stripesim.Entry{but(debit(""), func(e *stripesim.Entry) { e.Session.Status = "open" })}, order()},
		"paid":            {[]stripesim.Entry{session("a")}, paid()},
		"on its way":      {[]stripesim.Entry{debit("pending")}, unpaid(v1alpha1.OutcomeUnpaid)},
		"returned":        {[]stripesim.Entry{debit("failed")}, unpaid(v1alpha1.OutcomeFailed)},
		"refunded":        {[]stripesim.Entry{refund(price, "succeeded")}, refunded()},
		"dispute won":     {[]stripesim.Entry{dispute("won")}, disputed("won")},
		"dispute open":    {[]stripesim.Entry{dispute("needs_response")}, but(disputed("needs_response"), needs("Disputed"))},
		"dispute settled": {[]stripesim.Entry{dispute("warning_closed")}, disputed("warning_closed")},
		"refunded in part": {[]stripesim.Entry{refund(500, "succeeded")}, but(paid(), func(o *v1alpha1.Order) {
			o.Status.AmountRefunded, o.Status.Payments[0].AmountRefunded = 500, 500
		})},
		"refund failed": {[]stripesim.Entry{refund(500, "failed")}, but(but(paid(), needs("RefundFailed")), func(o *v1alpha1.Order) {
			o.Status.AmountRefunded, o.Status.Payments[0].AmountRefunded = 500, 500
			o.Status.Payments[0].FailedRefunds = []v1alpha1.FailedRefund{{ID: "re_1", Amount: 500}}
		})},
		"paid twice": {[]stripesim.Entry{session("b"), session("a")}, but(but(paid(), needs("DuplicatePayment")), func(o *v1alpha1.Order) {
			o.Status.Payments = append(o.Status.Payments, listed("b"))
		})},
		"through another link": {[]stripesim.Entry{but(session("a"), other)}, but(but(order(), needs("PaymentMismatch")), func(o *v1alpha1.Order) {
			o.Status.Payments = []v1alpha1.Payment{but(listed("a"), func(p *v1alpha1.Payment) { p.PaymentLinkID = "plink_2" })}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			report := oracle.Compare(tt.records, []v1alpha1.Order{tt.order})
			for _, d := range report.Differences {
				t.Errorf("got the difference %s, want none", d)
			}
		})
	}
}

func TestCompareFindsDifferences(t *testing.T) {
	short := func(o *v1alpha1.Order) { o.Status.AmountRefunded, o.Status.Payments[0].AmountRefunded = 400, 400 }
	for name, tt := range map[string]struct {
		records []stripesim.Entry
		order   v1alpha1.Order
		want    oracle.Kind
	}{
		"a lost payment":             {[]stripesim.Entry{session("a")}, order(), oracle.Lost},
		"the second of two is lost":  {[]stripesim.Entry{session("a"), session("b")}, paid(), oracle.Lost},
		"only the phase is lost":     {[]stripesim.Entry{session("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Phase = v1alpha1.OrderFailed }), oracle.Lost},
		"a debit that came is lost":  {[]stripesim.Entry{session("a")}, unpaid(v1alpha1.OutcomeUnpaid), oracle.Lost},
		"money of no order":          {[]stripesim.Entry{but(session("a"), func(e *stripesim.Entry) { e.Session.ClientReferenceID = "invoice-2" })}, order(), oracle.Lost},
		"a payment listed twice":     {[]stripesim.Entry{session("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Payments = append(o.Status.Payments, listed("a")) }), oracle.Double},
		"an unknown payment":         {[]stripesim.Entry{session("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Payments = append(o.Status.Payments, listed("b")) }), oracle.Double},
		"paid without a payment":     {nil, paid(), oracle.Unearned},
		"paid before the debit came": {[]stripesim.Entry{debit("pending")}, paid(), oracle.Unearned},
		"paid and it went back":      {[]stripesim.Entry{refund(price, "succeeded")}, paid(), oracle.Unearned},
		"paid by too little": {
			[]stripesim.Entry{but(session("a"), func(e *stripesim.Entry) { e.Session.AmountTotal, e.Received = 100, 100 })},
			but(paid(), func(o *v1alpha1.Order) { o.Status.Payments[0].Amount = 100 }), oracle.Unearned,
		},
		"another amount is listed": {[]stripesim.Entry{session("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Payments[0].Amount = price + 1 }), oracle.Wrong},
		"less was refunded":        {[]stripesim.Entry{refund(500, "succeeded")}, but(paid(), short), oracle.Lost},
		"more was refunded":        {[]stripesim.Entry{refund(300, "succeeded")}, but(paid(), short), oracle.Double},
		"refunded, and it was not": {[]stripesim.Entry{session("a")}, refunded(), oracle.Double},
		"a refund failed unheard":  {[]stripesim.Entry{refund(400, "failed")}, but(but(paid(), short), needs("RefundFailed")), oracle.Lost},
		"a refund failed in silence": {[]stripesim.Entry{refund(400, "failed")}, but(but(paid(), short), func(o *v1alpha1.Order) {
			o.Status.Payments[0].FailedRefunds = []v1alpha1.FailedRefund{{ID: "re_1", Amount: 400}}
		}), oracle.Wrong},
		"a dispute is lost":        {[]stripesim.Entry{dispute("won")}, paid(), oracle.Lost},
		"a dispute is still open":  {[]stripesim.Entry{dispute("won")}, but(disputed("needs_response"), needs("Disputed")), oracle.Wrong},
		"an unknown dispute":       {[]stripesim.Entry{session("a")}, disputed("won"), oracle.Double},
		"a duplicate in silence":   {[]stripesim.Entry{session("a"), session("b")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Payments = append(o.Status.Payments, listed("b")) }), oracle.Wrong},
		"a person without need":    {[]stripesim.Entry{session("a")}, but(paid(), needs("Disputed")), oracle.Wrong},
		"the wrong payment counts": {[]stripesim.Entry{session("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.ProviderCaptureID = "pi_b" }), oracle.Wrong},
		"the condition says no":    {[]stripesim.Entry{session("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Conditions = nil }), oracle.Wrong},
		"no time of payment":       {[]stripesim.Entry{session("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.PaidAt = nil }), oracle.Wrong},
	} {
		t.Run(name, func(t *testing.T) {
			report := oracle.Compare(tt.records, []v1alpha1.Order{tt.order})
			if !slices.ContainsFunc(report.Differences, func(d oracle.Difference) bool { return d.Kind == tt.want }) {
				t.Errorf("got %v, want a difference of the kind %q", report.Differences, tt.want)
			}
		})
	}
}

func TestReportOrders(t *testing.T) {
	first := order()
	second := but(order(), func(o *v1alpha1.Order) { o.Name, o.Spec.OrderID, o.UID = "second", "", "uid-2" })
	of := func(id, reference string) stripesim.Entry {
		return but(session(id), func(e *stripesim.Entry) { e.Session.ClientReferenceID = reference })
	}
	report := oracle.Compare([]stripesim.Entry{of("a", "invoice-1"), of("b", "invoice-1"), of("c", "uid-2")}, []v1alpha1.Order{first, second})
	if n := report.Orders(oracle.Lost); n != 2 {
		t.Errorf("got %d orders with a loss, want 2: %v", n, report.Differences)
	}
	if report.Received != 3*price || report.HeldReceived != 0 {
		t.Errorf("got the sums %+v, want %d received and none held", report, 3*price)
	}
}
