package payment_test

import (
	"slices"
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// oracle says how an order must end when these events are all there is, by asking plain questions of the whole set.
// It knows nothing of merging, and looks at the events in no particular order. It takes for granted what Stripe
// keeps: all events of a session agree about its amount, currency, mode, link and time, and a PaymentIntent is of
// one session.
func oracle(terms payment.Terms, events []event) ending {
	some := func(is func(event) bool) bool { return slices.ContainsFunc(events, is) }

	var sessions []sessionRecord
	for _, e := range events {
		if !e.ofSession() || slices.ContainsFunc(sessions, func(s sessionRecord) bool { return s.session == e.session }) {
			continue
		}
		s := sessionRecord{session: e.session, opened: e.opened, live: e.live, charged: e.amount > 0}
		s.asked = e.amount == terms.Amount && strings.EqualFold(e.currency, terms.Currency) &&
			(terms.PaymentLinkID == "" || terms.PaymentLinkID == e.link)
		s.accepted = s.asked && s.live == terms.Livemode
		for _, e := range events {
			s.add(e)
		}
		for _, e := range events { // again, for now the intent is known
			s.addByIntent(e)
		}
		sessions = append(sessions, s)
	}
	overflow := len(sessions) > 16
	if overflow {
		// Those that count least are not listed: not accepted ones first, then those that got less far, then the young.
		slices.SortFunc(sessions, func(a, b sessionRecord) int {
			if a.weight() != b.weight() {
				return b.weight() - a.weight()
			}
			return a.age(b)
		})
		sessions = sessions[:16]
	}
	slices.SortFunc(sessions, sessionRecord.age)

	var held, ever []sessionRecord
	var underWay, went bool
	for _, s := range sessions {
		switch {
		case !s.accepted:
		case s.paid && !s.back:
			held, ever = append(held, s), append(ever, s)
		case s.paid:
			ever = append(ever, s)
		case s.failed:
			went = true
		default:
			underWay = true
		}
	}
	expired := some(func(e event) bool { return e.kind == orderExpired })
	expiredBy := func(at int64) bool { return some(func(e event) bool { return e.kind == orderExpired && e.at <= at }) }

	end := ending{Phase: v1alpha1.OrderPending, Reason: "AwaitingPayment"}
	switch {
	case len(held) > 0:
		end = held[0].counts(v1alpha1.OrderPaid, "PaymentReceived")
	case len(ever) > 0:
		end = ever[0].counts(v1alpha1.OrderRefunded, "Refunded")
	case underWay:
		end.Phase, end.Reason = v1alpha1.OrderFailed, "AwaitingAsyncPayment"
	case expired:
		end.Phase, end.Reason = v1alpha1.OrderFailed, "Expired"
	case went:
		end.Phase, end.Reason = v1alpha1.OrderFailed, "PaymentFailed"
	}

	reasons := map[string]bool{
		"DuplicatePayment": len(held) > 1 && terms.Amount > 0, // free twice is not too much
		"PaidAfterExpiry":  len(held) > 0 && expiredBy(held[0].paidAt),
		"TooManyPayments":  overflow,
	}
	for _, s := range sessions {
		kept := s.paid && !s.back && s.charged // of nothing, nothing can be given back
		reasons["ModeMismatch"] = reasons["ModeMismatch"] || kept && s.live != terms.Livemode
		reasons["PaymentMismatch"] = reasons["PaymentMismatch"] || kept && s.live == terms.Livemode && !s.asked
		reasons["Disputed"] = reasons["Disputed"] || s.disputed(events)
		reasons["RefundFailed"] = reasons["RefundFailed"] || s.refundFailed
	}
	for reason, holds := range reasons {
		if holds {
			end.Attention = append(end.Attention, reason)
		}
	}
	slices.Sort(end.Attention)
	return end
}

// sessionRecord is what the events tell of one session.
type sessionRecord struct {
	session, intent    string
	opened             int64
	live, charged      bool
	asked, accepted    bool
	paid, failed       bool
	paidAt             int64
	returned           int64
	back, refundFailed bool
}

func (e event) ofSession() bool {
	return e.kind == completedPaid || e.kind == completedUnpaid || e.kind == asyncSucceeded || e.kind == asyncFailed
}

func (s *sessionRecord) add(e event) {
	if !e.ofSession() || e.session != s.session {
		return
	}
	if e.intent != "" {
		s.intent = e.intent
	}
	s.failed = s.failed || e.kind == asyncFailed
	if e.kind == completedPaid || e.kind == asyncSucceeded {
		if !s.paid || e.at < s.paidAt {
			s.paidAt = e.at
		}
		s.paid = true
	}
}

func (s *sessionRecord) addByIntent(e event) {
	if s.intent == "" || e.intent != s.intent {
		return
	}
	if e.kind == moneyBack {
		s.returned = max(s.returned, e.amount)
		s.back = s.back || e.full
	}
	s.refundFailed = s.refundFailed || e.kind == moneyBackFailed
}

// disputed says that some dispute of the payment is open or lost, by the last that was said of it.
func (s *sessionRecord) disputed(events []event) bool {
	for _, e := range events {
		if s.intent == "" || e.intent != s.intent || e.kind != bankDisputes {
			continue
		}
		last := e.at
		for _, o := range events {
			if o.kind == bankDisputes && o.object == e.object {
				last = max(last, o.at)
			}
		}
		ended := false // a dispute may be answered and won within one second: the end is what holds
		for _, o := range events {
			if o.kind == bankDisputes && o.object == e.object && o.at == last {
				ended = ended || o.status == "won" || o.status == "warning_closed" || o.status == "prevented"
			}
		}
		if !ended {
			return true
		}
	}
	return false
}

func (s sessionRecord) counts(phase v1alpha1.OrderPhase, reason string) ending {
	return ending{Phase: phase, Reason: reason, Session: s.session, Intent: s.intent, Refunded: s.returned, PaidAt: s.paidAt}
}

func (s sessionRecord) age(o sessionRecord) int {
	switch {
	case s.opened < o.opened, s.opened == o.opened && s.session < o.session:
		return -1
	case s.session == o.session:
		return 0
	default:
		return 1
	}
}

func (s sessionRecord) weight() int {
	w := 0
	if s.accepted {
		w = 10
	}
	switch {
	case s.paid:
		return w + 2
	case s.failed:
		return w + 1
	default:
		return w
	}
}
