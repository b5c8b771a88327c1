package returnpage

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/check"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// newOrder is a ready order for 199.00 USD through plink_1.
func newOrder(changes ...func(*v1alpha1.Order)) *v1alpha1.Order {
	o := &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "o1", UID: "o1-uid", CreationTimestamp: metav1.NewTime(now.Add(-time.Hour))},
		Spec:       v1alpha1.OrderSpec{ProductID: "lifetime", Amount: 19900, Currency: "USD", OrderID: "order-1", PaymentLinkURL: "https://buy.stripe.com/a"},
		Status: v1alpha1.OrderStatus{
			Phase: v1alpha1.OrderPending, ClientReferenceID: "order-1", PaymentLinkID: "plink_1", CheckoutURL: "https://buy.stripe.com/a?client_reference_id=order-1",
		},
	}
	for _, change := range changes {
		change(o)
	}
	return o
}

// expired marks an order as the controller does after its expiry.
func expired(o *v1alpha1.Order) {
	o.Status.ExpiredAt, o.Status.CheckoutURL = &metav1.Time{Time: now}, ""
}

// free is an order that costs nothing.
func free(o *v1alpha1.Order) { o.Spec.Amount = 0 }

// with adds payments to the status.
func with(payments ...v1alpha1.Payment) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) { o.Status.Payments = append(o.Status.Payments, payments...) }
}

// newPayment is a payment that matches the order.
func newPayment(session string, outcome v1alpha1.Outcome, changes ...func(*v1alpha1.Payment)) v1alpha1.Payment {
	p := v1alpha1.Payment{
		SessionID: session, Outcome: outcome, PaymentIntentID: "pi_" + session, Amount: 19900, Currency: "usd", Livemode: true, PaymentLinkID: "plink_1",
		Created: metav1.NewTime(now),
	}
	for _, change := range changes {
		change(&p)
	}
	return p
}

func refunded(p *v1alpha1.Payment) { p.FullyRefunded, p.AmountRefunded = true, p.Amount }
func refundFailed(p *v1alpha1.Payment) {
	p.FailedRefunds = []v1alpha1.FailedRefund{{ID: "re_1", Amount: p.Amount}}
}
func freeOfCharge(p *v1alpha1.Payment)   { p.Amount = 0 }
func partlyRefunded(p *v1alpha1.Payment) { p.AmountRefunded = 5000 }
func wrongAmount(p *v1alpha1.Payment)    { p.Amount = 100 }
func testMode(p *v1alpha1.Payment)       { p.Livemode = false }
func wrongLink(p *v1alpha1.Payment)      { p.PaymentLinkID = "plink_2" }

// answer is what an outcome tells the buyer.
type answer struct {
	State  State
	Status string
	Final  bool
	Retry  bool
}

func answerOf(o outcome) answer { return answer{o.state, o.status(), o.final(), o.retryURL() != ""} }

const (
	own     = "cs_own"
	another = "cs_another"

	paid, unpaid, failed = v1alpha1.OutcomePaid, v1alpha1.OutcomeUnpaid, v1alpha1.OutcomeFailed
)

