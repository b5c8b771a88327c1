package payment_test

import (
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/internal/payment"
)

// lifeCycle is what can become of an order, told in the order in which it happens.
type lifeCycle struct {
	terms  payment.Terms
	events []event
	want   ending
}

// lifeCycles are told as they happen; a webhook may report them in any order, and again.
var lifeCycles = map[string]lifeCycle{
	"paid at once": {sold, []event{paid("cs_1")}, paidBy("cs_1", 160)},
	"paid at once, in two Event objects": {sold, []event{
		paid("cs_1"), paid("cs_1").twin()},
		paidBy("cs_1", 160)},
	"a bank debit succeeds": {sold, []event{
		unpaid("cs_1"), succeeded("cs_1")},
		paidBy("cs_1", 500)},
	"a bank debit succeeds, in twin events throughout": {sold, []event{
		unpaid("cs_1"), unpaid("cs_1").twin(), succeeded("cs_1"), succeeded("cs_1").twin()},
		paidBy("cs_1", 500)},
	"a bank debit fails": {sold, []event{
		unpaid("cs_1"), failed("cs_1")},
		declined},
	"a bank debit fails, a second session is paid": {sold, []event{
		unpaid("cs_1"), failed("cs_1"), paid("cs_2")},
		paidBy("cs_2", 260)},
	"a bank debit fails, a second one succeeds and is refunded": {sold, []event{
		unpaid("cs_1"), failed("cs_1"), unpaid("cs_2"), succeeded("cs_2"), refundedInFull("cs_2")},
		refundedBy("cs_2", 500)},
	"a late failure of a payment that was made": {sold, []event{
		paid("cs_1"), failed("cs_1")},
		paidBy("cs_1", 160)},
	"a late failure of one session, another was paid": {sold, []event{
		unpaid("cs_1"), paid("cs_2"), failed("cs_1")},
		paidBy("cs_2", 260)},
	"refunded in full": {sold, []event{
		paid("cs_1"), refundedInFull("cs_1")},
		refundedBy("cs_1", 160)},
	"refunded in part, then in full": {sold, []event{
		paid("cs_1"), refunded("cs_1", 5000), refundedInFull("cs_1")},
		refundedBy("cs_1", 160)},
	"two partial refunds": {sold, []event{
		paid("cs_1"), refunded("cs_1", 5000), refunded("cs_1", 12000)},
		paidBy("cs_1", 160).back(12000)},
	"two partial refunds, then in full, with a twin": {sold, []event{
		unpaid("cs_1"), succeeded("cs_1"), refunded("cs_1", 5000), refunded("cs_1", 5000).twin(), refunded("cs_1", 12000), refundedInFull("cs_1")},
		refundedBy("cs_1", 500)},
	"a bank debit refunded in full, the debit said to have failed": {sold, []event{
		unpaid("cs_1"), succeeded("cs_1"), refundedInFull("cs_1"), failed("cs_1")},
		refundedBy("cs_1", 500)},
	"paid twice": {sold, []event{
		paid("cs_1"), paid("cs_2")},
		paidBy("cs_1", 160).lookAt("DuplicatePayment")},
	"paid twice, the first given back": {sold, []event{
		paid("cs_1"), paid("cs_2"), refundedInFull("cs_1")},
		paidBy("cs_2", 260)},
	"paid twice, only the duplicate given back": {sold, []event{
		paid("cs_1"), paid("cs_2"), refunded("cs_2", 300), refundedInFull("cs_2")},
		paidBy("cs_1", 160)},
	"paid twice, both given back": {sold, []event{
		paid("cs_1"), paid("cs_2"), refundedInFull("cs_1"), refundedInFull("cs_2")},
		refundedBy("cs_1", 160)},
	"paid twice, each given back in part": {sold, []event{
		paid("cs_1"), paid("cs_2"), refunded("cs_1", 100), refunded("cs_2", 200)},
		paidBy("cs_1", 160).back(100).lookAt("DuplicatePayment")},
	"paid twice in sessions opened in one second": {sold, []event{
		paid("cs_1").openedAt(50), paid("cs_2").openedAt(50), refunded("cs_2", 200)},
		paidBy("cs_1", 160).lookAt("DuplicatePayment")},
	"paid twice in events of one second": {sold, []event{
		paid("cs_2").on(300), paid("cs_1").on(300), refundedInFull("cs_1").on(300)},
		paidBy("cs_2", 300)},
	"paid three times, one of them a debit": {sold, []event{
		paid("cs_2"), unpaid("cs_1"), paid("cs_3"), succeeded("cs_1"), refundedInFull("cs_2")},
		paidBy("cs_1", 500).lookAt("DuplicatePayment")},
	"disputed and won": {sold, []event{
		paid("cs_1"), dispute("cs_1", "du_1", "needs_response", 700), dispute("cs_1", "du_1", "under_review", 800), dispute("cs_1", "du_1", "won", 900)},
		paidBy("cs_1", 160)},
	"disputed and won, all in one second": {sold, []event{
		paid("cs_1"), dispute("cs_1", "du_1", "needs_response", 700), dispute("cs_1", "du_1", "under_review", 700), dispute("cs_1", "du_1", "won", 700)},
		paidBy("cs_1", 160)},
	"disputed and lost": {sold, []event{
		paid("cs_1"), dispute("cs_1", "du_1", "needs_response", 700), dispute("cs_1", "du_1", "lost", 900)},
		paidBy("cs_1", 160).lookAt("Disputed")},
	"an inquiry closed, then refunded": {sold, []event{
		paid("cs_1"), dispute("cs_1", "du_1", "warning_needs_response", 700), dispute("cs_1", "du_1", "warning_closed", 900), refundedInFull("cs_1")},
		refundedBy("cs_1", 160)},
	"two disputes, one won and one open": {sold, []event{
		paid("cs_1"), dispute("cs_1", "du_2", "needs_response", 700), dispute("cs_1", "du_1", "needs_response", 750), dispute("cs_1", "du_2", "won", 900)},
		paidBy("cs_1", 160).lookAt("Disputed")},
	"the wrong amount, then the right one": {sold, []event{
		paid("cs_1").of(100), paid("cs_2")},
		paidBy("cs_2", 260).lookAt("PaymentMismatch")},
	"the wrong amount, given back, then the right one": {sold, []event{
		paid("cs_1").of(100), refunded("cs_1", 40), refundedInFull("cs_1").of(100), paid("cs_2")},
		paidBy("cs_2", 260)},
	"the wrong amount by debit, which fails": {sold, []event{
		unpaid("cs_1").of(100), failed("cs_1").of(100)},
		pending},
	"the wrong currency, then the right one in capitals": {sold, []event{
		paid("cs_1").in("cad"), paid("cs_2").in("USD")},
		paidBy("cs_2", 260).lookAt("PaymentMismatch")},
	"test money, then real money": {sold, []event{
		paid("cs_1").inTestMode(), paid("cs_2")},
		paidBy("cs_2", 260).lookAt("ModeMismatch")},
	"test money, given back, then real money": {sold, []event{
		paid("cs_1").inTestMode(), refundedInFull("cs_1").inTestMode(), paid("cs_2")},
		paidBy("cs_2", 260)},
	"the wrong link, then the right one": {tied, []event{
		paid("cs_1").through("plink_2"), paid("cs_2")},
		paidBy("cs_2", 260).lookAt("PaymentMismatch")},
	"the wrong link, given back, then the right one": {tied, []event{
		paid("cs_1").through(""), refundedInFull("cs_1"), paid("cs_2"), refunded("cs_2", 700)},
		paidBy("cs_2", 260).back(700)},
	"expired, and nobody paid": {sold, []event{
		lapsed("cs_1"), expiry()},
		lateDead},
	"expired, then late money": {sold, []event{
		expiry(), paid("cs_1")},
		paidBy("cs_1", 160).lookAt("PaidAfterExpiry")},
	"expired, then late money, given back": {sold, []event{
		expiry(), unpaid("cs_1"), succeeded("cs_1"), refundedInFull("cs_1")},
		refundedBy("cs_1", 500)},
	"expired, then a debit that fails": {sold, []event{
		expiry(), unpaid("cs_1"), failed("cs_1")},
		lateDead},
	"another session expires a day after the payment": {sold, []event{
		paid("cs_2"), lapsed("cs_1")},
		paidBy("cs_2", 260)},
	"a refund fails after it was made in full": {sold, []event{
		paid("cs_1"), refundedInFull("cs_1"), refundFailed("cs_1", "re_1", 19900)},
		refundedBy("cs_1", 160).lookAt("RefundFailed")},
	"one of two refunds fails, said in both families of events": {sold, []event{
		paid("cs_1"), refunded("cs_1", 5000), refunded("cs_1", 9000), refundFailed("cs_1", "re_2", 4000), refundFailed("cs_1", "re_2", 4000).twin()},
		paidBy("cs_1", 160).back(9000).lookAt("RefundFailed")},
	"nothing to pay": {free, []event{
		paid("cs_1").of(0).withoutIntent()},
		paidBy("cs_1", 160).noIntent()},
	"nothing to pay, done twice": {free, []event{
		paid("cs_1").of(0).withoutIntent(), paid("cs_2").of(0).withoutIntent()},
		paidBy("cs_1", 160).noIntent()},
	"nothing was paid for something": {sold, []event{
		paid("cs_1").of(0).withoutIntent(), paid("cs_2")},
		paidBy("cs_2", 260)},
	"the debit's intent is known only when it succeeds": {sold, []event{
		unpaid("cs_1").withoutIntent(), refunded("cs_1", 100), succeeded("cs_1")},
		paidBy("cs_1", 500).back(100)},
	"a refund of somebody else's payment waits": {sold, []event{
		paid("cs_1"), refundedInFull("cs_9"), dispute("cs_9", "du_9", "lost", 700)},
		paidBy("cs_1", 160)},
	"everything goes wrong": {tied, []event{
		paid("cs_1").through("plink_2"), paid("cs_2"), expiry(), dispute("cs_2", "du_1", "needs_response", 700), paid("cs_3"), refundFailed("cs_1", "re_1", 5)},
		paidBy("cs_2", 260).lookAt("PaymentMismatch", "DuplicatePayment", "Disputed", "PaidAfterExpiry", "RefundFailed")},
}

