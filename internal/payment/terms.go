package payment

import (
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// Terms are what an order asks of a payment.
type Terms struct {
	// Amount in minor units of Currency.
	Amount   int64
	Currency string
	Livemode bool
	// PaymentLinkID is the only Payment Link whose payments count. Empty: any.
	PaymentLinkID string
}

// TermsOf returns what the order asks of a payment.
func TermsOf(o *v1alpha1.Order) Terms {
	return Terms{
		Amount:        o.Spec.Amount,
		Currency:      o.Spec.Currency,
		Livemode:      o.Live(),
		PaymentLinkID: o.Status.PaymentLinkID,
	}
}

// Verdict says whether a payment meets an order's terms.
type Verdict int

// The verdicts on a payment.
const (
	// Accepted means that the payment is the one the order asks for.
	Accepted Verdict = iota
	// WrongMode means a test payment for a live order, or the other way round.
	WrongMode
	// Mismatch means another amount, currency or Payment Link.
	Mismatch
)

// Judge says whether the payment meets the terms. The buyer can put any reference into a Payment Link's address, so
// a payment counts only if everything else about it is right too.
func (t Terms) Judge(p v1alpha1.Payment) Verdict {
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
