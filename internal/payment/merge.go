package payment

import (
	"cmp"
	"slices"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// MaxPayments is how many payments an order lists, and MaxPerPayment how many failed refunds and disputes each of
// them lists. The CRD has the same limits.
const (
	MaxPayments   = 16
	MaxPerPayment = 16
)

// Merge adds a fact to what is known and returns the result, oldest session first; payments itself is left alone.
// known is false where the fact is about a PaymentIntent that none of the payments has: the fact then changed
// nothing, and must be kept until the payment is known.
//
// Every field is joined by an operation that does not care for order or repetition (the larger, the earlier, the
// union), which is what makes the whole of it commutative, associative and idempotent.
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

// compareReports says which of two reports of one session holds: the one that got further. Stripe does not change
// the other fields of a completed session; comparing them too makes the choice one of values, never of arrival.
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

// union adds item to a list that is sorted by id. Of two items with one id the larger stays. Past MaxPerPayment the
// highest ids are left out, which is the same choice whatever came first.
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

// compareDisputes says which of two reports of one dispute holds: the later one and, of two in the same second, the
// one that is further along.
func compareDisputes(a, b v1alpha1.Dispute) int {
	return cmp.Or(
		compareTime(a.ReportedAt, b.ReportedAt),
		cmp.Compare(disputeRank(a.Status), disputeRank(b.Status)),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Amount, b.Amount),
	)
}

// disputeRank orders the statuses of Stripe's disputes by how far along they are. A status that Stripe adds later
// ranks as open.
func disputeRank(status string) int {
	switch status {
	case "warning_needs_response":
		return 1
	case "warning_under_review":
		return 2
	case "needs_response":
		return 3
	case "under_review":
		return 5
	case "lost":
		return 6
	default:
		if disputeSettled(status) {
			return 7
		}
		return 4
	}
}

// disputeSettled reports whether the dispute ended with the money still the seller's.
func disputeSettled(status string) bool {
	switch status {
	case "won", "warning_closed", "prevented":
		return true
	default:
		return false
	}
}

// Trim cuts a list of payments to MaxPayments and reports whether it had to. Those that count most stay: accepted
// before not accepted, then by outcome, then by age. So nobody can push a good payment out by making bad ones.
func Trim(payments []v1alpha1.Payment, terms Terms) (kept []v1alpha1.Payment, dropped bool) {
	if len(payments) <= MaxPayments {
		return payments, false
	}
	kept = slices.Clone(payments)
	slices.SortFunc(kept, func(a, b v1alpha1.Payment) int {
		return cmp.Or(
			-compareBool(terms.Judge(a) == Accepted, terms.Judge(b) == Accepted),
			-cmp.Compare(outcomeRank(a.Outcome), outcomeRank(b.Outcome)),
			byAge(a, b),
		)
	})
	kept = kept[:MaxPayments]
	slices.SortFunc(kept, byAge)
	return kept, true
}
