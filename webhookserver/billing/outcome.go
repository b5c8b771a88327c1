package billing

import (
	"slices"
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripeapi"
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

// nothingKnown is the outcome of a payment of which nobody has said anything yet.
var nothingKnown = outcome{state: page.Confirming, phase: v1alpha1.OrderPending}

// status is the order's phase as the HTTP API has it.
func (o outcome) status() string { return strings.ToLower(string(o.phase)) }

// final reports whether asking again brings nothing new.
func (o outcome) final() bool {
	switch o.state {
	case page.Paid, page.Failed, page.Refunded, page.Expired, page.Review, page.Twice:
		return o.settled
	case page.Lapsed, page.Unknown, page.Invalid:
		return true
	default:
		return false
	}
}

// retryURL is where the buyer can pay again, or go on; empty: nowhere.
func (o outcome) retryURL() string {
	switch o.state {
	case page.Failed, page.Unfinished, page.Lapsed:
		return o.order.Status.CheckoutURL // unset once the order has expired
	default:
		return ""
	}
}

// told returns the outcome of a session that the order's webhooks have told of.
func told(order *v1alpha1.Order, session string) outcome {
	state, phase := judge(order, order.Status.Payments, session)
	return outcome{state: state, order: order, phase: phase, settled: true}
}

// foretold returns what the webhook of a session will make of the order, by what Stripe says of the session now. The
// same functions decide as when it comes; nothing is written.
func foretold(order *v1alpha1.Order, session stripeapi.Session) outcome {
	now := payment.Settle(payment.TermsOf(order), payment.FactsOf(order))
	o := outcome{order: order, phase: now.Phase}
	switch {
	case session.Status == stripeapi.SessionComplete:
		payments, _ := payment.Merge(order.Status.Payments, session.Fact)
		o.state, o.phase = judge(order, payments, session.Fact.Session.ID)
		switch {
		case o.state != page.Paid:
		case now.Phase == v1alpha1.OrderPaid: // by another session
			o.settled = true
		default:
			o.state = page.Received
		}
	case now.Phase == v1alpha1.OrderPaid: // by another session
		o.state, o.settled = page.Paid, true
	case now.Reason == v1alpha1.ReasonExpired:
		o.state, o.settled = page.Expired, true
	case session.Status == stripeapi.SessionExpired:
		o.state = page.Lapsed
	default:
		o.state = page.Unfinished
	}
	return o
}

// judge says what payments, one of which is of the session, mean for who made that one.
func judge(order *v1alpha1.Order, payments []v1alpha1.Payment, session string) (page.State, v1alpha1.OrderPhase) {
	terms, facts := payment.TermsOf(order), payment.FactsOf(order)
	facts.Payments = payments
	all := payment.Settle(terms, facts)
	i := slices.IndexFunc(payments, func(p v1alpha1.Payment) bool { return p.SessionID == session })
	if i < 0 { // pushed out of a full list
		return page.Review, all.Phase
	}
	own := payments[i]
	held := own.Outcome == v1alpha1.OutcomePaid && !own.FullyRefunded
	switch {
	case held && terms.Judge(own) != payment.Accepted:
		return page.Review, all.Phase
	case held && session != all.SessionID && own.Amount > 0:
		return page.Twice, all.Phase
	case all.Phase == v1alpha1.OrderPaid:
		return page.Paid, all.Phase
	case own.FullyRefunded:
		return page.Refunded, all.Phase
	case own.Outcome == v1alpha1.OutcomeUnpaid, all.Reason == v1alpha1.ReasonAwaitingAsyncPayment:
		return page.Processing, all.Phase
	default:
		return page.Failed, all.Phase
	}
}
