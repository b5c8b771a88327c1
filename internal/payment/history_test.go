package payment_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// chooser picks one of n; whole histories are made of such choices.
type chooser func(n int) int

func choose[T any](pick chooser, among ...T) T { return among[pick(len(among))] }

// history makes up an order's terms and what happened to its money. What Stripe keeps is kept: a session does not
// change what it is for, and its PaymentIntent is its own. Seconds are few, so that many things happen at once.
func history(pick chooser, mostSessions, mostEvents int) (payment.Terms, []event) {
	terms := payment.Terms{
		Amount:        choose[int64](pick, 19900, 0),
		Currency:      choose(pick, "USD", "usd"),
		Livemode:      choose(pick, true, false),
		PaymentLinkID: choose(pick, "", "plink_1"),
	}
	sessions := make([]event, 1+pick(mostSessions))
	for i := range sessions {
		sessions[i] = event{
			session: fmt.Sprintf("cs_%02d", i), intent: fmt.Sprintf("pi_%02d", i), opened: int64(pick(3)),
			amount: terms.Amount, currency: choose(pick, "usd", "USD"), live: terms.Livemode, link: "plink_1",
		}
		switch s := &sessions[i]; pick(10) {
		case 0:
			s.amount++
		case 1:
			s.currency = "cad"
		case 2:
			s.live = !s.live
		case 3:
			s.link = choose(pick, "plink_2", "")
		case 4:
			s.intent = ""
		}
	}
	var events []event
	for range pick(mostEvents + 1) {
		e := choose(pick, sessions...)
		e.kind = choose(pick,
			completedPaid, completedUnpaid, asyncSucceeded, asyncFailed, sessionLapsed,
			moneyBack, moneyBack, moneyBackFailed, bankDisputes, bankDisputes, orderExpired)
		e.at = int64(pick(8))
		switch e.kind {
		case completedUnpaid:
			if pick(4) == 0 {
				e.intent = "" // a debit's PaymentIntent may be made later
			}
		case moneyBack:
			e.full = pick(2) == 0
			e.amount = choose[int64](pick, 0, 1, 5000, 19900)
		case moneyBackFailed:
			e.object, e.amount = fmt.Sprintf("re_%s_%d", e.session, pick(3)), int64(pick(3))
		case bankDisputes:
			e.object = fmt.Sprintf("du_%s_%d", e.session, pick(2))
			e.status = choose(pick, "warning_needs_response", "warning_under_review", "warning_closed",
				"needs_response", "under_review", "won", "lost", "prevented", "a status yet to come")
		}
		e.id = fmt.Sprintf("evt_%d_%s", len(events), e.kind)
		events = append(events, e)
	}
	return terms, events
}

const histories = 4000

// seeded returns the choices of the n-th history: other ones for each n, the same ones in every run.
func seeded(n int) *rand.Rand { return rand.New(rand.NewPCG(uint64(n), 2026)) }

func shuffled(r *rand.Rand, events []event) []event {
	events = slices.Clone(events)
	r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events
}

// lawful checks one history in several arrivals.
func lawful(t *testing.T, r *rand.Rand, terms payment.Terms, events []event) {
	t.Helper()
	told := keep(terms, events...)
	told.check(t, events)
	want := told.status()

	backwards := slices.Clone(events)
	slices.Reverse(backwards)
	half := len(events) / 2
	for _, arrival := range [][]event{
		backwards,
		shuffled(r, events),
		shuffled(r, stutter(events)),
		slices.Concat(events[half:], events[:half]),                // the second half of the history before the first
		slices.Concat(events, shuffled(r, events)),                 // all of it again
		slices.Concat(events[:half], events[half:], events[:half]), // the first half again, when all is known
	} {
		b := keep(terms, arrival...)
		same(t, want, b.status(), arrival)
		b.check(t, events)
	}
}

