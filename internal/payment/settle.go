package payment

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// Facts are all known facts about an order's payments.
type Facts struct {
	Payments []v1alpha1.Payment
	// ExpiredAt is the time at which the order expired without a payment. Nil: it has not expired.
	ExpiredAt *metav1.Time
	// Dropped says that Stripe reported more payments than Payments can hold.
	Dropped bool
}

// FactsOf returns the facts in the order's status.
func FactsOf(o *v1alpha1.Order) Facts {
	return Facts{
		Payments:  o.Status.Payments,
		ExpiredAt: o.Status.ExpiredAt,
		Dropped:   o.Status.PaymentsDropped,
	}
}

// Settlement is the part of an order's status that follows from the facts.
type Settlement struct {
	Phase v1alpha1.OrderPhase
	// Reason and Message explain the phase. The condition Paid has them.
	Reason, Message string
	// SessionID and PaymentIntentID are the ids of the payment that counts. Empty: none is paid.
	SessionID, PaymentIntentID string
	// AmountRefunded is the refunded part of the payment that counts, in minor units.
	AmountRefunded int64
	// PaidAt is the time of the payment that counts. Nil: none is paid.
	PaidAt *metav1.Time
	// Attention lists the reasons for a person to look, the most pressing first.
	Attention []Attention
}

// Attention is one reason for a person to look at an order.
type Attention struct {
	Reason, Message string
}

// acceptedPayments groups the accepted payments of an order by outcome.
type acceptedPayments struct {
	// paid are the Paid payments, oldest first. live are the paid payments that are not fully refunded.
	paid, live []v1alpha1.Payment
	// unpaid and failed say that there are payments with these outcomes.
	unpaid, failed bool
}

func (t Terms) accepted(payments []v1alpha1.Payment) acceptedPayments {
	var sum acceptedPayments
	for _, p := range payments {
		if t.Evaluate(p) != Accepted {
			continue
		}
		switch p.Outcome {
		case v1alpha1.OutcomePaid:
			sum.paid = append(sum.paid, p)
			if !p.FullyRefunded {
				sum.live = append(sum.live, p)
			}
		case v1alpha1.OutcomeUnpaid:
			sum.unpaid = true
		case v1alpha1.OutcomeFailed:
			sum.failed = true
		}
	}
	return sum
}

// Settle computes the settlement of an order from its terms and facts. It is a pure function. Payments must be ordered by
// age, as Merge leaves them.
func Settle(t Terms, f Facts) Settlement {
	sum := t.accepted(f.Payments)
	var s Settlement
	switch {
	case len(sum.live) > 0:
		s = settlementOf(v1alpha1.OrderPaid, sum.live[0])
		s.Reason = v1alpha1.ReasonPaymentReceived
		s.Message = fmt.Sprintf("%s received by Stripe in session %s.", FormatAmount(t.Amount, t.Currency), s.SessionID)
		if s.AmountRefunded > 0 {
			s.Message += fmt.Sprintf(" %s of it was refunded.", FormatAmount(s.AmountRefunded, t.Currency))
		}
	case len(sum.paid) > 0:
		s = settlementOf(v1alpha1.OrderRefunded, sum.paid[0])
		s.Reason = v1alpha1.ReasonRefunded
		s.Message = "The payment was refunded in full."
	case sum.unpaid:
		s.Phase, s.Reason = v1alpha1.OrderFailed, v1alpha1.ReasonAwaitingAsyncPayment
		s.Message = "The buyer finished, but the money is still on its way (a bank debit takes days). The order becomes Paid when it arrives."
	case f.ExpiredAt != nil:
		s.Phase, s.Reason = v1alpha1.OrderFailed, v1alpha1.ReasonExpired
		s.Message = "No payment was made within spec.expiresAfter."
	case sum.failed:
		s.Phase, s.Reason = v1alpha1.OrderFailed, v1alpha1.ReasonPaymentFailed
		s.Message = "The payment did not go through. The buyer may try again."
	default:
		s.Phase, s.Reason = v1alpha1.OrderPending, v1alpha1.ReasonAwaitingPayment
		s.Message = "No payment that counts has been made yet."
	}
	s.Attention = attention(t, f, s.SessionID)
	if len(sum.live) > 0 && paidLate(sum.live[0], f) {
		s.Attention = append(s.Attention, Attention{v1alpha1.ReasonPaidAfterExpiry,
			"The money came after the order had expired: deliver, or refund it at Stripe."})
	}
	if f.Dropped {
		s.Attention = append(s.Attention, Attention{v1alpha1.ReasonTooManyPayments, fmt.Sprintf(
			"More than %d payments were reported for this order, and those that count least are not listed: look for its reference at Stripe.", MaxPayments)})
	}
	return s
}

// paidLate reports whether Stripe took the money after the order had expired. An event that arrived late does not
// make its payment late. Both times are in whole seconds. Within the second of the expiry, their order is unknown, and the
// payment counts as late.
func paidLate(p v1alpha1.Payment, f Facts) bool {
	return f.ExpiredAt != nil && (p.PaidAt == nil || !p.PaidAt.Before(f.ExpiredAt))
}

// settlementOf returns the settlement of an order by the payment that counts.
func settlementOf(phase v1alpha1.OrderPhase, p v1alpha1.Payment) Settlement {
	return Settlement{
		Phase:           phase,
		SessionID:       p.SessionID,
		PaymentIntentID: p.PaymentIntentID,
		AmountRefunded:  p.AmountRefunded,
		PaidAt:          p.PaidAt,
	}
}
