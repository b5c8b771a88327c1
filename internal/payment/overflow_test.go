package payment_test

import (
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// session makes the n-th of many sessions, opened at the given second.
func session(k kind, n int, opened int64) event {
	e := happened(k, "cs_1")
	e.session, e.intent, e.opened, e.at = fmt.Sprintf("cs_%03d", n), fmt.Sprintf("pi_%03d", n), opened, opened+60
	return e.named()
}

// flood is n payments that do not count, of all kinds, half of them older than any good payment.
func flood(n int) []event {
	var bad []event
	for i := range n {
		e := session(completedPaid, 500+i, int64(5000*(i%2)+i))
		switch i % 4 {
		case 0:
			e = e.of(1)
		case 1:
			e = e.inTestMode()
		case 2:
			e = e.through("plink_2")
		case 3:
			e = e.in("cad")
		}
		bad = append(bad, e)
	}
	return bad
}

// TestOverflow: an order with more payments than it lists ends the same in whatever order they come, and says so.
func TestOverflow(t *testing.T) {
	good := func(k kind, from, to int) (list []event) {
		for i := from; i < to; i++ {
			list = append(list, session(k, i, int64(1000+10*i)))
		}
		return list
	}
	for name, row := range map[string]struct {
		events []event
		listed []int // sessions that must be listed, by number
		phase  v1alpha1.OrderPhase
	}{
		"one good payment in a flood of bad ones": {
			slices.Concat(good(completedPaid, 1, 2), flood(30)), []int{1}, v1alpha1.OrderPaid},
		"a good debit on its way in a flood of bad payments": {
			slices.Concat(good(completedUnpaid, 1, 2), flood(30)), []int{1}, v1alpha1.OrderFailed},
		"a good debit that succeeds in a flood of bad payments": {
			slices.Concat(good(completedUnpaid, 1, 2), good(asyncSucceeded, 1, 2), flood(30)), []int{1}, v1alpha1.OrderPaid},
		"a dozen good payments and more bad ones": {
			slices.Concat(good(completedPaid, 1, 13), flood(20)), []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, v1alpha1.OrderPaid},
		"a few payments, and more debits than fit": {
			slices.Concat(good(completedUnpaid, 1, 30), good(completedPaid, 30, 33)), []int{30, 31, 32, 1, 13}, v1alpha1.OrderPaid},
		"more debits than fit, of which the youngest succeed": {
			slices.Concat(good(completedUnpaid, 1, 30), good(asyncSucceeded, 25, 30)), []int{25, 26, 27, 28, 29, 1, 11}, v1alpha1.OrderPaid},
		"more debits than fit, of which some fail": {
			slices.Concat(good(completedUnpaid, 1, 30), good(asyncFailed, 20, 24)), []int{20, 21, 22, 23, 1, 12}, v1alpha1.OrderFailed},
		"more good payments than fit: the oldest stay": {
			good(completedPaid, 1, 30), []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, v1alpha1.OrderPaid},
		"bad payments alone": {
			flood(40), nil, v1alpha1.OrderPending},
	} {
		t.Run(name, func(t *testing.T) {
			want := keep(tied, row.events...).status()
			if want.Settlement.Phase != row.phase {
				t.Errorf("phase %s, want %s", want.Settlement.Phase, row.phase)
			}
			if !want.Facts.Dropped || len(want.Facts.Payments) != payment.MaxPayments {
				t.Errorf("%d payments listed, dropped = %v; want %d and true", len(want.Facts.Payments), want.Facts.Dropped, payment.MaxPayments)
			}
			if !slices.ContainsFunc(want.Settlement.Attention, func(a payment.Attention) bool { return a.Reason == v1alpha1.ReasonTooManyPayments }) {
				t.Error("nobody is told that payments are not listed")
			}
			for _, n := range row.listed {
				if id := fmt.Sprintf("cs_%03d", n); !slices.ContainsFunc(want.Facts.Payments, func(p v1alpha1.Payment) bool { return p.SessionID == id }) {
					t.Errorf("%s is not listed", id)
				}
			}
			for n := range 40 {
				arrival := shuffled(seeded(n), slices.Concat(row.events, row.events[:len(row.events)/2]))
				b := keep(tied, arrival...)
				same(t, want, b.status(), arrival)
				b.check(t, arrival)
			}
		})
	}
}

// TestTrim: nothing is cut from what fits, and what Trim is given stays as it was.
func TestTrim(t *testing.T) {
	for _, n := range []int{0, 1, payment.MaxPayments - 1, payment.MaxPayments, payment.MaxPayments + 1, 3 * payment.MaxPayments} {
		var given []v1alpha1.Payment
		for i := range n {
			f, _ := session(completedPaid, i, int64(i%5)).of(19900 + int64(i%3)).fact()
			given, _ = payment.Merge(given, f)
		}
		before := (&v1alpha1.OrderStatus{Payments: given}).DeepCopy().Payments
		kept, dropped := payment.Trim(given, tied)
		if len(kept) != min(n, payment.MaxPayments) || dropped != (n > payment.MaxPayments) {
			t.Errorf("of %d payments %d are kept, dropped = %v", n, len(kept), dropped)
		}
		if diff := gocmp.Diff(before, given); diff != "" {
			t.Errorf("of %d payments: the given ones changed (-before +after)\n%s", n, diff)
		}
		if again, more := payment.Trim(kept, tied); more || !gocmp.Equal(kept, again) {
			t.Errorf("of %d payments: trimmed twice is not trimmed once", n)
		}
	}
}

// TestTooManyPaymentsStays: what was left out once is not there to be counted again, so the order must remember it.
func TestTooManyPaymentsStays(t *testing.T) {
	b := keep(tied, flood(17)...)
	for _, e := range flood(17) {
		e.kind, e.full = moneyBack, true
		b.record(e)
	}
	if got := b.ending().Attention; !slices.Contains(got, v1alpha1.ReasonTooManyPayments) {
		t.Errorf("attention %v, want TooManyPayments in it", got)
	}
}
