package fakeapi

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// FactBuilder builds a payment.Fact.
type FactBuilder struct{ fact payment.Fact }

func makeFact(eventID, eventType, name string) *FactBuilder {
	return &FactBuilder{payment.Fact{
		EventID: eventID, Type: eventType, Created: metav1.NewTime(Now), Livemode: true, PaymentIntentID: "pi_" + name,
	}}
}

// MakeSession starts the fact of a Checkout Session that paid 199.00 USD. Of the name "1" are the session cs_1, the
// PaymentIntent pi_1 and the event evt_1.
func MakeSession(name, reference string) *FactBuilder {
	b := makeFact("evt_"+name, "checkout.session.completed", name)
	b.fact.ClientReferenceID = reference
	b.fact.Session = &v1alpha1.SessionFact{
		ID: "cs_" + name, Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", Created: metav1.NewTime(Now),
	}
	return b
}

// MakeRefund starts the fact of a part of a session's payment that was refunded. FullyRefunded makes it all.
func MakeRefund(session string, amount int64) *FactBuilder {
	b := makeFact("evt_refund_"+session, "charge.refunded", session)
	b.fact.Refund = &v1alpha1.RefundFact{AmountRefunded: amount}
	return b
}

// MakeFailedRefund starts the fact of a refund that failed after it had been made.
func MakeFailedRefund(session, refund string, amount int64) *FactBuilder {
	b := makeFact("evt_failed_"+refund, "refund.failed", session)
	b.fact.FailedRefund = &v1alpha1.FailedRefund{ID: refund, Amount: amount}
	return b
}

// MakeDispute starts the fact of a dispute of a session's payment, in Stripe's status.
func MakeDispute(session string, dispute v1alpha1.Dispute) *FactBuilder {
	b := makeFact("evt_dispute_"+session, "charge.dispute.created", session)
	b.fact.Dispute = &dispute
	return b
}

// Obj returns the fact.
func (b *FactBuilder) Obj() payment.Fact {
	return payment.Fact(*(*v1alpha1.StripeEventFact)(&b.fact).DeepCopy())
}

// With applies changes for which there is no method.
func (b *FactBuilder) With(changes ...func(*payment.Fact)) *FactBuilder {
	for _, change := range changes {
		change(&b.fact)
	}
	return b
}

// EventID sets the id of Stripe's event.
func (b *FactBuilder) EventID(id string) *FactBuilder {
	b.fact.EventID = id
	return b
}

// Type sets Stripe's type of the event.
func (b *FactBuilder) Type(name string) *FactBuilder {
	b.fact.Type = name
	return b
}

// Created sets when Stripe created the event.
func (b *FactBuilder) Created(at time.Time) *FactBuilder {
	b.fact.Created = metav1.NewTime(at)
	return b
}

// TestMode makes it a fact of Stripe's test mode.
func (b *FactBuilder) TestMode() *FactBuilder {
	b.fact.Livemode = false
	return b
}

// Unpaid has the session wait for its money. The event is another than that of the paid session: evt_1_unpaid.
func (b *FactBuilder) Unpaid() *FactBuilder { return b.Outcome(v1alpha1.OutcomeUnpaid) }

// Failed has the session's payment fail: evt_1_failed.
func (b *FactBuilder) Failed() *FactBuilder { return b.Outcome(v1alpha1.OutcomeFailed) }

// Outcome sets the outcome of the session, and has the id of the event end in it unless it is Paid.
func (b *FactBuilder) Outcome(outcome v1alpha1.Outcome) *FactBuilder {
	b.fact.Session.Outcome = outcome
	if outcome != v1alpha1.OutcomePaid {
		b.fact.EventID += "_" + strings.ToLower(string(outcome))
	}
	return b
}

// Amount sets the total of the session.
func (b *FactBuilder) Amount(amount int64, currency string) *FactBuilder {
	b.fact.Session.Amount, b.fact.Session.Currency = amount, currency
	return b
}

// PaymentLink sets Stripe's id of the Payment Link that the session was opened from.
func (b *FactBuilder) PaymentLink(id string) *FactBuilder {
	b.fact.Session.PaymentLinkID = id
	return b
}

// SessionCreated sets when the session was created.
func (b *FactBuilder) SessionCreated(at time.Time) *FactBuilder {
	b.fact.Session.Created = metav1.NewTime(at)
	return b
}

// FullyRefunded makes a refund a full one.
func (b *FactBuilder) FullyRefunded() *FactBuilder {
	b.fact.Refund.Full = true
	return b
}
