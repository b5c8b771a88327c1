package ledger

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// merge adds a fact to the facts of the order. It returns ErrUnknown if the order does not have the fact's payment.
func merge(o *v1alpha1.Order, fact payment.Fact) error {
	payments, known := payment.Merge(o.Status.Payments, fact)
	if !known {
		return ErrUnknown
	}
	kept, dropped := payment.Trim(payments, payment.TermsOf(o))
	o.Status.Payments = kept
	o.Status.PaymentsDropped = o.Status.PaymentsDropped || dropped
	return nil
}

// settle computes the ledger's fields from the order's facts. now sets only the transition time of a condition: the rest
// is the same for every order of arrival. So the condition NeedsAttention exists only while it is True. A False one
// would depend on whether the order had needed a person before.
func settle(o *v1alpha1.Order, now metav1.Time) {
	s := payment.Settle(payment.TermsOf(o), payment.FactsOf(o))
	o.Status.Phase = s.Phase
	o.Status.ProviderOrderID = s.SessionID
	o.Status.ProviderCaptureID = s.PaymentIntentID
	o.Status.AmountRefunded = s.AmountRefunded
	o.Status.PaidAt = s.PaidAt
	setCondition(o, now, v1alpha1.ConditionPaid, s.Phase == v1alpha1.OrderPaid, s.Reason, s.Message)
	if len(s.Attention) == 0 {
		meta.RemoveStatusCondition(&o.Status.Conditions, v1alpha1.ConditionNeedsAttention)
		return
	}
	messages := make([]string, len(s.Attention))
	for i, a := range s.Attention {
		messages[i] = a.Message
	}
	setCondition(o, now, v1alpha1.ConditionNeedsAttention, true, s.Attention[0].Reason, strings.Join(messages, " "))
}

// setCondition leaves observedGeneration unset: these conditions do not depend on any field of the spec that can change.
func setCondition(o *v1alpha1.Order, now metav1.Time, conditionType string, isTrue bool, reason, message string) {
	status := metav1.ConditionFalse
	if isTrue {
		status = metav1.ConditionTrue
	}
	meta.SetStatusCondition(&o.Status.Conditions, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message, LastTransitionTime: now,
	})
}

func sameStatus(a, b *v1alpha1.Order) bool { return equality.Semantic.DeepEqual(a.Status, b.Status) }

// pause waits before the next attempt, with exponential back-off and jitter.
func (l *Ledger) pause(ctx context.Context, attempt int) error {
	limit := min(5*time.Millisecond<<attempt, 250*time.Millisecond)
	timer := time.NewTimer(rand.N(limit) + time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