// TestLifeCycles delivers each life cycle in every order there is, each time three ways: once; every event twice in a
// row; and all of it, then all of it again. Every arrival must end in one status, the expected one, and none may take
// the order back from Paid or Refunded on the way.
func TestLifeCycles(t *testing.T) {
	const mostEvents = 6 // 720 orders, 35,000 facts: enough for a life, little enough for every run of the tests
	for name, life := range lifeCycles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(life.events) > mostEvents {
				t.Fatalf("%d events are too many to permute", len(life.events))
			}
			first := keep(life.terms, life.events...)
			if diff := gocmp.Diff(life.want, first.ending()); diff != "" {
				t.Fatalf("told as it happened (-want +got)\n%s", diff)
			}
			first.check(t, life.events)
			want := first.status()
			permute(slices.Clone(life.events), 0, func(events []event) {
				for _, arrival := range [][]event{events, stutter(events), slices.Concat(events, events), slices.Concat(stutter(events), events)} {
					b := keep(life.terms, arrival...)
					same(t, want, b.status(), arrival)
					b.check(t, arrival)
				}
			})
		})
	}
	if len(lifeCycles) < 18 {
		t.Errorf("only %d life cycles", len(lifeCycles))
	}
}

// permute calls visit with every order of list[from:], which it rearranges in place.
func permute(list []event, from int, visit func([]event)) {
	if from == len(list) {
		visit(list)
		return
	}
	for i := from; i < len(list); i++ {
		list[from], list[i] = list[i], list[from]
		permute(list, from+1, visit)
		list[from], list[i] = list[i], list[from]
	}
}

// stutter repeats every event at once, as when an answer was lost on its way back to Stripe.
func stutter(events []event) []event {
	var twice []event
	for _, e := range events {
		twice = append(twice, e, e)
	}
	return twice
}
