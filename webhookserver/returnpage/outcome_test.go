package returnpage

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/webhookserver/page"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// order is one for 199.00 USD through the link plink_1, which was given its checkout URL.
func order(changes ...func(*v1alpha1.Order)) *v1alpha1.Order {
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

// expired is what the controller leaves of an order that nobody paid in time.
func expired(o *v1alpha1.Order) {
	o.Status.ExpiredAt, o.Status.CheckoutURL = &metav1.Time{Time: now}, ""
}

// free is an order that costs nothing.
func free(o *v1alpha1.Order) { o.Spec.Amount = 0 }

// with adds payments that webhooks have told of.
func with(payments ...v1alpha1.Payment) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) { o.Status.Payments = append(o.Status.Payments, payments...) }
}

// made is a payment that is the one the order asks for.
func made(session string, outcome v1alpha1.Outcome, changes ...func(*v1alpha1.Payment)) v1alpha1.Payment {
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
func bounced(p *v1alpha1.Payment) {
	p.FailedRefunds = []v1alpha1.FailedRefund{{ID: "re_1", Amount: p.Amount}}
}
func costless(p *v1alpha1.Payment)     { p.Amount = 0 }
func partly(p *v1alpha1.Payment)       { p.AmountRefunded = 5000 }
func ofAnother(p *v1alpha1.Payment)    { p.Amount = 100 }
func inTestMode(p *v1alpha1.Payment)   { p.Livemode = false }
func throughOther(p *v1alpha1.Payment) { p.PaymentLinkID = "plink_2" }

// word is what a buyer is told, in short.
type word struct {
	State  page.State
	Status string
	Final  bool
	Retry  bool
}

func wordOf(o outcome) word { return word{o.state, o.status(), o.final(), o.retryURL() != ""} }

const (
	own     = "cs_own"
	another = "cs_another"

	paid, unpaid, failed = v1alpha1.OutcomePaid, v1alpha1.OutcomeUnpaid, v1alpha1.OutcomeFailed
)

// TestTold is what the buyer of a session hears that webhooks have told of.
func TestTold(t *testing.T) {
	for name, row := range map[string]struct {
		order *v1alpha1.Order
		want  word
	}{
		"paid":                          {order(with(made(own, paid))), word{page.Paid, "paid", true, false}},
		"paid late":                     {order(expired, with(made(own, paid))), word{page.Paid, "paid", true, false}},
		"partly refunded":               {order(with(made(own, paid, partly))), word{page.Paid, "paid", true, false}},
		"refunded":                      {order(with(made(own, paid, refunded))), word{page.Refunded, "refunded", true, false}},
		"paid twice, this one":          {order(with(made(own, paid), made(another, paid))), word{page.Paid, "paid", true, false}},
		"paid twice, and not needed":    {order(with(made(another, paid), made(own, paid))), word{page.Twice, "paid", true, false}},
		"free, and taken twice":         {order(free, with(made(another, paid, costless), made(own, paid, costless))), word{page.Paid, "paid", true, false}},
		"paid twice, this one back":     {order(with(made(own, paid, refunded), made(another, paid))), word{page.Paid, "paid", true, false}},
		"paid twice, both back":         {order(with(made(own, paid, refunded), made(another, paid, refunded))), word{page.Refunded, "refunded", true, false}},
		"on its way":                    {order(with(made(own, unpaid))), word{page.Processing, "failed", false, false}},
		"on its way, expired":           {order(expired, with(made(own, unpaid))), word{page.Processing, "failed", false, false}},
		"on its way, paid by another":   {order(with(made(own, unpaid), made(another, paid))), word{page.Processing, "paid", false, false}},
		"did not come, paid by another": {order(with(made(own, failed), made(another, paid))), word{page.Paid, "paid", true, false}},
		"given back, and bounced":       {order(with(made(own, paid, refunded, bounced))), word{page.RefundFailed, "refunded", true, false}},
		"twice, one back, bounced":      {order(with(made(own, paid, refunded, bounced), made(another, paid))), word{page.RefundFailed, "paid", true, false}},
		"given back in part, bounced":   {order(with(made(own, paid, partly, bounced))), word{page.Paid, "paid", true, false}},
		"failed":                        {order(with(made(own, failed))), word{page.Failed, "failed", true, true}},
		"failed, and expired":           {order(expired, with(made(own, failed))), word{page.Failed, "failed", true, false}},
		"failed, another on its way":    {order(with(made(own, failed), made(another, unpaid))), word{page.Processing, "failed", false, false}},
		"failed, another given back":    {order(with(made(own, failed), made(another, paid, refunded))), word{page.Failed, "refunded", true, true}},
		"another amount":                {order(with(made(own, paid, ofAnother))), word{page.Review, "pending", true, false}},
		"another mode":                  {order(with(made(own, paid, inTestMode))), word{page.Review, "pending", true, false}},
		"another link":                  {order(with(made(own, paid, throughOther))), word{page.Review, "pending", true, false}},
		"another amount, expired":       {order(expired, with(made(own, paid, ofAnother))), word{page.Review, "pending", true, false}},
		"another amount after a debit":  {order(with(made(own, paid, ofAnother), made(another, failed))), word{page.Review, "pending", true, false}},
		"another amount, then back":     {order(with(made(own, paid, ofAnother), made(another, paid, refunded))), word{page.Review, "pending", true, false}},
		"another amount, given back":    {order(with(made(own, paid, ofAnother, refunded))), word{page.Refunded, "pending", true, false}},
		"another amount, on its way":    {order(with(made(own, unpaid, ofAnother))), word{page.Processing, "pending", false, false}},
		"another amount, and failed":    {order(with(made(own, failed, ofAnother))), word{page.Failed, "pending", true, true}},
		"another amount, paid right":    {order(with(made(own, paid, ofAnother), made(another, paid))), word{page.Review, "paid", true, false}},
		"right, another amount beside":  {order(with(made(own, paid), made(another, paid, ofAnother))), word{page.Paid, "paid", true, false}},
		"pushed out of a full list":     {order(with(made(another, paid))), word{page.Review, "paid", true, false}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, wordOf(told(row.order, own))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// said is what Stripe says of a session that is for the order.
func said(status string, p v1alpha1.Payment) stripeclient.Session {
	return stripeclient.Session{Status: status, Fact: payment.Fact{
		Type: "checkout.session.completed", Livemode: p.Livemode, ClientReferenceID: "order-1", PaymentIntentID: p.PaymentIntentID,
		Session: &v1alpha1.SessionFact{ID: p.SessionID, Outcome: p.Outcome, Amount: p.Amount, Currency: p.Currency, PaymentLinkID: p.PaymentLinkID, Created: p.Created},
	}}
}

// TestForetold is what the buyer hears of a session whose webhook has not come.
func TestForetold(t *testing.T) {
	for name, row := range map[string]struct {
		order *v1alpha1.Order
		own   v1alpha1.Payment
		want  word
	}{
		"paid":                        {order(), made(own, paid), word{page.Received, "paid", false, false}},
		"paid late":                   {order(expired), made(own, paid), word{page.Received, "paid", false, false}},
		"paid at the second try":      {order(with(made(another, failed))), made(own, paid), word{page.Received, "paid", false, false}},
		"paid again after a refund":   {order(with(made(another, paid, refunded))), made(own, paid), word{page.Received, "paid", false, false}},
		"paid again":                  {order(with(made(another, paid))), made(own, paid), word{page.Twice, "paid", false, false}},
		"on its way":                  {order(), made(own, unpaid), word{page.Processing, "failed", false, false}},
		"on its way, paid by another": {order(with(made(another, paid))), made(own, unpaid), word{page.Processing, "paid", false, false}},
		"another amount, expired":     {order(expired), made(own, paid, ofAnother), word{page.Review, "pending", false, false}},
		"another amount":              {order(), made(own, paid, ofAnother), word{page.Review, "pending", false, false}},
		"another amount, paid before": {order(with(made(another, paid))), made(own, paid, ofAnother), word{page.Review, "paid", false, false}},
		"another mode":                {order(), made(own, paid, inTestMode), word{page.Review, "pending", false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, wordOf(foretold(row.order, said(stripeclient.SessionComplete, row.own)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNothingKnown: who asks too early is told to ask again.
func TestNothingKnown(t *testing.T) {
	if diff := cmp.Diff(word{page.Confirming, "pending", false, false}, wordOf(nothingKnown)); diff != "" {
		t.Error(diff)
	}
	for state, want := range map[page.State]bool{page.Unknown: false, page.Unfinished: false, page.Lapsed: true, page.Invalid: true} {
		if final := (outcome{state: state}).final(); final != want {
			t.Errorf("%s: final is %t", state, final)
		}
	}
}
