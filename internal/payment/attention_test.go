package payment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/internal/payment"
)

// TestAttention follows each reason for a person to look from where it begins to where it ends, if it ends. After
// every step the reasons must be those of the step, and those of the oracle.
func TestAttention(t *testing.T) {
	type step struct {
		event event
		want  []string
	}
	none := []string(nil)
	for name, row := range map[string]struct {
		terms payment.Terms
		steps []step
	}{
		"too little, given back in two parts": {sold, []step{
			{paid("cs_1").of(100), sorted("PaymentMismatch")},
			{refunded("cs_1", 50), sorted("PaymentMismatch")},
			{refundedInFull("cs_1").of(100), none},
		}},
		"another currency, given back": {sold, []step{
			{paid("cs_1").in("cad"), sorted("PaymentMismatch")},
			{refundedInFull("cs_1"), none},
		}},
		"another link, given back": {tied, []step{
			{paid("cs_1").through("plink_2"), sorted("PaymentMismatch")},
			{refundedInFull("cs_1"), none},
		}},
		"a mismatch stays when the right payment comes, until it is given back": {sold, []step{
			{paid("cs_1").of(100), sorted("PaymentMismatch")},
			{paid("cs_2"), sorted("PaymentMismatch")},
			{refundedInFull("cs_2"), sorted("PaymentMismatch")},
			{refundedInFull("cs_1").of(100), none},
		}},
		"a debit of the wrong amount holds no money until it succeeds": {sold, []step{
			{unpaid("cs_1").of(100), none},
			{failed("cs_1").of(100), none},
			{succeeded("cs_1").of(100), sorted("PaymentMismatch")},
		}},
		"test money for a live order": {sold, []step{
			{paid("cs_1").inTestMode(), sorted("ModeMismatch")},
			{paid("cs_2"), sorted("ModeMismatch")},
			{refundedInFull("cs_1").inTestMode(), none},
		}},
		"nothing was charged, so there is nothing to give back": {sold, []step{
			{paid("cs_1").of(0), none},
			{paid("cs_2").of(0).inTestMode(), none},
			{paid("cs_3"), none},
		}},
		"test money of the wrong amount is a matter of mode alone": {sold, []step{
			{paid("cs_1").inTestMode().of(1), sorted("ModeMismatch")},
		}},
		"paid twice, the later one given back": {sold, []step{
			{paid("cs_1"), none},
			{paid("cs_2"), sorted("DuplicatePayment")},
			{refunded("cs_2", 19899), sorted("DuplicatePayment")},
			{refundedInFull("cs_2"), none},
		}},
		"paid three times, two given back, the first among them": {sold, []step{
			{paid("cs_1"), none},
			{paid("cs_2"), sorted("DuplicatePayment")},
			{paid("cs_3"), sorted("DuplicatePayment")},
			{refundedInFull("cs_1"), sorted("DuplicatePayment")},
			{refundedInFull("cs_3"), none},
		}},
		"a dispute answered and won": {sold, []step{
			{paid("cs_1"), none},
			{dispute("cs_1", "du_1", "needs_response", 700), sorted("Disputed")},
			{dispute("cs_1", "du_1", "under_review", 800), sorted("Disputed")},
			{dispute("cs_1", "du_1", "won", 900), none},
		}},
		"a dispute lost stays": {sold, []step{
			{paid("cs_1"), none},
			{dispute("cs_1", "du_1", "needs_response", 700), sorted("Disputed")},
			{dispute("cs_1", "du_1", "lost", 900), sorted("Disputed")},
		}},
		"an inquiry that came to nothing": {sold, []step{
			{paid("cs_1"), none},
			{dispute("cs_1", "du_1", "warning_needs_response", 700), sorted("Disputed")},
			{dispute("cs_1", "du_1", "warning_under_review", 800), sorted("Disputed")},
			{dispute("cs_1", "du_1", "warning_closed", 900), none},
		}},
		"a dispute prevented": {sold, []step{
			{paid("cs_1"), none},
			{dispute("cs_1", "du_1", "prevented", 900), none},
		}},
		"a dispute in words that Stripe has yet to invent is open": {sold, []step{
			{paid("cs_1"), none},
			{dispute("cs_1", "du_1", "escalated", 700), sorted("Disputed")},
			{dispute("cs_1", "du_1", "won", 900), none},
		}},
		"a dispute said to be open again after it was won": {sold, []step{
			{paid("cs_1"), none},
			{dispute("cs_1", "du_1", "won", 700), none},
			{dispute("cs_1", "du_1", "under_review", 800), sorted("Disputed")},
		}},
		"one dispute won, another open": {sold, []step{
			{paid("cs_1"), none},
			{dispute("cs_1", "du_1", "won", 700), none},
			{dispute("cs_1", "du_2", "needs_response", 650), sorted("Disputed")},
		}},
		"a dispute of a payment that does not count": {sold, []step{
			{paid("cs_1").of(100), sorted("PaymentMismatch")},
			{dispute("cs_1", "du_1", "needs_response", 700), sorted("Disputed", "PaymentMismatch")},
			{refundedInFull("cs_1").of(100), sorted("Disputed")},
		}},
		"a refund that failed stays, whatever is refunded later": {sold, []step{
			{paid("cs_1"), none},
			{refundedInFull("cs_1"), none},
			{refundFailed("cs_1", "re_1", 19900), sorted("RefundFailed")},
			{refundedInFull("cs_1").on(99999), sorted("RefundFailed")},
		}},
		"money after expiry, given back": {sold, []step{
			{expiry(), none},
			{unpaid("cs_1"), none},
			{succeeded("cs_1"), sorted("PaidAfterExpiry")},
			{refundedInFull("cs_1"), none},
		}},
		"money of the wrong amount after expiry": {sold, []step{
			{expiry(), none},
			{paid("cs_1").of(100), sorted("PaymentMismatch")},
		}},
		"everything at once": {sold, []step{
			{expiry(), none},
			{paid("cs_1"), sorted("PaidAfterExpiry")},
			{paid("cs_2"), sorted("PaidAfterExpiry", "DuplicatePayment")},
			{paid("cs_3").of(1), sorted("PaidAfterExpiry", "DuplicatePayment", "PaymentMismatch")},
			{paid("cs_4").inTestMode(), sorted("PaidAfterExpiry", "DuplicatePayment", "PaymentMismatch", "ModeMismatch")},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := keep(row.terms)
			var so []event
			for i, s := range row.steps {
				so = append(so, s.event)
				b.record(s.event)
				if diff := gocmp.Diff(s.want, b.ending().Attention); diff != "" {
					t.Errorf("after step %d, %s of %s (-want +got)\n%s", i+1, s.event.kind, s.event.session, diff)
				}
				b.check(t, so)
			}
		})
	}
}

