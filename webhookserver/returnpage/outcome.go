package returnpage

import (
	"slices"
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// outcome is the state of a payment and of its order.
type outcome struct {
	state State
	// order is the order of the payment; nil: not known.
	order *v1alpha1.Order
	// phase is the phase of the order. If only Stripe knows the payment, it is the phase after its webhook.
	phase v1alpha1.OrderPhase
	// settled means that the webhook has come, and the order has the payment.
	settled bool
}

var (
	// pending is the outcome of a payment that is not known yet.
	pending = outcome{state: Confirming, phase: v1alpha1.OrderPending}
	// unknown is the outcome of a payment that Stripe does not know, or that belongs to no order here.
	unknown = outcome{state: Unknown}
)

// status returns the phase in the notation of the HTTP API.
func (o outcome) status() string { return strings.ToLower(string(o.phase)) }

// final reports whether the outcome stays. An unknown payment can still become known.
func (o outcome) final() bool {
	switch o.state {
	case Paid, Failed, Refunded, RefundFailed, Review, Duplicate:
		return o.settled
	case SessionExpired, Invalid:
		return true
	default:
		return false
	}
}

// retryURL returns the address at which the buyer can pay again; empty: there is none.
func (o outcome) retryURL() string {
	if o.state != Failed {
		return ""
	}
	return o.order.Status.CheckoutURL // unset once the order has expired
}

// fromOrder returns the outcome of a session that the order has.
func fromOrder(order *v1alpha1.Order, session string) outcome {
	state, phase := evaluate(order, order.Status.Payments, session)
	return outcome{state: state, order: order, phase: phase, settled: true}
}

// predicted returns the outcome that a complete session will have after its webhook. It uses the functions that settle the
// order, and writes nothing.
func predicted(order *v1alpha1.Order, session stripeclient.Session) outcome {
	payments, _ := payment.Merge(order.Status.Payments, session.Fact)
	state, phase := evaluate(order, payments, session.Fact.Session.ID)
	if state == Paid {
		state = Received
	}
	return outcome{state: state, order: order, phase: phase}
}

// evaluate returns the state of the session's payment, which is one of the payments, and the phase of the order.
func evaluate(order *v1alpha1.Order, payments []v1alpha1.Payment, session string) (State, v1alpha1.OrderPhase) {
	terms, facts := payment.TermsOf(order), payment.FactsOf(order)
	facts.Payments = payments
	all := payment.Settle(terms, facts)
	i := slices.IndexFunc(payments, func(p v1alpha1.Payment) bool { return p.SessionID == session })
	if i < 0 { // dropped from a full list
		return Review, paidOrPending(all.Phase)
	}
	own := payments[i]
	held := own.Outcome == v1alpha1.OutcomePaid && !own.FullyRefunded
	switch {
	case held && terms.Evaluate(own) != payment.Accepted:
		return Review, paidOrPending(all.Phase)
	case held && session != all.SessionID && own.Amount > 0:
		return Duplicate, all.Phase
	case own.Outcome == v1alpha1.OutcomeUnpaid:
		return Processing, all.Phase
	case own.FullyRefunded && len(own.FailedRefunds) > 0:
		return RefundFailed, all.Phase
	case all.Phase == v1alpha1.OrderPaid:
		return Paid, all.Phase
	case own.FullyRefunded:
		return Refunded, all.Phase
	case all.Reason == v1alpha1.ReasonAwaitingAsyncPayment:
		return Processing, all.Phase
	default:
		return Failed, all.Phase
	}
}

// paidOrPending returns the phase for a buyer whose payment is kept but does not pay the order. The phases Failed and
// Refunded would make the buyer pay again.
func paidOrPending(phase v1alpha1.OrderPhase) v1alpha1.OrderPhase {
	if phase == v1alpha1.OrderPaid {
		return phase
	}
	return v1alpha1.OrderPending
}
