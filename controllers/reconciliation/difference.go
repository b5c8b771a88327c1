package reconciliation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// contains reports whether an order's payment has everything in a session's fact, except the time of payment. A session
// that is read from Stripe has the time of its charge, which is before the time of the event.
func contains(p *v1alpha1.Payment, fact payment.Fact) bool {
	if p.PaidAt != nil {
		fact.Created = *p.PaidAt
	}
	merged, _ := payment.Merge([]v1alpha1.Payment{*p}, fact)
	return equality.Semantic.DeepEqual([]v1alpha1.Payment{*p}, merged)
}

// applyRefundsAndDisputes applies the missing refunds and disputes of a payment, and merges them into p.
func (r *run) applyRefundsAndDisputes(ctx context.Context, p *v1alpha1.Payment, s stripeclient.Session) error {
	if s.Charge == nil {
		return nil
	}
	facts, err := r.missingDisputes(ctx, p, s)
	if err != nil {
		return err
	}
	if refundedTooMuch(p, s) {
		failed, err := r.Stripe.FailedRefunds(ctx, p.PaymentIntentID)
		if err != nil {
			return err
		}
		facts = append(facts, failed...)
	}
	for _, fact := range facts {
		if err := r.applyMissing(ctx, fact); err != nil {
			return err
		}
		if merged, _ := payment.Merge([]v1alpha1.Payment{*p}, fact); len(merged) == 1 {
			*p = merged[0]
		}
	}
	return nil
}

// missingDisputes returns the disputes at Stripe that the payment lacks, or has in another status. It skips a dispute of the
// same status, because every comparison would report it again.
func (r *run) missingDisputes(ctx context.Context, p *v1alpha1.Payment, s stripeclient.Session) ([]payment.Fact, error) {
	if !s.Charge.Disputed || slices.ContainsFunc(p.Disputes, func(d v1alpha1.Dispute) bool { return payment.DisputeEnded(d.Status) }) {
		return nil, nil
	}
	disputes, err := r.Stripe.Disputes(ctx, p.PaymentIntentID)
	return slices.DeleteFunc(disputes, func(fact payment.Fact) bool {
		return slices.ContainsFunc(p.Disputes, func(d v1alpha1.Dispute) bool {
			return d.ID == fact.Dispute.ID && d.Status == fact.Dispute.Status
		})
	}), err
}

// refundedTooMuch reports whether the order has more refunded than Stripe, failed refunds included.
func refundedTooMuch(p *v1alpha1.Payment, s stripeclient.Session) bool {
	return s.Charge != nil && p.AmountRefunded > refundedAtStripe(s)+failedRefunds(p)
}

func refundedAtStripe(s stripeclient.Session) int64 {
	if s.Charge.Refund == nil {
		return 0
	}
	return s.Charge.Refund.Refund.AmountRefunded
}

func failedRefunds(p *v1alpha1.Payment) (sum int64) {
	for _, f := range p.FailedRefunds {
		sum += f.Amount
	}
	return sum
}

// differenceOf returns the difference between a payment of an order and Stripe; "" is none. Facts only grow. So if
// Stripe took something back without an event, no fact can repair the order, and a person must look.
func differenceOf(p *v1alpha1.Payment, s stripeclient.Session) string {
	fact := s.Fact.Session
	switch {
	case p.Outcome == v1alpha1.OutcomePaid && fact.Outcome != v1alpha1.OutcomePaid:
		return fmt.Sprintf("session %s is paid here, and not at Stripe", p.SessionID)
	case p.Amount != fact.Amount || !strings.EqualFold(p.Currency, fact.Currency):
		return fmt.Sprintf("session %s is of %s here, and of %s at Stripe", p.SessionID,
			payment.FormatAmount(p.Amount, p.Currency), payment.FormatAmount(fact.Amount, fact.Currency))
	case p.PaymentLinkID != fact.PaymentLinkID:
		return fmt.Sprintf("session %s came through %s here, and through %s at Stripe", p.SessionID, linkName(p.PaymentLinkID), linkName(fact.PaymentLinkID))
	case refundedTooMuch(p, s):
		return fmt.Sprintf("of session %s, %s is refunded here, and %s at Stripe", p.SessionID,
			payment.FormatAmount(p.AmountRefunded, p.Currency), payment.FormatAmount(refundedAtStripe(s), p.Currency))
	default:
		return ""
	}
}

func linkName(id string) string {
	if id == "" {
		return "no Payment Link"
	}
	return id
}