// TestFromOrder: the outcome of a session that the order has.
func TestFromOrder(t *testing.T) {
	for name, row := range map[string]struct {
		order *v1alpha1.Order
		want  answer
	}{
		"paid":                             {newOrder(with(newPayment(own, paid))), answer{Paid, "paid", true, false}},
		"paid late":                        {newOrder(expired, with(newPayment(own, paid))), answer{Paid, "paid", true, false}},
		"partlyRefunded refunded":          {newOrder(with(newPayment(own, paid, partlyRefunded))), answer{Paid, "paid", true, false}},
		"refunded":                         {newOrder(with(newPayment(own, paid, refunded))), answer{Refunded, "refunded", true, false}},
		"paid twice, this one":             {newOrder(with(newPayment(own, paid), newPayment(another, paid))), answer{Paid, "paid", true, false}},
		"paid twice, and not needed":       {newOrder(with(newPayment(another, paid), newPayment(own, paid))), answer{Duplicate, "paid", true, false}},
		"free, and taken twice":            {newOrder(free, with(newPayment(another, paid, freeOfCharge), newPayment(own, paid, freeOfCharge))), answer{Paid, "paid", true, false}},
		"paid twice, this one back":        {newOrder(with(newPayment(own, paid, refunded), newPayment(another, paid))), answer{Paid, "paid", true, false}},
		"paid twice, both back":            {newOrder(with(newPayment(own, paid, refunded), newPayment(another, paid, refunded))), answer{Refunded, "refunded", true, false}},
		"on its way":                       {newOrder(with(newPayment(own, unpaid))), answer{Processing, "failed", false, false}},
		"on its way, expired":              {newOrder(expired, with(newPayment(own, unpaid))), answer{Processing, "failed", false, false}},
		"on its way, paid by another":      {newOrder(with(newPayment(own, unpaid), newPayment(another, paid))), answer{Processing, "paid", false, false}},
		"did not come, paid by another":    {newOrder(with(newPayment(own, failed), newPayment(another, paid))), answer{Paid, "paid", true, false}},
		"given back, and refundFailed":     {newOrder(with(newPayment(own, paid, refunded, refundFailed))), answer{RefundFailed, "refunded", true, false}},
		"twice, one back, refundFailed":    {newOrder(with(newPayment(own, paid, refunded, refundFailed), newPayment(another, paid))), answer{RefundFailed, "paid", true, false}},
		"given back in part, refundFailed": {newOrder(with(newPayment(own, paid, partlyRefunded, refundFailed))), answer{Paid, "paid", true, false}},
		"failed":                           {newOrder(with(newPayment(own, failed))), answer{Failed, "failed", true, true}},
		"failed, and expired":              {newOrder(expired, with(newPayment(own, failed))), answer{Failed, "failed", true, false}},
		"failed, another on its way":       {newOrder(with(newPayment(own, failed), newPayment(another, unpaid))), answer{Processing, "failed", false, false}},
		"failed, another given back":       {newOrder(with(newPayment(own, failed), newPayment(another, paid, refunded))), answer{Failed, "refunded", true, true}},
		"another amount":                   {newOrder(with(newPayment(own, paid, wrongAmount))), answer{Review, "pending", true, false}},
		"another mode":                     {newOrder(with(newPayment(own, paid, testMode))), answer{Review, "pending", true, false}},
		"another link":                     {newOrder(with(newPayment(own, paid, wrongLink))), answer{Review, "pending", true, false}},
		"another amount, expired":          {newOrder(expired, with(newPayment(own, paid, wrongAmount))), answer{Review, "pending", true, false}},
		"another amount after a debit":     {newOrder(with(newPayment(own, paid, wrongAmount), newPayment(another, failed))), answer{Review, "pending", true, false}},
		"another amount, then back":        {newOrder(with(newPayment(own, paid, wrongAmount), newPayment(another, paid, refunded))), answer{Review, "pending", true, false}},
		"another amount, given back":       {newOrder(with(newPayment(own, paid, wrongAmount, refunded))), answer{Refunded, "pending", true, false}},
		"another amount, on its way":       {newOrder(with(newPayment(own, unpaid, wrongAmount))), answer{Processing, "pending", false, false}},
		"another amount, and failed":       {newOrder(with(newPayment(own, failed, wrongAmount))), answer{Failed, "pending", true, true}},
		"another amount, paid right":       {newOrder(with(newPayment(own, paid, wrongAmount), newPayment(another, paid))), answer{Review, "paid", true, false}},
		"right, another amount beside":     {newOrder(with(newPayment(own, paid), newPayment(another, paid, wrongAmount))), answer{Paid, "paid", true, false}},
		"pushed out of a full list":        {newOrder(with(newPayment(another, paid))), answer{Review, "paid", true, false}},
	} {
		t.Run(name, func(t *testing.T) {
			check.Equal(t, row.want, answerOf(fromOrder(row.order, own)), "outcome")
		})
	}
}

// atStripe is the session of a payment for the order, as Stripe returns it.
func atStripe(status string, p v1alpha1.Payment) stripeclient.Session {
	return stripeclient.Session{Status: status, Fact: payment.Fact{
		Type: "checkout.session.completed", Livemode: p.Livemode, ClientReferenceID: "order-1", PaymentIntentID: p.PaymentIntentID,
		Session: &v1alpha1.SessionFact{ID: p.SessionID, Outcome: p.Outcome, Amount: p.Amount, Currency: p.Currency, PaymentLinkID: p.PaymentLinkID, Created: p.Created},
	}}
}

// TestPredicted: the outcome of a session whose webhook has not come.
func TestPredicted(t *testing.T) {
	for name, row := range map[string]struct {
		order *v1alpha1.Order
		own   v1alpha1.Payment
		want  answer
	}{
		"paid":                        {newOrder(), newPayment(own, paid), answer{Received, "paid", false, false}},
		"paid late":                   {newOrder(expired), newPayment(own, paid), answer{Received, "paid", false, false}},
		"paid at the second try":      {newOrder(with(newPayment(another, failed))), newPayment(own, paid), answer{Received, "paid", false, false}},
		"paid again after a refund":   {newOrder(with(newPayment(another, paid, refunded))), newPayment(own, paid), answer{Received, "paid", false, false}},
		"paid again":                  {newOrder(with(newPayment(another, paid))), newPayment(own, paid), answer{Duplicate, "paid", false, false}},
		"on its way":                  {newOrder(), newPayment(own, unpaid), answer{Processing, "failed", false, false}},
		"on its way, paid by another": {newOrder(with(newPayment(another, paid))), newPayment(own, unpaid), answer{Processing, "paid", false, false}},
		"another amount, expired":     {newOrder(expired), newPayment(own, paid, wrongAmount), answer{Review, "pending", false, false}},
		"another amount":              {newOrder(), newPayment(own, paid, wrongAmount), answer{Review, "pending", false, false}},
		"another amount, paid before": {newOrder(with(newPayment(another, paid))), newPayment(own, paid, wrongAmount), answer{Review, "paid", false, false}},
		"another mode":                {newOrder(), newPayment(own, paid, testMode), answer{Review, "pending", false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			check.Equal(t, row.want, answerOf(predicted(row.order, atStripe(stripeclient.SessionComplete, row.own))), "outcome")
		})
	}
}

// TestPending: the outcome of a payment that is not known yet is not final.
func TestPending(t *testing.T) {
	check.Equal(t, answer{Confirming, "pending", false, false}, answerOf(pending), "outcome")
	for state, want := range map[State]bool{Unknown: false, Unfinished: false, SessionExpired: true, Invalid: true} {
		check.Equal(t, want, (outcome{state: state}).final(), "%s: final", state)
	}
}
