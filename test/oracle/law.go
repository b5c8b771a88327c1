package oracle

import (
	"slices"
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// wanted is the status that an order must have.
type wanted struct {
	payments []payment
	phase    v1alpha1.OrderPhase
	// counts is the payment that the order names in its ids; nil: none is paid.
	counts *payment
	// attention are the reasons of NeedsAttention, the most urgent first.
	attention []string
}

// payment is a completed session.
type payment struct {
	stripesim.Entry
	outcome  v1alpha1.Outcome
	accepted bool
	// fullyRefunded says that all of it was refunded once, even if a refund failed later.
	fullyRefunded bool
}

// live reports whether the payment is paid and not fully refunded.
func (p *payment) live() bool { return p.outcome == v1alpha1.OutcomePaid && !p.fullyRefunded }

// wantedOf applies the law of settlement to the entries of an order's reference.
func wantedOf(o *v1alpha1.Order, entries []stripesim.Entry) wanted {
	var w wanted
	for _, entry := range entries {
		if entry.Session.Status != "complete" {
			continue // Stripe sends no event of it
		}
		w.payments = append(w.payments, payment{
			Entry: entry, outcome: outcome(entry), accepted: accepted(o, entry),
			fullyRefunded: entry.Received > 0 && entry.MostRefunded >= entry.Received,
		})
	}
	slices.SortFunc(w.payments, func(a, b payment) int {
		if at, bt := a.Session.Created.Unix(), b.Session.Created.Unix(); at != bt {
			return int(at - bt)
		}
		return strings.Compare(a.Session.ID, b.Session.ID)
	})
	w.settle()
	w.attention = w.reasons(o)
	return w
}

func outcome(entry stripesim.Entry) v1alpha1.Outcome {
	switch {
	case entry.Session.PaymentStatus != "unpaid":
		return v1alpha1.OutcomePaid
	case entry.ChargeStatus == "failed":
		return v1alpha1.OutcomeFailed
	default:
		return v1alpha1.OutcomeUnpaid
	}
}

func accepted(o *v1alpha1.Order, entry stripesim.Entry) bool {
	s := entry.Session
	return s.AmountTotal == o.Spec.Amount && strings.EqualFold(s.Currency, o.Spec.Currency) && sameMode(o, entry) &&
		(o.Status.PaymentLinkID == "" || s.PaymentLink == o.Status.PaymentLinkID)
}

func sameMode(o *v1alpha1.Order, entry stripesim.Entry) bool {
	return entry.Session.Livemode == (o.Spec.Livemode == nil || *o.Spec.Livemode)
}

// settle computes the phase, and the payment that counts.
func (w *wanted) settle() {
	var live, paid *payment
	begun := false
	for i := range w.payments {
		p := &w.payments[i]
		if !p.accepted {
			continue
		}
		begun = true
		if p.outcome == v1alpha1.OutcomePaid && paid == nil {
			paid = p
		}
		if p.live() && live == nil {
			live = p
		}
	}
	switch {
	case live != nil:
		w.phase, w.counts = v1alpha1.OrderPaid, live
	case paid != nil:
		w.phase, w.counts = v1alpha1.OrderRefunded, paid
	case begun:
		w.phase = v1alpha1.OrderFailed
	default:
		w.phase = v1alpha1.OrderPending
	}
}

// reasons are the reasons of NeedsAttention: payments that do not count, then disputes and failed refunds.
func (w *wanted) reasons(o *v1alpha1.Order) []string {
	found := map[string]bool{}
	for i := range w.payments {
		p := &w.payments[i]
		switch {
		case !p.live():
		case !sameMode(o, p.Entry):
			found[v1alpha1.ReasonModeMismatch] = true
		case !p.accepted:
			found[v1alpha1.ReasonPaymentMismatch] = true
		case p != w.counts && p.Session.AmountTotal > 0:
			found[v1alpha1.ReasonDuplicatePayment] = true
		}
		for _, d := range p.Disputes {
			if d.Status != "won" && d.Status != "warning_closed" {
				found[v1alpha1.ReasonDisputed] = true
			}
		}
		for _, r := range p.Refunds {
			if failed(r) {
				found[v1alpha1.ReasonRefundFailed] = true
			}
		}
	}
	var list []string
	for _, reason := range []string{
		v1alpha1.ReasonPaymentMismatch, v1alpha1.ReasonModeMismatch, v1alpha1.ReasonDuplicatePayment,
		v1alpha1.ReasonDisputed, v1alpha1.ReasonRefundFailed,
	} {
		if found[reason] {
			list = append(list, reason)
		}
	}
	return list
}

func failed(r stripesim.Refund) bool { return r.Status == "failed" || r.Status == "canceled" }
