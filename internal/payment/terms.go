package payment

import (
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// Terms are an order's conditions for a payment to count.
type Terms struct {
	// Amount in minor units of Currency.
	Amount   int64
	Currency string
	Livemode bool
	// PaymentLinkID is Stripe's id of the only Payment Link whose payments count. Empty: the payments of any link count.
	PaymentLinkID string
}

// TermsOf returns the order's terms.
func TermsOf(o *v1alpha1.Order) Terms {
	return Terms{
		Amount:        o.Spec.Amount,
		Currency:      o.Spec.Currency,
		Livemode:      o.Live(),
		PaymentLinkID: o.Status.PaymentLinkID,
	}
}

// Evaluation says whether a payment meets an order's terms.
type Evaluation int

// The evaluations of a payment.
const (
	// Accepted means that the payment meets the terms.
	Accepted Evaluation = iota
	// WrongMode means a test payment for a live order, or a live payment for a test order.
	WrongMode
	// Mismatch means another amount, currency or Payment Link.
	Mismatch
)

// Evaluate says whether the payment meets the terms. The buyer can put any reference into a Payment Link's address. So
// mode, amount, currency and link must match the order too.
func (t Terms) Evaluate(p v1alpha1.Payment) Evaluation {
	switch {
	case p.Livemode != t.Livemode:
		return WrongMode
	case p.Amount != t.Amount,
		!strings.EqualFold(p.Currency, t.Currency),
		t.PaymentLinkID != "" && p.PaymentLinkID != t.PaymentLinkID:
		return Mismatch
	default:
		return Accepted
	}
}
