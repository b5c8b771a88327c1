package bookkeeper_test

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/bookkeeper"
	"github.com/paylink-dev/paylink/test/stripesim"
)

const price = 19900

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// visit is a session that a buyer finished by card, in Stripe's books.
func visit(id string) stripesim.Entry {
	return stripesim.Entry{
		Session: stripesim.Session{
			Object: stripesim.Object{ID: "cs_" + id, Created: monday.Add(300 * time.Millisecond)}, ClientReferenceID: "invoice-1",
			PaymentIntent: "pi_" + id, PaymentLink: "plink_1", AmountTotal: price, Currency: "usd", Status: "complete", PaymentStatus: "paid",
		},
		Charge: "ch_" + id, ChargeStatus: "succeeded", Received: price,
	}
}

// listed is the same session as an order has it.
func listed(id string) v1alpha1.Payment {
	return v1alpha1.Payment{
		SessionID: "cs_" + id, Outcome: v1alpha1.OutcomePaid, PaymentIntentID: "pi_" + id, Amount: price, Currency: "usd",
		PaymentLinkID: "plink_1", Created: metav1.NewTime(monday), PaidAt: &metav1.Time{Time: monday},
	}
}

func condition(kind, status, reason string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionStatus(status), Reason: reason}
}

// order is one as it is before anybody paid.
func order() v1alpha1.Order {
	return v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Name: "lifetime", UID: "uid-1"},
		Spec:       v1alpha1.OrderSpec{OrderID: "invoice-1", Amount: price, Currency: "USD", Livemode: ptr.To(false)},
		Status:     v1alpha1.OrderStatus{Phase: v1alpha1.OrderPending, PaymentLinkID: "plink_1"},
	}
}

// paid is an order as it must be after the session "a".
func paid() v1alpha1.Order {
	o := order()
	o.Status.Phase, o.Status.ProviderOrderID, o.Status.ProviderCaptureID = v1alpha1.OrderPaid, "cs_a", "pi_a"
	o.Status.PaidAt = &metav1.Time{Time: monday}
	o.Status.Payments = []v1alpha1.Payment{listed("a")}
	o.Status.Conditions = []metav1.Condition{condition("Paid", "True", "PaymentReceived")}
	return o
}

// refunded is an order as it must be after that session was refunded in full.
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

// back is a visit of which so much went back to the buyer, and stayed there or not.
func back(amount int64, status string) stripesim.Entry {
	return but(visit("a"), func(e *stripesim.Entry) {
		e.MostRefunded = amount
		e.Refunds = []stripesim.Refund{{Object: stripesim.Object{ID: "re_1"}, Amount: amount, Status: status}}
		if status == "succeeded" {
			e.Refunded = amount
		}
	})
}

func dispute(status string) stripesim.Entry {
	return but(visit("a"), func(e *stripesim.Entry) {
		e.Disputes = []stripesim.Dispute{{Object: stripesim.Object{ID: "du_1"}, Amount: price, Status: status, Reason: "fraudulent"}}
	})
}

func disputed(status string) v1alpha1.Order {
	return but(paid(), func(o *v1alpha1.Order) {
		o.Status.Payments[0].Disputes = []v1alpha1.Dispute{{ID: "du_1", Amount: price, Status: status, Reason: "fraudulent"}}
	})
}

