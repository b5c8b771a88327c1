// Package oracle computes the status that each order must have from Stripe's records, and compares it with the order's own.
// It is a second implementation of the law of settlement, and shares no code with the first one, so that the two do not
// share a mistake.
//
// It does not cover orders that expire, and those with more payments than an order lists.
package oracle

import (
	"fmt"
	"slices"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// Kind is the kind of a difference.
type Kind string

// The kinds of difference between Stripe's records and the orders.
const (
	// Lost is a fact at Stripe that the order does not have.
	Lost Kind = "lost"
	// Double is a fact that the order has, and Stripe does not.
	Double Kind = "double"
	// Unearned is an order, or a payment, that is Paid and must not be.
	Unearned Kind = "paid without money"
	// Wrong is any other difference.
	Wrong Kind = "wrong"
)

// Difference is one difference between an order and Stripe's records.
type Difference struct {
	// Order is the name of the order; empty: there is none.
	Order string
	Kind  Kind
	// What describes the difference.
	What string
}

// String is the difference as one line.
func (d Difference) String() string { return fmt.Sprintf("%s: %s: %s", d.Order, d.Kind, d.What) }

// Report is the outcome of a comparison.
type Report struct {
	Differences []Difference
	// Received and Refunded are the amounts that were paid at Stripe, and refunded at most, in minor units. HeldReceived and
	// HeldRefunded are the same amounts by the orders.
	Received, Refunded, HeldReceived, HeldRefunded int64
}

// Orders counts the orders with a difference of that kind.
func (r *Report) Orders(kind Kind) int {
	names := map[string]bool{}
	for _, d := range r.Differences {
		if d.Kind == kind {
			names[d.Order] = true
		}
	}
	return len(names)
}

// Compare compares Stripe's records with all orders of a namespace. Every session must belong to one of them.
func Compare(records []stripesim.Entry, orders []v1alpha1.Order) Report {
	var report Report
	entries := map[string][]stripesim.Entry{}
	for _, entry := range records {
		report.Received += entry.Received
		report.Refunded += entry.MostRefunded
		entries[entry.Session.ClientReferenceID] = append(entries[entry.Session.ClientReferenceID], entry)
	}
	for i := range orders {
		o := &orders[i]
		for _, p := range o.Status.Payments {
			if p.Outcome == v1alpha1.OutcomePaid {
				report.HeldReceived += p.Amount
				report.HeldRefunded += p.AmountRefunded
			}
		}
		reference := o.Spec.OrderID
		if reference == "" {
			reference = string(o.UID)
		}
		c := comparison{order: o, wanted: wantedOf(o, entries[reference])}
		delete(entries, reference) // so that a second order of the same reference finds nothing left
		c.payments()
		c.settlement()
		report.Differences = append(report.Differences, c.found...)
	}
	for reference, left := range entries {
		for _, entry := range left {
			if entry.Received > 0 {
				report.Differences = append(report.Differences, Difference{Kind: Lost, What: fmt.Sprintf(
					"session %s of %d has the reference %q, and no order does", entry.Session.ID, entry.Received, reference)})
			}
		}
	}
	if report.Received != report.HeldReceived || report.Refunded != report.HeldRefunded {
		report.Differences = append(report.Differences, Difference{Kind: Wrong, What: fmt.Sprintf(
			"Stripe has %d paid and %d refunded, the orders have %d and %d", report.Received, report.Refunded, report.HeldReceived, report.HeldRefunded)})
	}
	slices.SortStableFunc(report.Differences, func(a, b Difference) int {
		switch {
		case a.Order < b.Order:
			return -1
		case a.Order > b.Order:
			return 1
		}
		return 0
	})
	return report
}
