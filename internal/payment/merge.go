package payment

import (
	"cmp"
	"slices"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// MaxPayments bounds the payments of an order, and MaxPerPayment the failed refunds and the disputes of each payment. The
// CRD has the same limits.
const (
	MaxPayments   = 16
	MaxPerPayment = 16
)

// Merge returns the payments with a fact added, oldest session first. It does not change its argument. known is false
// if no payment has the fact's PaymentIntent. The fact changed nothing then, and must be kept until the payment is known.
//
// Each field is joined by a commutative, associative and idempotent operation: the larger value, the earlier time, or the
// union. So Merge is commutative, associative and idempotent too.
func Merge(payments []v1alpha1.Payment, f Fact) (merged []v1alpha1.Payment, known bool) {
	merged = make([]v1alpha1.Payment, 0, len(payments)+1)
	for i := range payments {
		merged = append(merged, *payments[i].DeepCopy())
	}
	if f.OfSession() {
		return mergeSession(merged, f.payment()), true
	}
	for i := range merged {
		if p := &merged[i]; f.PaymentIntentID != "" && p.PaymentIntentID == f.PaymentIntentID {
			known = true
			mergeIntent(p, f)
		}
	}
	return merged, known
}

func mergeSession(payments []v1alpha1.Payment, reported v1alpha1.Payment) []v1alpha1.Payment {
	i := slices.IndexFunc(payments, func(p v1alpha1.Payment) bool { return p.SessionID == reported.SessionID })
	if i < 0 {
		payments = append(payments, reported)
		slices.SortFunc(payments, byAge)
		return payments
	}
	p := &payments[i]
	if compareReports(reported, *p) > 0 {
		p.Outcome, p.Amount, p.Currency = reported.Outcome, reported.Amount, reported.Currency
		p.Livemode, p.PaymentLinkID, p.Created = reported.Livemode, reported.PaymentLinkID, reported.Created
	}
	p.PaymentIntentID = max(p.PaymentIntentID, reported.PaymentIntentID)
	if p.PaidAt == nil || (reported.PaidAt != nil && reported.PaidAt.Before(p.PaidAt)) {
		p.PaidAt = reported.PaidAt
	}
	slices.SortFunc(payments, byAge)
	return payments
}

// compareReports orders two reports of one session. The report with the further outcome wins. Stripe does not change the
// other fields of a completed session. They are compared too, so that the choice depends on values and never on arrival.
func compareReports(a, b v1alpha1.Payment) int {
	return cmp.Or(
		cmp.Compare(outcomeRank(a.Outcome), outcomeRank(b.Outcome)),
		cmp.Compare(a.Amount, b.Amount),
		cmp.Compare(a.Currency, b.Currency),
		compareBool(a.Livemode, b.Livemode),
		cmp.Compare(a.PaymentLinkID, b.PaymentLinkID),
		compareTime(a.Created, b.Created),
	)
}

func mergeIntent(p *v1alpha1.Payment, f Fact) {
	switch {
	case f.Refund != nil:
		p.AmountRefunded = max(p.AmountRefunded, f.Refund.AmountRefunded)
		p.FullyRefunded = p.FullyRefunded || f.Refund.Full
	case f.FailedRefund != nil:
		p.FailedRefunds = union(p.FailedRefunds, *f.FailedRefund,
			func(r v1alpha1.FailedRefund) string { return r.ID },
			func(a, b v1alpha1.FailedRefund) int { return cmp.Compare(a.Amount, b.Amount) })
	case f.Dispute != nil:
		p.Disputes = union(p.Disputes, *f.Dispute,
			func(d v1alpha1.Dispute) string { return d.ID }, compareDisputes)
	}
}

// union adds an item to a list that is sorted by id. Of two items with the same id, the larger stays. Above
// MaxPerPayment items, union drops the highest ids. So the result is the same for every order of arrival.
func union[T any](list []T, item T, id func(T) string, compare func(a, b T) int) []T {
	i, found := slices.BinarySearchFunc(list, id(item), func(t T, id2 string) int { return cmp.Compare(id(t), id2) })
	if !found {
		list = slices.Insert(list, i, item)
		return list[:min(len(list), MaxPerPayment)]
	}
	if compare(item, list[i]) > 0 {
		list[i] = item
	}
	return list
}

// Trim limits a list of payments to MaxPayments and reports whether it dropped any. Accepted payments stay before others,
// then those with the further outcome, then the older ones. So payments that are not accepted cannot displace accepted ones.
func Trim(payments []v1alpha1.Payment, terms Terms) (kept []v1alpha1.Payment, dropped bool) {
	if len(payments) <= MaxPayments {
		return payments, false
	}
	kept = slices.Clone(payments)
	slices.SortFunc(kept, func(a, b v1alpha1.Payment) int {
		return cmp.Or(
			-compareBool(terms.Evaluate(a) == Accepted, terms.Evaluate(b) == Accepted),
			-cmp.Compare(outcomeRank(a.Outcome), outcomeRank(b.Outcome)),
			byAge(a, b),
		)
	})
	kept = kept[:MaxPayments]
	slices.SortFunc(kept, byAge)
	return kept, true
}
