package bookkeeper

import (
	"slices"
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// wanted is what an order must be, by Stripe's books.
type wanted struct {
	payments []payment
	phase    v1alpha1.OrderPhase
	// counts is the payment that the order names as its own; nil where none is paid.
	counts *payment
	// attention are the reasons for a person to look, the most pressing first.
	attention []string
}

// payment is one session of the books that Stripe told the shop of.
type payment struct {
	stripesim.Entry
	outcome  v1alpha1.Outcome
	accepted bool
	// returned says that all of it was given back at some time, even if a refund failed later.
	returned bool
}

// live tells whether the payment's money is held.
func (p *payment) live() bool { return p.outcome == v1alpha1.OutcomePaid && !p.returned }

// wantedOf applies the law of settlement to the entries of an order's reference.
func wantedOf(o *v1alpha1.Order, entries []stripesim.Entry) wanted {
	var w wanted
	for _, entry := range entries {
		if entry.Session.Status != "complete" {
			continue // nobody is told of a buyer who has not finished
		}
		w.payments = append(w.payments, payment{
			Entry: entry, outcome: outcome(entry), accepted: accepted(o, entry),
			returned: entry.Received > 0 && entry.MostRefunded >= entry.Received,
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

// settle finds the phase, and the payment that counts.
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

// reasons are why a person must look at the order: money that is held and does not count, then what became of payments.
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