// TestAttentionMostPressingFirst holds the order of the reasons, for an order can show only one of them as its own.
func TestAttentionMostPressingFirst(t *testing.T) {
	events := []event{
		expiry(), paid("cs_1"), paid("cs_2"), paid("cs_3").of(1), paid("cs_4").inTestMode(),
		dispute("cs_1", "du_1", "needs_response", 700), refundFailed("cs_1", "re_1", 500),
	}
	b := keep(sold, events...)
	b.facts.Dropped = true
	var got []string
	for _, a := range b.settle().Attention {
		got = append(got, a.Reason)
	}
	want := []string{
		"PaymentMismatch", "ModeMismatch", "DuplicatePayment", "Disputed", "RefundFailed", "PaidAfterExpiry", "TooManyPayments",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestAttentionSaysWhatToDo looks for the words that a person needs: which payment, what is wrong with it, and the
// next step.
func TestAttentionSaysWhatToDo(t *testing.T) {
	var many []event
	for i := 1; i <= 9; i++ {
		many = append(many, paid(fmt.Sprintf("cs_%d", i)).of(100))
	}
	for name, row := range map[string]struct {
		terms  payment.Terms
		events []event
		reason string
		want   []string
	}{
		"amount":        {sold, []event{paid("cs_1").of(100)}, "PaymentMismatch", []string{"cs_1", "1.00 USD instead of 199.00 USD", "refund"}},
		"currency":      {sold, []event{paid("cs_1").in("jpy")}, "PaymentMismatch", []string{"cs_1", "19900 JPY instead of 199.00 USD", "refund"}},
		"link":          {tied, []event{paid("cs_1").through("plink_2")}, "PaymentMismatch", []string{"cs_1", "plink_2 instead of plink_1", "refund"}},
		"no link":       {tied, []event{paid("cs_1").through("")}, "PaymentMismatch", []string{"cs_1", "no Payment Link instead of plink_1", "refund"}},
		"nine of them":  {sold, many, "PaymentMismatch", []string{"cs_1", "cs_3", "and 6 more"}},
		"test mode":     {sold, []event{paid("cs_1").inTestMode()}, "ModeMismatch", []string{"cs_1", "test", "spec.livemode"}},
		"live mode":     {payment.Terms{Amount: 19900, Currency: "USD"}, []event{paid("cs_1")}, "ModeMismatch", []string{"cs_1", "live", "refund"}},
		"duplicate":     {sold, []event{paid("cs_1"), paid("cs_2")}, "DuplicatePayment", []string{"cs_2", "refund"}},
		"dispute":       {sold, []event{paid("cs_1"), dispute("cs_1", "du_1", "lost", 700)}, "Disputed", []string{"du_1", "lost", "fraudulent"}},
		"failed refund": {sold, []event{paid("cs_1"), refundFailed("cs_1", "re_1", 500)}, "RefundFailed", []string{"re_1", "5.00 USD"}},
		"late money":    {sold, []event{expiry(), paid("cs_1")}, "PaidAfterExpiry", []string{"expired", "refund"}},
	} {
		t.Run(name, func(t *testing.T) {
			list := keep(row.terms, row.events...).settle().Attention
			i := slices.IndexFunc(list, func(a payment.Attention) bool { return a.Reason == row.reason })
			if i < 0 {
				t.Fatalf("no %s in %+v", row.reason, list)
			}
			for _, words := range row.want {
				if !strings.Contains(list[i].Message, words) {
					t.Errorf("%q does not say %q", list[i].Message, words)
				}
			}
		})
	}
}

// TestPhaseSaysWhy looks for what the condition Paid must tell people.
func TestPhaseSaysWhy(t *testing.T) {
	for name, row := range map[string]struct {
		events []event
		want   []string
	}{
		"pending":         {nil, []string{"No payment"}},
		"paid":            {[]event{paid("cs_1")}, []string{"199.00 USD", "cs_1"}},
		"partly refunded": {[]event{paid("cs_1"), refunded("cs_1", 5000)}, []string{"199.00 USD", "50.00 USD", "refunded"}},
		"refunded":        {[]event{paid("cs_1"), refundedInFull("cs_1")}, []string{"refunded in full"}},
		"on its way":      {[]event{unpaid("cs_1")}, []string{"on its way"}},
		"failed":          {[]event{failed("cs_1")}, []string{"did not go through"}},
		"expired":         {[]event{expiry()}, []string{"spec.expiresAfter"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := keep(sold, row.events...).settle().Message
			for _, words := range row.want {
				if !strings.Contains(got, words) {
					t.Errorf("%q does not say %q", got, words)
				}
			}
		})
	}
}

// TestAttentionFitsAnEvent: the API server refuses an Event whose note is longer than 1024 bytes, and the order with
// the most to tell must not be the one that nobody is told of.
func TestAttentionFitsAnEvent(t *testing.T) {
	id := func(prefix string, i int) string { return fmt.Sprintf("%s%058d", prefix, i) } // as long as Stripe's longest
	for name, spoil := range map[string]func(event) event{
		"PaymentMismatch":  func(e event) event { return e.through(id("plink_", 2)) },
		"ModeMismatch":     event.inTestMode,
		"DuplicatePayment": func(e event) event { return e },
	} {
		b := keep(payment.Terms{Amount: 19900, Currency: "USD", Livemode: true, PaymentLinkID: id("plink_", 1)})
		for i := range payment.MaxPayments {
			e := spoil(paid("cs_1").through(id("plink_", 1)))
			e.session, e.intent = id("cs_live_", i), id("pi_", i)
			b.record(e)
			for j := range 4 {
				d, r := dispute("cs_1", id("du_", 100*i+j), "warning_needs_response", 700), refundFailed("cs_1", id("re_", 100*i+j), 19900)
				d.intent, r.intent = e.intent, e.intent
				b.record(d, r)
			}
		}
		list := b.settle().Attention
		if !slices.ContainsFunc(list, func(a payment.Attention) bool { return a.Reason == name }) {
			t.Errorf("no %s in %+v", name, list)
		}
		for _, a := range list {
			if len(a.Message) > 1024 {
				t.Errorf("%s takes %d bytes: %s", a.Reason, len(a.Message), a.Message)
			}
		}
	}
}
