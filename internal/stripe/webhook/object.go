package webhook

import (
	"regexp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// Object is data.object of every handled event: a Checkout Session, a charge, a refund or a dispute. One struct serves
// them all, so that an event is decoded in one pass. An absent field and null give zero. A field is a pointer if absent
// and zero differ.
type Object struct {
	ID            string   `json:"id"`
	Created       UnixTime `json:"created"`
	Currency      string   `json:"currency"`
	PaymentIntent ID       `json:"payment_intent"`

	// Fields of a Checkout Session. Mode is payment, subscription or setup.
	Mode               string      `json:"mode"`
	ClientReferenceID  string      `json:"client_reference_id"`
	PaymentStatus      string      `json:"payment_status"`
	PaymentLink        ID          `json:"payment_link"`
	AmountTotal        int64       `json:"amount_total"`
	CurrencyConversion *conversion `json:"currency_conversion"`

	// Fields of a charge (with amount_refunded and refunded), a refund or a dispute. Amounts are in minor units.
	Amount         int64  `json:"amount"`
	AmountRefunded *int64 `json:"amount_refunded"`
	Refunded       *bool  `json:"refunded"`
	Status         string `json:"status"`
	Reason         string `json:"reason"`
	FailureReason  string `json:"failure_reason"`
}

// conversion is the price in the shop's own currency. Sessions with Adaptive Pricing had it until 2025-03-31, and had the
// buyer's price in currency and amount_total.
type conversion struct {
	SourceCurrency string `json:"source_currency"`
	AmountTotal    int64  `json:"amount_total"`
}

func readCompletedSession(o *Object, f *payment.Fact) bool {
	switch o.PaymentStatus {
	case "paid", "no_payment_required":
		return readSession(v1alpha1.OutcomePaid)(o, f)
	default: // unpaid, or a status that Stripe adds later: only "paid" makes a payment Paid
		return readSession(v1alpha1.OutcomeUnpaid)(o, f)
	}
}

func readSession(outcome v1alpha1.Outcome) func(*Object, *payment.Fact) bool {
	return func(o *Object, f *payment.Fact) bool {
		if o.Mode != "" && o.Mode != "payment" { // an order is paid once: a subscription's payment recurs, a set-up charges nothing
			return false
		}
		session := &v1alpha1.SessionFact{
			ID:            o.ID,
			Outcome:       outcome,
			Amount:        o.AmountTotal,
			Currency:      o.Currency,
			PaymentLinkID: string(o.PaymentLink),
			Created:       metav1.NewTime(time.Time(o.Created)),
		}
		if c := o.CurrencyConversion; c != nil {
			session.Amount, session.Currency = c.AmountTotal, c.SourceCurrency
		}
		f.Session = session
		if referencePattern.MatchString(o.ClientReferenceID) {
			f.ClientReferenceID = o.ClientReferenceID
		}
		return true
	}
}

// referencePattern is the form of an order's reference. A session that another program opened can carry any text, even
// an e-mail address, which must not be stored.
var referencePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

func readRefundedCharge(o *Object, f *payment.Fact) bool {
	full := o.Refunded != nil && *o.Refunded
	refund := &v1alpha1.RefundFact{}
	if o.AmountRefunded != nil {
		refund.AmountRefunded = *o.AmountRefunded
		full = full || (o.Amount > 0 && *o.AmountRefunded >= o.Amount)
	} else if o.Refunded == nil {
		full = true // the type of the event alone says that the charge was refunded
	}
	refund.Full = full
	f.Refund = refund
	return o.PaymentIntent != ""
}

// readFailedRefund reads a refund that failed after it was created. It ignores a refund that succeeds, because the event
// of its charge states it.
func readFailedRefund(o *Object, f *payment.Fact) bool {
	if o.PaymentIntent == "" || (o.Status != "failed" && o.Status != "canceled") {
		return false
	}
	if o.Status == "canceled" && o.FailureReason == "merchant_request" { // the seller took it back, and owes the buyer nothing
		return false
	}
	f.FailedRefund = &v1alpha1.FailedRefund{ID: o.ID, Amount: o.Amount}
	return true
}

func readDispute(o *Object, f *payment.Fact) bool {
	f.Dispute = &v1alpha1.Dispute{
		ID:         o.ID,
		Status:     truncate(o.Status),
		Reason:     truncate(o.Reason),
		Amount:     o.Amount,
		ReportedAt: f.Created,
	}
	return o.PaymentIntent != ""
}

// truncate shortens a word of Stripe's to the length that the CRDs allow. It never cuts a character in two: the API
// server would replace the half, and every redelivery would look like a change.
func truncate(word string) string { return strings.ToValidUTF8(word[:min(len(word), 64)], "") }
