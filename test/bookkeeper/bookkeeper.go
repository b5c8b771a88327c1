// Package bookkeeper compares what a shop's orders say with Stripe's own books, penny by penny. It works out what each
// order must be from the books alone, by the law of settlement as it is written down, and shares no code with what settles
// orders: whoever makes a mistake there does not make it here too.
//
// Orders that expire, and those with more payments than an order lists, are beyond it.
package bookkeeper

import (
	"fmt"
	"slices"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// Kind is what is wrong with an order.
type Kind string

// The kinds of difference between the books and the orders.
const (
	// Lost is something that Stripe knows and the order does not.
	Lost Kind = "lost"
	// Double is something that the order has more of than Stripe.
	Double Kind = "double"
	// Unearned is an order that is Paid and must not be.
	Unearned Kind = "paid without money"
	// Wrong is any other difference.
	Wrong Kind = "wrong"
)

// Difference is one thing in which an order and Stripe's books differ.
type Difference struct {
	// Order is its name; empty where there is no order.
	Order string
	Kind  Kind
	// What is the difference, for people.
	What string
}

// String is the difference as one line.
func (d Difference) String() string { return fmt.Sprintf("%s: %s: %s", d.Order, d.Kind, d.What) }

// Report is the outcome of a comparison.
type Report struct {
	Differences []Difference
	// Received and Refunded are what Stripe took and what it gave back at most, in minor units; HeldReceived and
	// HeldRefunded are the same by the orders.
	Received, Refunded, HeldReceived, HeldRefunded int64
}

// Orders counts the orders that differ in some way of that kind.
func (r *Report) Orders(kind Kind) int {
	names := map[string]bool{}
	for _, d := range r.Differences {
		if d.Kind == kind {
			names[d.Order] = true
		}
	}
	return len(names)
}

// Compare compares Stripe's books with all of a shop's orders. Every session in the books must be of one of them.
func Compare(books []stripesim.Entry, orders []v1alpha1.Order) Report {
	var report Report
	entries := map[string][]stripesim.Entry{}
	for _, entry := range books {
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
					"session %s took %d for %q, and no order has that reference", entry.Session.ID, entry.Received, reference)})
			}
		}
	}
	if report.Received != report.HeldReceived || report.Refunded != report.HeldRefunded {
		report.Differences = append(report.Differences, Difference{Kind: Wrong, What: fmt.Sprintf(
			"Stripe took %d and gave back %d, the orders have %d and %d", report.Received, report.Refunded, report.HeldReceived, report.HeldRefunded)})
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