func debit(charge string) stripesim.Entry {
	return but(visit("a"), func(e *stripesim.Entry) {
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

func TestBooksThatAgree(t *testing.T) {
	other := func(e *stripesim.Entry) { e.Session.PaymentLink = "plink_2" }
	for name, tt := range map[string]struct {
		books []stripesim.Entry
		order v1alpha1.Order
	}{
		"nobody paid":     {nil, order()},
		"left again":      {[]stripesim.Entry{but(debit(""), func(e *stripesim.Entry) { e.Session.Status = "open" })}, order()},
		"paid":            {[]stripesim.Entry{visit("a")}, paid()},
		"on its way":      {[]stripesim.Entry{debit("pending")}, unpaid(v1alpha1.OutcomeUnpaid)},
		"returned":        {[]stripesim.Entry{debit("failed")}, unpaid(v1alpha1.OutcomeFailed)},
		"refunded":        {[]stripesim.Entry{back(price, "succeeded")}, refunded()},
		"dispute won":     {[]stripesim.Entry{dispute("won")}, disputed("won")},
		"dispute open":    {[]stripesim.Entry{dispute("needs_response")}, but(disputed("needs_response"), needs("Disputed"))},
		"dispute settled": {[]stripesim.Entry{dispute("warning_closed")}, disputed("warning_closed")},
		"refunded in part": {[]stripesim.Entry{back(500, "succeeded")}, but(paid(), func(o *v1alpha1.Order) {
			o.Status.AmountRefunded, o.Status.Payments[0].AmountRefunded = 500, 500
		})},
		"refund failed": {[]stripesim.Entry{back(500, "failed")}, but(but(paid(), needs("RefundFailed")), func(o *v1alpha1.Order) {
			o.Status.AmountRefunded, o.Status.Payments[0].AmountRefunded = 500, 500
			o.Status.Payments[0].FailedRefunds = []v1alpha1.FailedRefund{{ID: "re_1", Amount: 500}}
		})},
		"paid twice": {[]stripesim.Entry{visit("b"), visit("a")}, but(but(paid(), needs("DuplicatePayment")), func(o *v1alpha1.Order) {
			o.Status.Payments = append(o.Status.Payments, listed("b"))
		})},
		"through another link": {[]stripesim.Entry{but(visit("a"), other)}, but(but(order(), needs("PaymentMismatch")), func(o *v1alpha1.Order) {
			o.Status.Payments = []v1alpha1.Payment{but(listed("a"), func(p *v1alpha1.Payment) { p.PaymentLinkID = "plink_2" })}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			report := bookkeeper.Compare(tt.books, []v1alpha1.Order{tt.order})
			for _, d := range report.Differences {
				t.Errorf("a difference where there is none: %s", d)
			}
		})
	}
}

func TestDifferencesAreFound(t *testing.T) {
	short := func(o *v1alpha1.Order) { o.Status.AmountRefunded, o.Status.Payments[0].AmountRefunded = 400, 400 }
	for name, tt := range map[string]struct {
		books []stripesim.Entry
		order v1alpha1.Order
		want  bookkeeper.Kind
	}{
		"a lost payment":             {[]stripesim.Entry{visit("a")}, order(), bookkeeper.Lost},
		"the second of two is lost":  {[]stripesim.Entry{visit("a"), visit("b")}, paid(), bookkeeper.Lost},
		"only the phase is lost":     {[]stripesim.Entry{visit("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Phase = v1alpha1.OrderFailed }), bookkeeper.Lost},
		"a debit that came is lost":  {[]stripesim.Entry{visit("a")}, unpaid(v1alpha1.OutcomeUnpaid), bookkeeper.Lost},
		"money of no order":          {[]stripesim.Entry{but(visit("a"), func(e *stripesim.Entry) { e.Session.ClientReferenceID = "invoice-2" })}, order(), bookkeeper.Lost},
		"a payment listed twice":     {[]stripesim.Entry{visit("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Payments = append(o.Status.Payments, listed("a")) }), bookkeeper.Double},
		"a payment of nobody":        {[]stripesim.Entry{visit("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Payments = append(o.Status.Payments, listed("b")) }), bookkeeper.Double},
		"paid and nobody paid":       {nil, paid(), bookkeeper.Unearned},
		"paid before the debit came": {[]stripesim.Entry{debit("pending")}, paid(), bookkeeper.Unearned},
		"paid and it went back":      {[]stripesim.Entry{back(price, "succeeded")}, paid(), bookkeeper.Unearned},
		"paid by too little": {
			[]stripesim.Entry{but(visit("a"), func(e *stripesim.Entry) { e.Session.AmountTotal, e.Received = 100, 100 })},
			but(paid(), func(o *v1alpha1.Order) { o.Status.Payments[0].Amount = 100 }), bookkeeper.Unearned,
		},
		"another amount is listed": {[]stripesim.Entry{visit("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Payments[0].Amount = price + 1 }), bookkeeper.Wrong},
		"less was refunded":        {[]stripesim.Entry{back(500, "succeeded")}, but(paid(), short), bookkeeper.Lost},
		"more was refunded":        {[]stripesim.Entry{back(300, "succeeded")}, but(paid(), short), bookkeeper.Double},
		"refunded, and it was not": {[]stripesim.Entry{visit("a")}, refunded(), bookkeeper.Double},
		"a refund failed unheard":  {[]stripesim.Entry{back(400, "failed")}, but(but(paid(), short), needs("RefundFailed")), bookkeeper.Lost},
		"a refund failed in silence": {[]stripesim.Entry{back(400, "failed")}, but(but(paid(), short), func(o *v1alpha1.Order) {
			o.Status.Payments[0].FailedRefunds = []v1alpha1.FailedRefund{{ID: "re_1", Amount: 400}}
		}), bookkeeper.Wrong},
		"a dispute is lost":        {[]stripesim.Entry{dispute("won")}, paid(), bookkeeper.Lost},
		"a dispute is still open":  {[]stripesim.Entry{dispute("won")}, but(disputed("needs_response"), needs("Disputed")), bookkeeper.Wrong},
		"a dispute of nobody":      {[]stripesim.Entry{visit("a")}, disputed("won"), bookkeeper.Double},
		"a duplicate in silence":   {[]stripesim.Entry{visit("a"), visit("b")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Payments = append(o.Status.Payments, listed("b")) }), bookkeeper.Wrong},
		"a person without need":    {[]stripesim.Entry{visit("a")}, but(paid(), needs("Disputed")), bookkeeper.Wrong},
		"the wrong payment counts": {[]stripesim.Entry{visit("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.ProviderCaptureID = "pi_b" }), bookkeeper.Wrong},
		"the condition says no":    {[]stripesim.Entry{visit("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.Conditions = nil }), bookkeeper.Wrong},
		"no time of payment":       {[]stripesim.Entry{visit("a")}, but(paid(), func(o *v1alpha1.Order) { o.Status.PaidAt = nil }), bookkeeper.Wrong},
	} {
		t.Run(name, func(t *testing.T) {
			report := bookkeeper.Compare(tt.books, []v1alpha1.Order{tt.order})
			if !slices.ContainsFunc(report.Differences, func(d bookkeeper.Difference) bool { return d.Kind == tt.want }) {
				t.Errorf("no difference is %q among %v", tt.want, report.Differences)
			}
		})
	}
}

func TestOrdersAreCountedOnce(t *testing.T) {
	first := order()
	second := but(order(), func(o *v1alpha1.Order) { o.Name, o.Spec.OrderID, o.UID = "second", "", "uid-2" })
	of := func(id, reference string) stripesim.Entry {
		return but(visit(id), func(e *stripesim.Entry) { e.Session.ClientReferenceID = reference })
	}
	report := bookkeeper.Compare([]stripesim.Entry{of("a", "invoice-1"), of("b", "invoice-1"), of("c", "uid-2")}, []v1alpha1.Order{first, second})
	if n := report.Orders(bookkeeper.Lost); n != 2 {
		t.Errorf("%d orders lost something, want 2: %v", n, report.Differences)
	}
	if report.Received != 3*price || report.HeldReceived != 0 {
		t.Errorf("the sums are %+v", report)
	}
}
