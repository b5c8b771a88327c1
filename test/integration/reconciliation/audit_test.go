package reconciliation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestTheAuditFindsWhatWasLost: no webhook came, and nobody read Stripe's events. The audit compares the books, makes good
// what is missing, and says how much that was; the next one finds nothing.
func TestTheAuditFindsWhatWasLost(t *testing.T) {
	s := openShop(t, auditing)
	s.Deliver(stripesim.Plan{Drop: stripesim.DropTypes()})
	orders := s.sell(6)
	paid, refunded, inPart, disputed, byDebit := orders[0], orders[1], orders[2], orders[3], orders[4] // and one is not paid
	s.card(paid)
	s.refund(s.card(refunded), 0)
	s.refund(s.card(inPart), 900)
	s.dispute(s.card(disputed))
	s.debit(byDebit, true)

	s.Await(paid, "paid", seller.InPhase(v1alpha1.OrderPaid))
	s.Await(refunded, "refunded", seller.InPhase(v1alpha1.OrderRefunded))
	s.Await(disputed, "disputed", seller.NeedsAttention(v1alpha1.ReasonDisputed))
	s.agree()
	s.auditTwice()
	were := s.byType(s.Paylink.Controller, missingTotal)
	// A debit may be found as it comes; the books say nothing of when a dispute became what it is.
	if were[sessionCompleted] < 5 || were[sessionCompleted] > 6 || were[chargeRefunded] != 2 || were[disputeUpdated] != 1 || len(were) != 3 {
		t.Errorf("missing were %v", were)
	}
	s.auditTwice()
	if diff := cmp.Diff(were, s.byType(s.Paylink.Controller, missingTotal)); diff != "" {
		t.Errorf("missing (-first +later)\n%s", diff)
	}
	kept := s.awaitSummary("5 sessions", "0 facts were missing here (applied)", "0 orders disagree")
	if kept["audited-at"] == "" || kept["events-read-until"] != "" {
		t.Errorf("kept is %v", kept)
	}
	if n := s.metrics(s.Paylink.Controller)[disagreements]; n > 0 {
		t.Errorf("%f orders disagree", n)
	}
	for _, o := range s.Orders() {
		if c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionVerified); c != nil {
			t.Errorf("%s agrees with Stripe, and has the condition %+v", o.Name, c)
		}
	}
}

// auditTwice waits until an audit has come to its end that began after this.
func (s *shop) auditTwice() {
	s.T.Helper()
	for range 2 { // the first of them may have been under way
		before := s.metrics(s.Paylink.Controller)[audited]
		s.awaitMetric(s.Paylink.Controller, audited, func(now float64) bool { return now > before })
	}
}

// awaitSummary waits until what is kept of the last audit has some words, and returns all that is kept.
func (s *shop) awaitSummary(words ...string) (kept map[string]string) {
	s.T.Helper()
	s.Eventually(fmt.Sprintf("the audit says %q", words), func(ctx context.Context) (_ bool, err error) {
		if kept, _, err = s.state(ctx); err != nil {
			return false, err
		}
		lacks := func(word string) bool { return !strings.Contains(kept["audit"], word) }
		return !slices.ContainsFunc(words, lacks), fmt.Errorf("it says %q", kept["audit"])
	})
	return kept
}

// TestADryAudit says what it would do, and does nothing of it.
func TestADryAudit(t *testing.T) {
	s := openShop(t, append([]string{"--audit-dry-run"}, auditing...))
	s.Deliver(stripesim.Plan{Drop: stripesim.DropTypes()})
	orders := s.sell(2)
	s.card(orders[0])
	s.refund(s.card(orders[1]), 0)
	s.auditTwice()
	were := s.byType(s.Paylink.Controller, missingTotal)
	if were[sessionCompleted] < 2 || were[chargeRefunded] < 1 {
		t.Errorf("missing were %v", were)
	}
	s.auditTwice()
	for _, o := range orders {
		if now := s.Read(o); now.ResourceVersion != o.ResourceVersion {
			t.Errorf("%s was changed to %+v", o.Name, now.Status)
		}
	}
	if kept := s.KeptThat(func(v1alpha1.StripeEventFact) bool { return true }); len(kept) > 0 {
		t.Errorf("kept: %+v", kept)
	}
	s.awaitSummary("2 sessions", "3 facts were missing here (not applied: this is a dry run)")
	if log := s.log(s.Paylink.Controller); !strings.Contains(log, `"dryRun":true`) || !strings.Contains(log, "Stripe's books have what was not known here") {
		t.Error("the log does not say what a dry run found")
	}
}

// TestAnOrderWasTamperedWith: somebody with the right to write the status of orders says that a buyer got money back who did
// not. No event of Stripe's ever takes that back; the audit sees it, and says so until it is put right.
func TestAnOrderWasTamperedWith(t *testing.T) {
	s := openShop(t, auditing)
	orders := s.sell(2)
	session := s.card(orders[0])
	s.refund(session, 900)
	s.card(orders[1])
	s.agree()
	s.setRefunded(orders[0], 5000)
	o := s.Await(orders[0], "known to be wrong", verified(metav1.ConditionFalse, v1alpha1.ReasonStripeDisagrees))
	s.awaitMetric(s.Paylink.Controller, disagreements, equals(1))
	for _, word := range []string{session.ID, "50.00 USD", "9.00 USD"} {
		if c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionVerified); !strings.Contains(c.Message, word) {
			t.Errorf("the condition does not say %q: %s", word, c.Message)
		}
	}
	s.awaitEvent(o, "Order", v1alpha1.ReasonStripeDisagrees, session.ID)
	s.awaitSummary("2 sessions", "1 orders disagree")
	if c := meta.FindStatusCondition(s.Read(orders[1]).Status.Conditions, v1alpha1.ConditionVerified); c != nil {
		t.Errorf("the other order has the condition %+v", c)
	}

	s.setRefunded(orders[0], 900)
	s.Await(orders[0], "right again", verified(metav1.ConditionTrue, v1alpha1.ReasonStripeAgrees))
	s.awaitMetric(s.Paylink.Controller, disagreements, equals(0))
	s.agree()
}

func verified(status metav1.ConditionStatus, reason string) func(*v1alpha1.Order) bool {
	return func(o *v1alpha1.Order) bool {
		c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionVerified)
		return c != nil && c.Status == status && c.Reason == reason
	}
}

// setRefunded writes into an order how much was refunded of its payment.
func (s *shop) setRefunded(o *v1alpha1.Order, amount int64) {
	s.T.Helper()
	payments := s.Read(o).Status.Payments
	payments[0].AmountRefunded = amount
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"payments": payments, "amountRefunded": amount}})
	s.must(err)
	s.must(s.Paylink.Client.Status().Patch(s.Ctx, o.DeepCopy(), client.RawPatch(types.MergePatchType, patch)))
}
