package client_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// TestDisputes: a dispute that is read has the fact of its last webhook. Only the time differs, which is the time of the
// response.
func TestDisputes(t *testing.T) {
	for _, live := range []bool{false, true} {
		for _, end := range []string{"", "won", "lost", "warning_closed"} {
			t.Run(fmt.Sprintf("%s, live %t", end, live), func(t *testing.T) {
				a := newAccount(t, live, 19900)
				webhooks := a.receiveWebhooks(t)
				undisputed, disputed := a.pay(t), a.payAndDispute(t, end)
				check(t, a.WaitDelivered(t.Context()))
				got, err := a.client.Disputes(t.Context(), disputed.PaymentIntent)
				check(t, err)
				want := *webhooks.last(ofDispute)
				want.EventID, want.Type = want.Dispute.ID+":"+want.Dispute.Status, "charge.dispute.updated"
				checkEqual(t, "facts", []payment.Fact{want}, got, cmpopts.IgnoreFields(payment.Fact{}, "Created"), cmpopts.IgnoreFields(v1alpha1.Dispute{}, "ReportedAt"))
				if none, err := a.client.Disputes(t.Context(), undisputed.PaymentIntent); err != nil || len(none) > 0 {
					t.Errorf("undisputed payment: got %+v and error %v, want no fact", none, err)
				}
				a.client.calls.expect(t, "disputes.list 200", "disputes.list 200")
			})
		}
	}
}

// TestFailedRefunds: the failed refunds of a payment have the facts of their webhooks. The other refunds have none.
func TestFailedRefunds(t *testing.T) {
	for _, live := range []bool{false, true} {
		a := newAccount(t, live, 19900)
		webhooks := a.receiveWebhooks(t)
		refunded, session := a.payAndRefund(t, 700), a.pay(t)
		var failed []string
		for i, amount := range []int64{100, 200, 300} {
			if refund := a.refund(t, session.PaymentIntent, amount); i != 1 {
				failed = append(failed, refund.ID)
			}
		}
		for _, id := range failed {
			check(t, a.FailRefund(id))
		}
		check(t, a.WaitDelivered(t.Context()))
		got, err := a.client.FailedRefunds(t.Context(), session.PaymentIntent)
		check(t, err)
		var want []payment.Fact
		for i := range failed {
			id := failed[len(failed)-1-i] // newest first
			fact := *webhooks.last(func(f payment.Fact) bool { return ofFailedRefund(f) && f.FailedRefund.ID == id })
			fact.EventID, fact.Type = id+":failed", "refund.failed"
			want = append(want, fact)
		}
		checkEqual(t, "facts", want, got, cmpopts.IgnoreFields(payment.Fact{}, "Created"))
		if none, err := a.client.FailedRefunds(t.Context(), refunded.PaymentIntent); err != nil || len(none) > 0 {
			t.Errorf("payment without failed refunds: got %+v and error %v, want no fact", none, err)
		}
		a.client.calls.expect(t, "refunds.list 200", "refunds.list 200")
	}
}

// TestReportedAt: a fact is reported at the time of the response or, without a valid Date, when its object was created.
func TestReportedAt(t *testing.T) {
	created := noon.Add(-time.Hour)
	dispute := fmt.Sprintf(`{"id":"du_1","payment_intent":"pi_1","status":"under_review","reason":"fraudulent","amount":19900,"created":%d}`, created.Unix())
	for date, reported := range map[string]time.Time{noon.Format(http.TimeFormat): noon, "today": created} {
		client := newScriptedClient(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", date)
			listPage(false, dispute)(w, r)
		})
		got, err := client.Disputes(t.Context(), "pi_1")
		check(t, err)
		checkEqual(t, "Date "+date, []payment.Fact{{
			EventID: "du_1:under_review", Type: "charge.dispute.updated", Created: metav1.NewTime(reported), PaymentIntentID: "pi_1",
			Dispute: &v1alpha1.Dispute{ID: "du_1", Status: "under_review", Reason: "fraudulent", Amount: 19900, ReportedAt: metav1.NewTime(reported)},
		}}, got)
	}
}

// TestOtherRefunds: refunds of other payments, and refunds that have not failed, are ignored.
func TestOtherRefunds(t *testing.T) {
	refund := func(id, intent, status string) string {
		return fmt.Sprintf(`{"id":%q,"payment_intent":%s,"status":%q,"amount":900}`, id, intent, status)
	}
	client := newScriptedClient(t, listPage(false,
		refund("re_1", `"pi_1"`, "failed"), refund("re_2", `"pi_2"`, "failed"), refund("re_3", `null`, "failed"), refund("re_4", `"pi_1"`, "pending"),
		refund("re_5", `"pi_1"`, "requires_action"), refund("re_6", `{"id":"pi_1"}`, "canceled"), refund("re_7", `"pi_1"`, "succeeded"),
	))
	got, err := client.FailedRefunds(t.Context(), "pi_1")
	check(t, err)
	var ids []string
	for _, fact := range got {
		ids = append(ids, fact.EventID)
	}
	checkEqual(t, "event ids", []string{"re_1:failed", "re_6:canceled"}, ids)
}
