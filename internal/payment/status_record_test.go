package payment_test

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// statusRecord is the facts of one order, merged as the product merges them. A fact about a payment that is not known yet
// waits, and is merged again after each later fact.
type statusRecord struct {
	terms  payment.Terms
	facts  payment.Facts
	parked []payment.Fact
	// settledOnce says that the order was Paid or Refunded at some time, and regressed names the event that took
	// it back to Pending or Failed all the same.
	settledOnce bool
	regressed   string
}

func keep(terms payment.Terms, events ...event) *statusRecord {
	b := &statusRecord{terms: terms}
	b.record(events...)
	return b
}

func (b *statusRecord) record(events ...event) {
	for _, e := range events {
		if e.kind == orderExpired {
			at := second(e.at)
			if b.facts.ExpiredAt == nil || at.Before(b.facts.ExpiredAt) {
				b.facts.ExpiredAt = &at
			}
		} else if f, ok := e.fact(); ok {
			b.receive(f)
		}
		switch b.settle().Phase {
		case v1alpha1.OrderPaid, v1alpha1.OrderRefunded:
			b.settledOnce = true
		default:
			if b.settledOnce && b.regressed == "" {
				b.regressed = e.id
			}
		}
	}
}

func (b *statusRecord) receive(f payment.Fact) {
	if !b.merge(f) {
		if !slices.ContainsFunc(b.parked, func(p payment.Fact) bool { return p.EventID == f.EventID }) {
			b.parked = append(b.parked, f)
		}
		return
	}
	b.parked = slices.DeleteFunc(b.parked, b.merge)
}

func (b *statusRecord) merge(f payment.Fact) bool {
	merged, known := payment.Merge(b.facts.Payments, f)
	if !known {
		return false
	}
	kept, dropped := payment.Trim(merged, b.terms)
	b.facts.Payments, b.facts.Dropped = kept, b.facts.Dropped || dropped
	return true
}

func (b *statusRecord) settle() payment.Settlement { return payment.Settle(b.terms, b.facts) }

// status is all that an order would show of its money.
type status struct {
	Settlement payment.Settlement
	Facts      payment.Facts
	// Parked are the events still waiting for their payment, by id.
	Parked []string
}

func (b *statusRecord) status() status {
	s := status{Settlement: b.settle(), Facts: b.facts}
	for _, f := range b.parked {
		s.Parked = append(s.Parked, f.EventID)
	}
	slices.Sort(s.Parked)
	return s
}

// ending is where an order's money stands, without the wording.
type ending struct {
	Phase     v1alpha1.OrderPhase
	Reason    string
	Session   string
	Intent    string
	Refunded  int64
	PaidAt    int64    // seconds; 0: not paid
	Attention []string // reasons, sorted
}

func (b *statusRecord) ending() ending {
	s := b.settle()
	e := ending{Phase: s.Phase, Reason: s.Reason, Session: s.SessionID, Intent: s.PaymentIntentID, Refunded: s.AmountRefunded}
	if s.PaidAt != nil {
		e.PaidAt = s.PaidAt.Unix() - second(0).Unix()
	}
	for _, a := range s.Attention {
		e.Attention = append(e.Attention, a.Reason)
	}
	slices.Sort(e.Attention)
	return e
}

// check reports where the books disagree with the oracle, or took the order back from Paid or Refunded.
func (b *statusRecord) check(t *testing.T, events []event) {
	t.Helper()
	if want, got := oracle(b.terms, events), b.ending(); !reflect.DeepEqual(want, got) {
		t.Fatalf("not what the events amount to (-oracle +settled):\n%s\nterms: %+v\nevents:\n%s",
			gocmp.Diff(want, got), b.terms, transcript(events))
	}
	if b.regressed != "" {
		t.Fatalf("%s took the order back from Paid or Refunded\nterms: %+v\nevents:\n%s", b.regressed, b.terms, transcript(events))
	}
}

// same fails the test if two arrivals of the same events ended in different statuses.
func same(t *testing.T, want, got status, arrival []event) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("another status than from the first arrival (-first +this):\n%s\nthis arrival:\n%s",
			gocmp.Diff(want, got), transcript(arrival))
	}
}

func transcript(events []event) string {
	text := ""
	for _, e := range events {
		text += fmt.Sprintf("  %-26s %s\n", e.kind, fmt.Sprintf("%+v", e))
	}
	return text
}

// sorted returns the strings in order; nil for none.
func sorted(list ...string) []string {
	list = slices.Clone(list)
	slices.SortFunc(list, cmp.Compare[string])
	return list
}
