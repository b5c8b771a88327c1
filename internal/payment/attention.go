package payment

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// attention returns the reasons for a person to look at the order's payments, the most pressing first. Money that is held
// and does not count comes before disputes and failed refunds. counted is the session of the payment that counts.
func attention(t Terms, f Facts, counted string) []Attention {
	var mismatch, mode, duplicate, disputed, refundFailed []string
	for _, p := range f.Payments {
		if p.Outcome == v1alpha1.OutcomePaid && !p.FullyRefunded && p.Amount > 0 { // a payment of 0 cannot be refunded
			switch {
			case t.Evaluate(p) == WrongMode:
				mode = append(mode, p.SessionID)
			case t.Evaluate(p) == Mismatch:
				mismatch = append(mismatch, fmt.Sprintf("%s (%s)", p.SessionID, t.difference(p)))
			case p.SessionID != counted:
				duplicate = append(duplicate, p.SessionID)
			}
		}
		for _, d := range p.Disputes {
			if !keptAfterDispute(d.Status) {
				disputed = append(disputed, fmt.Sprintf("%s (%s, %s)", d.ID, d.Status, d.Reason))
			}
		}
		for _, r := range p.FailedRefunds {
			refundFailed = append(refundFailed, fmt.Sprintf("%s (%s)", r.ID, FormatAmount(r.Amount, p.Currency)))
		}
	}

	var list []Attention
	add := func(reason, format string, items []string) {
		if len(items) > 0 {
			list = append(list, Attention{reason, fmt.Sprintf(format, firstFew(items))})
		}
	}
	add(v1alpha1.ReasonPaymentMismatch, "Money was taken that does not match the order, in %s: refund it at Stripe.", mismatch)
	add(v1alpha1.ReasonModeMismatch, "A payment came in the other mode than spec.livemode ("+v1alpha1.Mode(!t.Livemode)+"), in %s: it does not count; refund it at Stripe.", mode)
	add(v1alpha1.ReasonDuplicatePayment, "The order was paid more than once, also in %s: refund what is too much at Stripe.", duplicate)
	add(v1alpha1.ReasonDisputed, "The buyer's bank disputes the payment: %s. Answer it at Stripe while it is open; the money of a lost one is gone. The order stays as it is.", disputed)
	add(v1alpha1.ReasonRefundFailed, "A refund did not reach the buyer: %s. Pay the buyer back in another way.", refundFailed)
	return list
}

// AttentionOf returns all reasons for a person to look at an order. The order's condition has the most pressing one as its
// reason; another can have a deadline at Stripe.
func AttentionOf(order *v1alpha1.Order) []Attention {
	if !meta.IsStatusConditionTrue(order.Status.Conditions, v1alpha1.ConditionNeedsAttention) {
		return nil // as for most orders
	}
	return Settle(TermsOf(order), FactsOf(order)).Attention
}

// difference describes how a payment differs from the terms.
func (t Terms) difference(p v1alpha1.Payment) string {
	if p.Amount != t.Amount || !strings.EqualFold(p.Currency, t.Currency) {
		return fmt.Sprintf("%s instead of %s", FormatAmount(p.Amount, p.Currency), FormatAmount(t.Amount, t.Currency))
	}
	if p.PaymentLinkID == "" {
		return "through no Payment Link instead of " + t.PaymentLinkID
	}
	return fmt.Sprintf("through %s instead of %s", p.PaymentLinkID, t.PaymentLinkID)
}

// firstFew joins the first items and counts the rest, so that a message fits into a condition and an Event.
func firstFew(items []string) string {
	const most = 3
	if len(items) <= most {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:most], ", "), len(items)-most)
}
