package client_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// notOfAnswer leaves out when a dispute was reported, which is when Stripe answered.
var notOfAnswer = cmpopts.IgnoreFields(v1alpha1.Dispute{}, "ReportedAt")

// TestDisputes: a dispute is what its last webhook says it is.
func TestDisputes(t *testing.T) {
	for _, live := range []bool{false, true} {
		for _, end := range []string{"", "won", "lost", "warning_closed"} {
			t.Run(fmt.Sprintf("%s, live %t", end, live), func(t *testing.T) {
				s := newSeller(t, live, 19900)
				in := s.listen(t, live)
				quiet := s.pay(t)
				disputed := s.disputed(t, end)
				if err := s.WaitDelivered(t.Context()); err != nil {
					t.Fatal(err)
				}
				got, err := s.client.Disputes(t.Context(), disputed.PaymentIntent)
				if err != nil {
					t.Fatal(err)
				}
				want := in.last(ofDispute)
				if diff := cmp.Diff([]payment.Fact{*want}, got, notOfEvent, notOfAnswer); diff != "" {
					t.Error(diff)
				}
				if id := want.Dispute.ID + ":" + want.Dispute.Status; len(got) == 1 && (got[0].EventID != id || got[0].Type != "charge.dispute.updated") {
					t.Errorf("it is named %s, a %s", got[0].EventID, got[0].Type)
				}
				if none, err := s.client.Disputes(t.Context(), quiet.PaymentIntent); err != nil || len(none) > 0 {
					t.Errorf("%+v, %v", none, err)
				}
				s.made.must(t, []string{"disputes.list 200", "disputes.list 200"}, nil)
			})
		}
	}
}

// TestFailedRefunds: of the refunds of a payment those that came to nothing are told, as their webhooks do.
func TestFailedRefunds(t *testing.T) {
	for _, live := range []bool{false, true} {
		s := newSeller(t, live, 19900)
		in := s.listen(t, live)
		quiet, session := s.refunded(t, 700), s.pay(t)
		var want []string
		for i, amount := range []int64{100, 200, 300} {
			if refund := s.refund(t, session.PaymentIntent, amount); i != 1 {
				want = append(want, refund.ID)
			}
		}
		for _, id := range want {
			if err := s.FailRefund(id); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.WaitDelivered(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := s.client.FailedRefunds(t.Context(), session.PaymentIntent)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%+v, %v", got, err)
		}
		for i, fact := range got {
			id := want[len(want)-1-i] // the newest first
			told := in.last(func(f payment.Fact) bool { return ofFailedRefund(f) && f.FailedRefund.ID == id })
			if diff := cmp.Diff(*told, fact, notOfEvent); diff != "" {
				t.Error(diff)
			}
			if fact.EventID != id+":failed" || fact.Type != "refund.failed" {
				t.Errorf("it is named %s, a %s", fact.EventID, fact.Type)
			}
		}
		if none, err := s.client.FailedRefunds(t.Context(), quiet.PaymentIntent); err != nil || len(none) > 0 {
			t.Errorf("%+v, %v", none, err)
		}
		s.made.must(t, []string{"refunds.list 200", "refunds.list 200"}, nil)
	}
}

// TestAftermathDated: what is so now was reported when Stripe answered or, where it does not say when that was, when the
// thing was made.
func TestAftermathDated(t *testing.T) {
	made := noon.Add(-time.Hour)
	dispute := fmt.Sprintf(`{"id":"du_1","payment_intent":"pi_1","status":"under_review","reason":"fraudulent","amount":19900,"created":%d}`, made.Unix())
	for date, reported := range map[string]time.Time{noon.Format(http.TimeFormat): noon, "today": made} {
		api := newScript(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", date)
			listed(false, dispute)(w, r)
		})
		client, _ := newClient(t, "rk_test_"+keyTail, api.URL, time.Minute)
		got, err := client.Disputes(t.Context(), "pi_1")
		if err != nil {
			t.Fatal(err)
		}
		want := []payment.Fact{{
			EventID: "du_1:under_review", Type: "charge.dispute.updated", Created: metav1.NewTime(reported), PaymentIntentID: "pi_1",
			Dispute: &v1alpha1.Dispute{ID: "du_1", Status: "under_review", Reason: "fraudulent", Amount: 19900, ReportedAt: metav1.NewTime(reported)},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", date, diff)
		}
	}
}

// TestAftermathOfOthers: what another answer brings is not this payment's, and what is still under way has not failed.
func TestAftermathOfOthers(t *testing.T) {
	refund := func(id, intent, status string) string {
		return fmt.Sprintf(`{"id":%q,"payment_intent":%s,"status":%q,"amount":900}`, id, intent, status)
	}
	api := newScript(t, listed(false,
		refund("re_1", `"pi_1"`, "failed"), refund("re_2", `"pi_2"`, "failed"), refund("re_3", `null`, "failed"), refund("re_4", `"pi_1"`, "pending"),
		refund("re_5", `"pi_1"`, "requires_action"), refund("re_6", `{"id":"pi_1"}`, "canceled"), refund("re_7", `"pi_1"`, "succeeded"),
	))
	client, _ := newClient(t, "rk_test_"+keyTail, api.URL, time.Minute)
	got, err := client.FailedRefunds(t.Context(), "pi_1")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, fact := range got {
		names = append(names, fact.EventID)
	}
	if diff := cmp.Diff([]string{"re_1:failed", "re_6:canceled"}, names); diff != "" {
		t.Error(diff)
	}
}

// TestAftermathRefused: a key that may not ask is told what it lacks.
func TestAftermathRefused(t *testing.T) {
	client, _ := newClient(t, "rk_test_"+keyTail, newScript(t, refuses(http.StatusForbidden, "")).URL, time.Minute)
	for want, ask := range map[string]func() ([]payment.Fact, error){
		"give it read access to Disputes":            func() ([]payment.Fact, error) { return client.Disputes(t.Context(), "pi_1") },
		"give it read access to Charges and Refunds": func() ([]payment.Fact, error) { return client.FailedRefunds(t.Context(), "pi_1") },
	} {
		got, err := ask()
		unanswered(t, err, want)
		if len(got) > 0 {
			t.Errorf("%+v", got)
		}
	}
}
