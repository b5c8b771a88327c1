package reconciliation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/status"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// says reports whether an order's payment has all that a session's fact says. When it was paid does not count: a session
// that is looked up has the time of its charge, which is before that of the event.
func says(p *v1alpha1.Payment, fact payment.Fact) bool {
	if p.PaidAt != nil {
		fact.Created = *p.PaidAt
	}
	merged, _ := payment.Merge([]v1alpha1.Payment{*p}, fact)
	return equality.Semantic.DeepEqual([]v1alpha1.Payment{*p}, merged)
}

// supplyAftermath applies what came after a payment and is not known here. It changes p to what is known then.
func (r *auditRound) supplyAftermath(ctx context.Context, p *v1alpha1.Payment, s stripeclient.Session) error {
	if s.Charge == nil {
		return nil
	}
	var facts []payment.Fact
	if s.Charge.Disputed && !slices.ContainsFunc(p.Disputes, func(d v1alpha1.Dispute) bool { return ended(d.Status) }) {
		disputes, err := r.Books.Disputes(ctx, p.PaymentIntentID)
		if err != nil {
			return err
		}
		for _, fact := range disputes {
			same := func(d v1alpha1.Dispute) bool { return d.ID == fact.Dispute.ID && d.Status == fact.Dispute.Status }
			if !slices.ContainsFunc(p.Disputes, same) { // or every audit would report it anew
				facts = append(facts, fact)
			}
		}
	}
	if overstated(p, s) {
		failed, err := r.Books.FailedRefunds(ctx, p.PaymentIntentID)
		if err != nil {
			return err
		}
		facts = append(facts, failed...)
	}
	for _, fact := range facts {
		if err := r.supply(ctx, fact); err != nil {
			return err
		}
		if merged, _ := payment.Merge([]v1alpha1.Payment{*p}, fact); len(merged) == 1 {
			*p = merged[0]
		}
	}
	return nil
}

// ended reports whether a dispute stays as it is.
func ended(status string) bool {
	return slices.Contains([]string{"won", "lost", "warning_closed", "prevented"}, status)
}

// overstated reports whether more was refunded by the order than by Stripe, even with what failed.
func overstated(p *v1alpha1.Payment, s stripeclient.Session) bool {
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

// disagreement says in what a payment of an order is not as Stripe has it; "" where it is. A fact only grows, so what
// Stripe took back without an event cannot be made good by applying anything: a person has to look.
func disagreement(p *v1alpha1.Payment, s stripeclient.Session) string {
	fact := s.Fact.Session
	switch {
	case p.Outcome == v1alpha1.OutcomePaid && fact.Outcome != v1alpha1.OutcomePaid:
		return fmt.Sprintf("session %s is paid here, and not at Stripe", p.SessionID)
	case p.Amount != fact.Amount || !strings.EqualFold(p.Currency, fact.Currency):
		return fmt.Sprintf("session %s is of %s here, and of %s at Stripe", p.SessionID,
			payment.FormatAmount(p.Amount, p.Currency), payment.FormatAmount(fact.Amount, fact.Currency))
	case p.PaymentLinkID != fact.PaymentLinkID:
		return fmt.Sprintf("session %s came through %s here, and through %s at Stripe", p.SessionID, linkName(p.PaymentLinkID), linkName(fact.PaymentLinkID))
	case overstated(p, s):
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

// pronounce brings an order's condition Verified up to date. The condition is there once Stripe has disagreed.
func (r *auditRound) pronounce(ctx context.Context, key client.ObjectKey, disagreements []string) error {
	condition := metav1.Condition{
		Type: v1alpha1.ConditionVerified, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonStripeAgrees,
		Message: "Stripe's books say the same.", LastTransitionTime: status.Now(r.Clock),
	}
	if len(disagreements) > 0 {
		condition.Status, condition.Reason = metav1.ConditionFalse, v1alpha1.ReasonStripeDisagrees
		condition.Message = "Stripe's books say otherwise: " + strings.Join(disagreements, "; ") + ". Look at the payment at Stripe."
		r.Log.Info("An order disagrees with Stripe's books", "order", key, "disagreements", disagreements)
	}
	if r.DryRun {
		return nil
	}
	var order *v1alpha1.Order
	changed := false
	reader := r.Cache // which will do, unless somebody else wrote since
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		fresh := &v1alpha1.Order{}
		if err := reader.Get(ctx, key, fresh); err != nil {
			return err
		}
		reader = r.Live
		order = fresh.DeepCopy()
		known := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionVerified) != nil
		changed = (known || len(disagreements) > 0) && meta.SetStatusCondition(&order.Status.Conditions, condition)
		if !changed {
			return nil
		}
		return r.Writer.Status().Patch(ctx, order, client.MergeFromWithOptions(fresh, client.MergeFromWithOptimisticLock{}))
	})
	switch {
	case apierrors.IsNotFound(err): // deleted since it was compared
		return nil
	case err != nil:
		return fmt.Errorf("write the condition %s: %w", v1alpha1.ConditionVerified, err)
	}
	if changed && len(disagreements) > 0 {
		r.Recorder.Eventf(order, nil, corev1.EventTypeWarning, condition.Reason, "Audit", "%s", condition.Message)
	}
	return nil
}
