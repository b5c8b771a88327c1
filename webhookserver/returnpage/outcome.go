package returnpage

import (
	"slices"
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/webhookserver/page"
)

// outcome is what a buyer can be told of a payment.
type outcome struct {
	state page.State
	// order is the one that the payment is for; nil: not known.
	order *v1alpha1.Order
	// phase is the order's or, where only Stripe has said so, what its webhook will make of it.
	phase v1alpha1.OrderPhase
	// settled says that the webhook has come, so that this is the order's own word.
	settled bool
}

// nothingKnown is the outcome of a payment of which nobody has said anything yet, and unknown that of one which Stripe does
// not know, or which is for no order here.
var (
	nothingKnown = outcome{state: page.Confirming, phase: v1alpha1.OrderPending}
	unknown      = outcome{state: page.Unknown}
)

// status is the order's phase as the HTTP API has it.
func (o outcome) status() string { return strings.ToLower(string(o.phase)) }

// final reports whether asking again brings nothing new. An unknown payment may be one of which the news is late.
func (o outcome) final() bool {
	switch o.state {
	case page.Paid, page.Failed, page.Refunded, page.RefundFailed, page.Review, page.Twice:
		return o.settled
	case page.Lapsed, page.Invalid:
		return true
	default:
		return false
	}
}

// retryURL is where the buyer can pay again; empty: nowhere.
func (o outcome) retryURL() string {
	if o.state != page.Failed {
		return ""
	}
	return o.order.Status.CheckoutURL // unset once the order has expired
}

// told returns the outcome of a session that the order's webhooks have told of.
func told(order *v1alpha1.Order, session string) outcome {
	state, phase := judge(order, order.Status.Payments, session)
	return outcome{state: state, order: order, phase: phase, settled: true}
}

// foretold returns what the webhook of a complete session will make of the order, by what Stripe says of the session now.
// The same functions decide as when it comes; nothing is written.
func foretold(order *v1alpha1.Order, session stripeclient.Session) outcome {
	payments, _ := payment.Merge(order.Status.Payments, session.Fact)
	state, phase := judge(order, payments, session.Fact.Session.ID)
	if state == page.Paid {
		state = page.Received
	}
	return outcome{state: state, order: order, phase: phase}
}

// judge says what payments, one of which is of the session, mean for who made that one.
func judge(order *v1alpha1.Order, payments []v1alpha1.Payment, session string) (page.State, v1alpha1.OrderPhase) {
	terms, facts := payment.TermsOf(order), payment.FactsOf(order)
	facts.Payments = payments
	all := payment.Settle(terms, facts)
	i := slices.IndexFunc(payments, func(p v1alpha1.Payment) bool { return p.SessionID == session })
	if i < 0 { // pushed out of a full list
		return page.Review, paidOrPending(all.Phase)
	}
	own := payments[i]
	held := own.Outcome == v1alpha1.OutcomePaid && !own.FullyRefunded
	switch {
	case held && terms.Evaluate(own) != payment.Accepted:
		return page.Review, paidOrPending(all.Phase)
	case held && session != all.SessionID && own.Amount > 0:
		return page.Twice, all.Phase
	case own.Outcome == v1alpha1.OutcomeUnpaid:
		return page.Processing, all.Phase
	case own.FullyRefunded && len(own.FailedRefunds) > 0:
		return page.RefundFailed, all.Phase
	case all.Phase == v1alpha1.OrderPaid:
		return page.Paid, all.Phase
	case own.FullyRefunded:
		return page.Refunded, all.Phase
	case all.Reason == v1alpha1.ReasonAwaitingAsyncPayment:
		return page.Processing, all.Phase
	default:
		return page.Failed, all.Phase
	}
}

// paidOrPending is the phase that somebody is told whose money is held and did not pay the order: that it failed, or was
// given back, is true of the order, and would have him pay again.
func paidOrPending(phase v1alpha1.OrderPhase) v1alpha1.OrderPhase {
	if phase == v1alpha1.OrderPaid {
		return phase
	}
	return v1alpha1.OrderPending
}
