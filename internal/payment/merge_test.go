package payment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// TestMergeKnows: a session brings its payment with it, anything else needs the payment to be there.
func TestMergeKnows(t *testing.T) {
	for name, row := range map[string]struct {
		before []event
		event  event
		want   bool
	}{
		"a session, first of all":           {nil, paid("cs_1"), true},
		"a refund, first of all":            {nil, refunded("cs_1", 100), false},
		"a failed refund, first of all":     {nil, refundFailed("cs_1", "re_1", 100), false},
		"a dispute, first of all":           {nil, dispute("cs_1", "du_1", "won", 700), false},
		"a refund of the payment":           {[]event{paid("cs_1")}, refunded("cs_1", 100), true},
		"a failed refund of the payment":    {[]event{paid("cs_1")}, refundFailed("cs_1", "re_1", 100), true},
		"a dispute of the payment":          {[]event{paid("cs_1")}, dispute("cs_1", "du_1", "won", 700), true},
		"a refund of another":               {[]event{paid("cs_1")}, refunded("cs_2", 100), false},
		"a refund while the debit travels":  {[]event{unpaid("cs_1")}, refunded("cs_1", 100), true},
		"a refund of a bad payment":         {[]event{paid("cs_1").of(1)}, refunded("cs_1", 1), true},
		"a refund that names no payment":    {[]event{paid("cs_1").withoutIntent()}, refunded("cs_1", 100).withoutIntent(), false},
		"a refund of a payment not known":   {[]event{paid("cs_1").withoutIntent()}, refunded("cs_1", 100), false},
		"a dispute that names no payment":   {[]event{paid("cs_1").withoutIntent()}, dispute("cs_1", "du_1", "won", 7).withoutIntent(), false},
		"a second session beside the first": {[]event{paid("cs_1")}, paid("cs_2"), true},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := row.event.fact()
			if _, known := payment.Merge(keep(sold, row.before...).facts.Payments, f); known != row.want {
				t.Errorf("known = %v, want %v", known, row.want)
			}
		})
	}
}

// TestMergeOwnsItsResult: what Merge returns shares no memory with what it was given. The payments it is given come
// out of a cache that everybody reads.
func TestMergeOwnsItsResult(t *testing.T) {
	given := keep(sold, paid("cs_1"), dispute("cs_1", "du_1", "won", 700), refundFailed("cs_1", "re_1", 5)).facts.Payments
	want := (&v1alpha1.OrderStatus{Payments: given}).DeepCopy().Payments
	for _, e := range []event{
		paid("cs_1").on(1), paid("cs_0"), refundedInFull("cs_1"),
		dispute("cs_1", "du_0", "lost", 900), dispute("cs_1", "du_1", "lost", 900), refundFailed("cs_1", "re_0", 9), refundFailed("cs_1", "re_1", 9),
	} {
		f, _ := e.fact()
		merged, _ := payment.Merge(given, f)
		for i := range merged {
			p := &merged[i]
			p.SessionID, p.PaidAt.Time = "cs_spoiled", second(1e6).Time
			for j := range p.Disputes {
				p.Disputes[j].Status = "spoiled"
			}
			for j := range p.FailedRefunds {
				p.FailedRefunds[j].Amount = -1
			}
		}
		if diff := gocmp.Diff(want, given); diff != "" {
			t.Errorf("%s: the given payments changed (-want +got)\n%s", e.kind, diff)
		}
		if fresh, _ := e.fact(); !gocmp.Equal(fresh, f) {
			t.Errorf("%s: the given fact changed (-want +got)\n%s", e.kind, gocmp.Diff(fresh, f))
		}
	}
}

// TestMergeKeepsTheFurthestReport: what is known of a session is what the report that got furthest said, and when it
// was first said to be paid.
func TestMergeKeepsTheFurthestReport(t *testing.T) {
	at := second(480)
	want := []v1alpha1.Payment{{
		SessionID: "cs_1", Outcome: v1alpha1.OutcomePaid, PaymentIntentID: "pi_1", Amount: 19900, Currency: "usd",
		Livemode: true, PaymentLinkID: "plink_1", Created: second(100), PaidAt: &at, AmountRefunded: 300, FullyRefunded: true,
		FailedRefunds: []v1alpha1.FailedRefund{{ID: "re_1", Amount: 9}, {ID: "re_2", Amount: 5}},
		Disputes: []v1alpha1.Dispute{
			{ID: "du_1", Status: "under_review", Reason: "fraudulent", Amount: 19900, ReportedAt: second(900)},
			{ID: "du_2", Status: "lost", Reason: "fraudulent", Amount: 19900, ReportedAt: second(700)},
		},
	}}
	permute([]event{
		succeeded("cs_1"), succeeded("cs_1").on(480), unpaid("cs_1").withoutIntent(), failed("cs_1").on(9),
	}, 0, func(sessions []event) {
		b := keep(sold, sessions...)
		b.record(
			refunded("cs_1", 300), refundedInFull("cs_1").of(200), refunded("cs_1", 100),
			refundFailed("cs_1", "re_2", 5), refundFailed("cs_1", "re_1", 9), refundFailed("cs_1", "re_1", 2),
			dispute("cs_1", "du_2", "lost", 700), dispute("cs_1", "du_2", "needs_response", 700),
			dispute("cs_1", "du_1", "under_review", 900), dispute("cs_1", "du_1", "won", 800),
		)
		if diff := gocmp.Diff(want, b.facts.Payments); diff != "" {
			t.Errorf("(-want +got)\n%s\n%s", diff, transcript(sessions))
		}
	})
}

