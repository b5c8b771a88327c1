package oracle

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// comparison is the comparison of one order.
type comparison struct {
	order  *v1alpha1.Order
	wanted wanted
	found  []Difference
}

func (c *comparison) differs(kind Kind, format string, args ...any) {
	c.found = append(c.found, Difference{Order: c.order.Name, Kind: kind, What: fmt.Sprintf(format, args...)})
}

// payments compares the order's payments with Stripe's completed sessions.
func (c *comparison) payments() {
	listed := map[string]*v1alpha1.Payment{}
	for i := range c.order.Status.Payments {
		p := &c.order.Status.Payments[i]
		if listed[p.SessionID] != nil {
			c.differs(Double, "session %s is listed twice", p.SessionID)
		}
		listed[p.SessionID] = p
	}
	for i := range c.wanted.payments {
		want := &c.wanted.payments[i]
		got := listed[want.Session.ID]
		delete(listed, want.Session.ID)
		if got == nil {
			c.differs(Lost, "session %s (%s, %d) is not listed", want.Session.ID, want.outcome, want.Session.AmountTotal)
			continue
		}
		c.session(want, got)
		c.refunds(want, got)
		c.disputes(want, got)
	}
	for id := range listed {
		c.differs(Double, "session %s is listed, and Stripe has no such payment for the order", id)
	}
}

// session compares the outcome and the terms of a payment.
func (c *comparison) session(want *payment, got *v1alpha1.Payment) {
	s := want.Session
	switch got.Outcome {
	case want.outcome:
	case v1alpha1.OutcomePaid:
		c.differs(Unearned, "session %s is Paid, at Stripe it is %s", s.ID, want.outcome)
	default:
		c.differs(Lost, "session %s is %s, at Stripe it is %s", s.ID, got.Outcome, want.outcome)
	}
	if got.Amount != s.AmountTotal || !strings.EqualFold(got.Currency, s.Currency) || got.Livemode != s.Livemode ||
		got.PaymentIntentID != s.PaymentIntent || got.PaymentLinkID != s.PaymentLink || got.Created.Unix() != s.Created.Unix() {
		c.differs(Wrong, "session %s is listed as %+v, Stripe has %d %s, live %v, %s, %s, of %s", s.ID, *got,
			s.AmountTotal, s.Currency, s.Livemode, s.PaymentIntent, s.PaymentLink, s.Created)
	}
}

// refunds compares the refunds of a payment.
func (c *comparison) refunds(want *payment, got *v1alpha1.Payment) {
	id := want.Session.ID
	switch {
	case got.AmountRefunded < want.MostRefunded:
		c.differs(Lost, "of session %s %d were refunded, at Stripe %d", id, got.AmountRefunded, want.MostRefunded)
	case got.AmountRefunded > want.MostRefunded:
		c.differs(Double, "of session %s %d were refunded, at Stripe %d", id, got.AmountRefunded, want.MostRefunded)
	}
	if got.FullyRefunded != want.fullyRefunded {
		c.differs(Wrong, "session %s is refunded in full: %v, at Stripe: %v", id, got.FullyRefunded, want.fullyRefunded)
	}
	listed := map[string]int64{}
	for _, r := range got.FailedRefunds {
		listed[r.ID] = r.Amount
	}
	for _, r := range want.Refunds {
		if !failed(r) {
			continue
		}
		if amount, ok := listed[r.ID]; !ok || amount != r.Amount {
			c.differs(Lost, "refund %s of %d failed, the order has %d", r.ID, r.Amount, amount)
		}
		delete(listed, r.ID)
	}
	for refund := range listed {
		c.differs(Double, "refund %s is listed as failed, at Stripe it did not fail", refund)
	}
}

// disputes compares the disputes of a payment.
func (c *comparison) disputes(want *payment, got *v1alpha1.Payment) {
	listed := map[string]v1alpha1.Dispute{}
	for _, d := range got.Disputes {
		listed[d.ID] = d
	}
	for _, d := range want.Disputes {
		switch have, ok := listed[d.ID]; {
		case !ok:
			c.differs(Lost, "dispute %s is not listed", d.ID)
		case have.Status != d.Status || have.Amount != d.Amount || have.Reason != d.Reason:
			c.differs(Wrong, "dispute %s is listed as %+v, Stripe has it as %s, %s, %d", d.ID, have, d.Status, d.Reason, d.Amount)
		}
		delete(listed, d.ID)
	}
	for id := range listed {
		c.differs(Double, "dispute %s is listed, and Stripe has no such dispute", id)
	}
}

// settlement compares the status that is computed from the payments.
func (c *comparison) settlement() {
	status, want := &c.order.Status, c.wanted
	held := status.Phase == v1alpha1.OrderPaid || status.Phase == v1alpha1.OrderRefunded
	switch {
	case status.Phase == want.phase:
	case status.Phase == v1alpha1.OrderPaid:
		c.differs(Unearned, "it is Paid, by Stripe's records it is %s", want.phase)
	case want.counts != nil && !held:
		c.differs(Lost, "it is %s, by Stripe's records it is %s", status.Phase, want.phase)
	default:
		c.differs(Wrong, "it is %s, by Stripe's records it is %s", status.Phase, want.phase)
	}
	var session, intent string
	var refunded int64
	if want.counts != nil {
		session, intent, refunded = want.counts.Session.ID, want.counts.Session.PaymentIntent, want.counts.MostRefunded
	}
	if status.ProviderOrderID != session || status.ProviderCaptureID != intent || status.AmountRefunded != refunded {
		c.differs(Wrong, "it names session %q, payment %q and %d refunded, by Stripe's records %q, %q and %d",
			status.ProviderOrderID, status.ProviderCaptureID, status.AmountRefunded, session, intent, refunded)
	}
	if (status.PaidAt != nil) != (want.counts != nil) {
		c.differs(Wrong, "it was paid at %v, by Stripe's records the payment that counts is %q", status.PaidAt, session)
	}
	if paid := meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionPaid); paid != (want.phase == v1alpha1.OrderPaid) {
		c.differs(Wrong, "the condition Paid is %v, by Stripe's records it is %s", paid, want.phase)
	}
	c.attention()
}

func (c *comparison) attention() {
	got, want := "", ""
	if is := meta.FindStatusCondition(c.order.Status.Conditions, v1alpha1.ConditionNeedsAttention); is != nil && is.Status == "True" {
		got = is.Reason
	}
	if len(c.wanted.attention) > 0 {
		want = c.wanted.attention[0]
	}
	if got != want {
		c.differs(Wrong, "it needs attention for %q, by Stripe's records for %q", got, want)
	}
}
