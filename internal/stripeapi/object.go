package stripeapi

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// object is data.object of every event of interest: a Checkout Session, a charge, a refund or a dispute. A field
// that Stripe left out or sent as null is zero; where the difference matters it is a pointer.
type object struct {
	ID            string   `json:"id"`
	Created       unixTime `json:"created"`
	Currency      string   `json:"currency"`
	PaymentIntent id       `json:"payment_intent"`

	// Of a Checkout Session.
	ClientReferenceID  string      `json:"client_reference_id"`
	PaymentStatus      string      `json:"payment_status"`
	PaymentLink        id          `json:"payment_link"`
	AmountTotal        int64       `json:"amount_total"`
	CurrencyConversion *conversion `json:"currency_conversion"`

	// Of a charge (with amount_refunded and refunded), a refund or a dispute.
	Amount         int64  `json:"amount"`
	AmountRefunded *int64 `json:"amount_refunded"`
	Refunded       *bool  `json:"refunded"`
	Status         string `json:"status"`
	Reason         string `json:"reason"`
}

// conversion is how sessions with Adaptive Pricing said, before 2025-03-31, what they cost in the seller's own
// currency: currency and amount_total were then the buyer's.
type conversion struct {
	SourceCurrency string `json:"source_currency"`
	AmountTotal    int64  `json:"amount_total"`
}

// The event types of interest.
const (
	typeSessionCompleted      = "checkout.session.completed"
	typeSessionAsyncSucceeded = "checkout.session.async_payment_succeeded"
	typeSessionAsyncFailed    = "checkout.session.async_payment_failed"
	typeChargeRefunded        = "charge.refunded"
	typeChargeRefundUpdated   = "charge.refund.updated"
	typeRefundUpdated         = "refund.updated"
	typeRefundFailed          = "refund.failed"
	typeDisputeCreated        = "charge.dispute.created"
	typeDisputeUpdated        = "charge.dispute.updated"
	typeDisputeFundsWithdrawn = "charge.dispute.funds_withdrawn"
	typeDisputeFundsReturned  = "charge.dispute.funds_reinstated"
	typeDisputeClosed         = "charge.dispute.closed"
)

// readers turn an object into a fact, by the event's type. They report false where there is nothing of interest.
var readers = map[string]func(*object, *payment.Fact) bool{
	typeSessionCompleted:      readCompleted,
	typeSessionAsyncSucceeded: readSession(v1alpha1.OutcomePaid),
	typeSessionAsyncFailed:    readSession(v1alpha1.OutcomeFailed),
	typeChargeRefunded:        readRefundedCharge,
	typeChargeRefundUpdated:   readRefund,
	typeRefundUpdated:         readRefund,
	typeRefundFailed:          readRefund,
	typeDisputeCreated:        readDispute,
	typeDisputeUpdated:        readDispute,
	typeDisputeFundsWithdrawn: readDispute,
	typeDisputeFundsReturned:  readDispute,
	typeDisputeClosed:         readDispute,
}

// Interesting reports whether events of a type can say something about a payment.
func Interesting(eventType string) bool {
	_, ok := readers[eventType]
	return ok
}

func readCompleted(o *object, f *payment.Fact) bool {
	switch o.PaymentStatus {
	case "paid", "no_payment_required":
		return readSession(v1alpha1.OutcomePaid)(o, f)
	default: // unpaid, and whatever Stripe may add: nothing is Paid that Stripe does not call so
		return readSession(v1alpha1.OutcomeUnpaid)(o, f)
	}
}

func readSession(outcome v1alpha1.Outcome) func(*object, *payment.Fact) bool {
	return func(o *object, f *payment.Fact) bool {
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
		if ourReference.MatchString(o.ClientReferenceID) {
			f.ClientReferenceID = o.ClientReferenceID
		}
		return true
	}
}

// ourReference is what an order's reference can look like: Payment Links drop any other. A session that was opened
// by somebody else's code may carry anything, even an e-mail address, which must not be kept.
var ourReference = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

func readRefundedCharge(o *object, f *payment.Fact) bool {
	full := o.Refunded != nil && *o.Refunded
	refund := &v1alpha1.RefundFact{}
	if o.AmountRefunded != nil {
		refund.AmountRefunded = *o.AmountRefunded
		full = full || (o.Amount > 0 && *o.AmountRefunded >= o.Amount)
	} else if o.Refunded == nil {
		full = true // charge.refunded alone says so
	}
	refund.Full = full
	f.Refund = refund
	return o.PaymentIntent != ""
}

// readRefund looks for refunds that failed after they had been made; one that goes well says nothing that the charge
// does not say.
func readRefund(o *object, f *payment.Fact) bool {
	if o.PaymentIntent == "" || (o.Status != "failed" && o.Status != "canceled") {
		return false
	}
	f.FailedRefund = &v1alpha1.FailedRefund{ID: o.ID, Amount: o.Amount}
	return true
}

func readDispute(o *object, f *payment.Fact) bool {
	f.Dispute = &v1alpha1.Dispute{
		ID:         o.ID,
		Status:     cut(o.Status),
		Reason:     cut(o.Reason),
		Amount:     o.Amount,
		ReportedAt: f.Created,
	}
	return o.PaymentIntent != ""
}

// cut bounds a word of Stripe's to what the CRDs allow. Half a character would come back from the API server as another,
// so that every redelivery would look like news.
func cut(word string) string { return strings.ToValidUTF8(word[:min(len(word), 64)], "") }

// id is a reference to another object of Stripe's: its id, or the object itself where it was expanded, or null.
type id string

// UnmarshalJSON reads either form.
func (i *id) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case 'n': // null
		return nil
	case '"':
		return json.Unmarshal(data, (*string)(i))
	case '{':
		var expanded struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(data, &expanded); err != nil {
			return err
		}
		*i = id(expanded.ID)
		return nil
	default:
		return errors.New("an id is a string or an object")
	}
}

// unixTime is a time in seconds. Thin events write theirs as text, which is of no use here.
type unixTime time.Time

// UnmarshalJSON reads seconds; text and null leave the time zero.
func (t *unixTime) UnmarshalJSON(data []byte) error {
	if data[0] == 'n' || data[0] == '"' {
		return nil
	}
	var seconds int64
	if err := json.Unmarshal(data, &seconds); err != nil {
		return err
	}
	if seconds < 0 || seconds > maxUnixTime {
		return errors.New("a time is in seconds since 1970")
	}
	*t = unixTime(time.Unix(seconds, 0).UTC())
	return nil
}

// maxUnixTime is the last second of the year 9999, the last that RFC 3339 can write.
const maxUnixTime = 253402300799