// TestPaidAtUnknownTime: an event that does not say when it was made pays all the same, and makes up no time.
func TestPaidAtUnknownTime(t *testing.T) {
	f, _ := paid("cs_1").fact()
	f.Created = metav1.Time{}
	for _, first := range []bool{true, false} {
		b := keep(sold)
		if first {
			b.receive(f)
			if s := b.settle(); s.Phase != v1alpha1.OrderPaid || s.PaidAt != nil {
				t.Errorf("phase %s, paid at %v; want Paid at no known time", s.Phase, s.PaidAt)
			}
		}
		b.record(paid("cs_1"))
		b.receive(f)
		if diff := gocmp.Diff(paidBy("cs_1", 160), b.ending()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// TestDisputeInOneSecond: of what was said of a dispute in one second, what is further along holds.
func TestDisputeInOneSecond(t *testing.T) {
	course := []string{
		"warning_needs_response", "warning_under_review", "needs_response", "under_review", "lost", "won",
	}
	for i, status := range course {
		for _, later := range course[i+1:] {
			for _, events := range [][]event{
				{paid("cs_1"), dispute("cs_1", "du_1", status, 700), dispute("cs_1", "du_1", later, 700)},
				{paid("cs_1"), dispute("cs_1", "du_1", later, 700), dispute("cs_1", "du_1", status, 700)},
			} {
				if got := keep(sold, events...).facts.Payments[0].Disputes[0].Status; got != later {
					t.Errorf("%s and %s: %s holds", status, later, got)
				}
			}
		}
	}
}

// TestMoreThanAPaymentLists: the lists inside a payment are bounded too, and the choice is not one of arrival.
func TestMoreThanAPaymentLists(t *testing.T) {
	var events []event
	for i := range payment.MaxPerPayment + 5 {
		events = append(events,
			dispute("cs_1", fmt.Sprintf("du_%02d", i), "needs_response", 700), dispute("cs_1", fmt.Sprintf("du_%02d", i), "won", 800),
			refundFailed("cs_1", fmt.Sprintf("re_%02d", i), 1), refundFailed("cs_1", fmt.Sprintf("re_%02d", i), 2))
	}
	want := keep(sold, append([]event{paid("cs_1")}, events...)...).status()
	p := want.Facts.Payments[0]
	if len(p.Disputes) != payment.MaxPerPayment || len(p.FailedRefunds) != payment.MaxPerPayment {
		t.Fatalf("%d disputes and %d failed refunds are listed, want %d", len(p.Disputes), len(p.FailedRefunds), payment.MaxPerPayment)
	}
	if last := p.Disputes[payment.MaxPerPayment-1].ID; last != "du_15" {
		t.Errorf("the last dispute listed is %s, want du_15", last)
	}
	for n := range 50 {
		arrival := append([]event{paid("cs_1")}, shuffled(seeded(n), stutter(events))...)
		same(t, want, keep(sold, arrival...).status(), arrival)
	}
}

// TestBadPaymentsDecideNothing: whatever happens to payments that are not accepted, the order stands as if they had
// never been; only a person is told.
func TestBadPaymentsDecideNothing(t *testing.T) {
	spoilers := map[string]func(event) event{
		"amount":   func(e event) event { return e.of(1) },
		"currency": func(e event) event { return e.in("cad") },
		"mode":     event.inTestMode,
		"link":     func(e event) event { return e.through("plink_2") },
	}
	for name, life := range lifeCycles {
		if life.terms != tied && life.terms != sold {
			continue
		}
		for how, spoil := range spoilers {
			terms := life.terms
			terms.PaymentLinkID = "plink_1"
			alone := keep(terms, life.events...).settle()
			bad := []event{
				spoil(paid("cs_0").openedAt(-9).on(1)), spoil(failed("cs_8")), spoil(unpaid("cs_7").openedAt(-8)),
				refundedInFull("cs_0"), dispute("cs_0", "du_0", "lost", 900), refundFailed("cs_0", "re_0", 1),
			}
			for _, arrival := range [][]event{slices.Concat(bad, life.events), slices.Concat(life.events, bad)} {
				got := keep(terms, arrival...).settle()
				got.Attention = alone.Attention
				if diff := gocmp.Diff(alone, got); diff != "" {
					t.Errorf("%s, and a payment of another %s (-alone +beside it)\n%s\n%s", name, how, diff, strings.TrimSpace(transcript(arrival)))
				}
			}
		}
	}
}
