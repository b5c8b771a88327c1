// Package payment computes an order's status from the facts that Stripe reported. It is pure: it has no client, clock or
// logger, and does not import Stripe's library.
//
// The law of settlement: facts only grow, Merge is commutative, associative and idempotent, and Settle is a function of
// the facts alone. So an order ends in the same status for every order of arrival and any number of duplicates.
package payment

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// Fact is the statement of one verified Stripe event about one payment. Exactly one of Session, Refund, FailedRefund and
// Dispute is set. A fact without Session finds its payment by PaymentIntentID.
type Fact v1alpha1.StripeEventFact

// OfSession reports whether the fact is about a Checkout Session. Such a fact names its order by ClientReferenceID; any
// other has only the PaymentIntent.
func (f Fact) OfSession() bool { return f.Session != nil }

// payment returns the payment that this fact alone describes. The fact must be OfSession.
func (f Fact) payment() v1alpha1.Payment {
	p := v1alpha1.Payment{
		SessionID:       f.Session.ID,
		Outcome:         f.Session.Outcome,
		PaymentIntentID: f.PaymentIntentID,
		Amount:          f.Session.Amount,
		Currency:        f.Session.Currency,
		Livemode:        f.Livemode,
		PaymentLinkID:   f.Session.PaymentLinkID,
		Created:         f.Session.Created,
	}
	if p.Outcome == v1alpha1.OutcomePaid && !f.Created.IsZero() {
		p.PaidAt = f.Created.DeepCopy()
	}
	return p
}

func outcomeRank(o v1alpha1.Outcome) int {
	switch o {
	case v1alpha1.OutcomePaid:
		return 3
	case v1alpha1.OutcomeFailed:
		return 2
	case v1alpha1.OutcomeUnpaid:
		return 1
	default:
		return 0
	}
}

func compareTime(a, b metav1.Time) int { return a.Compare(b.Time) }

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// byAge orders payments by the creation time of their session, then by its id.
func byAge(a, b v1alpha1.Payment) int {
	return cmp.Or(compareTime(a.Created, b.Created), cmp.Compare(a.SessionID, b.SessionID))
}