// TestHistories: merging is commutative, associative and idempotent, and means what the oracle says.
func TestHistories(t *testing.T) {
	phases, attention := map[v1alpha1.OrderPhase]int{}, map[string]int{}
	for n := range histories {
		r := seeded(n)
		terms, events := history(r.IntN, 5, 12)
		lawful(t, r, terms, events)
		end := oracle(terms, events)
		phases[end.Phase]++
		for _, reason := range end.Attention {
			attention[reason]++
		}
	}
	// Histories that never get anywhere would prove nothing.
	for _, phase := range []v1alpha1.OrderPhase{v1alpha1.OrderPending, v1alpha1.OrderPaid, v1alpha1.OrderFailed, v1alpha1.OrderRefunded} {
		if phases[phase] < histories/50 {
			t.Errorf("only %d of %d histories end %s", phases[phase], histories, phase)
		}
	}
	for _, reason := range []string{
		v1alpha1.ReasonPaymentMismatch, v1alpha1.ReasonModeMismatch, v1alpha1.ReasonDuplicatePayment,
		v1alpha1.ReasonDisputed, v1alpha1.ReasonRefundFailed, v1alpha1.ReasonPaidAfterExpiry,
	} {
		if attention[reason] < histories/50 {
			t.Errorf("only %d of %d histories end with %s", attention[reason], histories, reason)
		}
	}
}

// TestHistoriesMergeOneByOne: whatever is known, adding a fact again changes nothing; a fact of an unknown payment
// changes nothing; facts are listed by age; and what was known before is left as it was.
func TestHistoriesMergeOneByOne(t *testing.T) {
	for n := range histories {
		r := seeded(n)
		_, events := history(r.IntN, 5, 12)
		var payments []v1alpha1.Payment
		for _, e := range events {
			f, ok := e.fact()
			if !ok {
				continue
			}
			before := (&v1alpha1.OrderStatus{Payments: payments}).DeepCopy().Payments
			merged, known := payment.Merge(payments, f)
			if !reflect.DeepEqual(before, payments) {
				t.Fatalf("history %d: %s changed what was known (-before +after)\n%s", n, e.kind, gocmp.Diff(before, payments))
			}
			if !known {
				if !slices.EqualFunc(before, merged, func(a, b v1alpha1.Payment) bool { return reflect.DeepEqual(a, b) }) {
					t.Fatalf("history %d: %s is of an unknown payment and changed (-before +after)\n%s", n, e.kind, gocmp.Diff(before, merged))
				}
				continue
			}
			again, _ := payment.Merge(merged, f)
			if !reflect.DeepEqual(merged, again) {
				t.Fatalf("history %d: %s counted twice (-once +twice)\n%s", n, e.kind, gocmp.Diff(merged, again))
			}
			for i := 1; i < len(merged); i++ {
				a, b := merged[i-1], merged[i]
				if b.Created.Before(&a.Created) || a.Created.Equal(&b.Created) && a.SessionID >= b.SessionID {
					t.Fatalf("history %d: %s and %s are not listed by age", n, a.SessionID, b.SessionID)
				}
			}
			payments = merged
		}
	}
}

// TestHistoriesThatContradictThemselves: if Stripe ever told two things of one session, the order would still end the
// same whatever came first.
func TestHistoriesThatContradictThemselves(t *testing.T) {
	for n := range histories / 4 {
		r := seeded(n)
		terms, events := history(r.IntN, 3, 8)
		for i := range events {
			if e := &events[i]; e.ofSession() {
				e.amount += int64(r.IntN(2))
				e.opened = int64(r.IntN(3))
				e.currency = choose(r.IntN, "usd", "cad", "USD")
				e.live = r.IntN(4) > 0
				e.link = choose(r.IntN, "plink_1", "plink_2", "")
			}
		}
		want := keep(terms, events...).status()
		for range 4 {
			arrival := shuffled(r, stutter(events))
			same(t, want, keep(terms, arrival...).status(), arrival)
		}
	}
}
