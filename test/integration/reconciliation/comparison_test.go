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
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// TestReconciliationFindsLostPayments: no webhook came, and the controller does not list events. The reconciliation compares Stripe's sessions
// with the orders, applies what is missing and counts it. The next reconciliation finds nothing.
func TestReconciliationFindsLostPayments(t *testing.T) {
	s := newFixture(t, reconciling)
	s.PlanDelivery(stripesim.Plan{Drop: stripesim.DropTypes()})
	orders := s.CreateAllReady(6)
	paid, refunded, inPart, disputed, byDebit := orders[0], orders[1], orders[2], orders[3], orders[4] // the sixth stays unpaid
	s.card(paid)
	s.refund(s.card(refunded), 0)
	s.refund(s.card(inPart), 900)
	s.dispute(s.card(disputed))
	s.debit(byDebit, true)

	s.AwaitPhase(paid, v1alpha1.OrderPaid)
	s.AwaitPhase(refunded, v1alpha1.OrderRefunded)
	s.Await(disputed, "disputed", testclient.NeedsAttention(v1alpha1.ReasonDisputed))
	s.expectAgreement()
	s.awaitTwoReconciliations()
	were := s.byType(s.Stack.Controller, missingTotal)
	// A reconciliation may find the debit before and after it is settled. Stripe's lists do not date the status of a dispute.
	if were[sessionCompleted] < 5 || were[sessionCompleted] > 6 || were[chargeRefunded] != 2 || were[disputeUpdated] != 1 || len(were) != 3 {
		t.Errorf("got %v missing, want every payment, refund and dispute", were)
	}
	s.awaitTwoReconciliations()
	if diff := cmp.Diff(were, s.byType(s.Stack.Controller, missingTotal)); diff != "" {
		t.Errorf("missing (-first +later)\n%s", diff)
	}
	kept := s.awaitSummary("5 sessions", "0 facts were missing here (applied)", "0 orders disagree")
	if kept["reconciled-at"] == "" || kept["events-read-until"] != "" {
		t.Errorf("got the ConfigMap %v, want the time of a reconciliation alone", kept)
	}
	if n := s.Samples(s.Stack.Controller)[disagreements]; n > 0 {
		t.Errorf("got %f disagreements, want 0", n)
	}
	for _, o := range s.Orders() {
		if c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionVerified); c != nil {
			t.Errorf("%s: got the condition %+v, want none", o.Name, c)
		}
	}
}

// awaitTwoReconciliations waits until a reconciliation has ended that began after this call.
func (s *fixture) awaitTwoReconciliations() {
	s.T.Helper()
	for range 2 { // the first of them may have been under way
		before := s.Samples(s.Stack.Controller)[reconciled]
		s.awaitMetric(s.Stack.Controller, reconciled, func(now float64) bool { return now > before })
	}
}

// awaitSummary waits until the summary of the last reconciliation has some words, and returns the ConfigMap's data.
func (s *fixture) awaitSummary(words ...string) (kept map[string]string) {
	s.T.Helper()
	s.Eventually(fmt.Sprintf("the summary of the reconciliation has %q", words), func(ctx context.Context) (_ bool, err error) {
		if kept, _, err = s.state(ctx); err != nil {
			return false, err
		}
		lacks := func(word string) bool { return !strings.Contains(kept["reconciliation"], word) }
		return !slices.ContainsFunc(words, lacks), fmt.Errorf("it is %q", kept["reconciliation"])
	})
	return kept
}

// TestTamperedOrder: a writer of orders/status records a refund that Stripe never made. No event corrects that. The reconciliation
// reports it until it is corrected.
func TestTamperedOrder(t *testing.T) {
	s := newFixture(t, reconciling)
	orders := s.CreateAllReady(2)
	session := s.card(orders[0])
	s.refund(session, 900)
	s.card(orders[1])
	s.expectAgreement()
	s.setRefunded(orders[0], 5000)
	o := s.Await(orders[0], "not verified", verified(metav1.ConditionFalse, v1alpha1.ReasonStripeDisagrees))
	s.awaitMetric(s.Stack.Controller, disagreements, equals(1))
	for _, word := range []string{session.ID, "50.00 USD", "9.00 USD"} {
		if c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionVerified); !strings.Contains(c.Message, word) {
			t.Errorf("got the message %s, want %q in it", c.Message, word)
		}
	}
	s.awaitEvent(o, "Order", v1alpha1.ReasonStripeDisagrees, session.ID)
	s.awaitSummary("2 sessions", "1 orders disagree")
	if c := meta.FindStatusCondition(s.Read(orders[1]).Status.Conditions, v1alpha1.ConditionVerified); c != nil {
		t.Errorf("got the condition %+v of the other order, want none", c)
	}

	s.setRefunded(orders[0], 900)
	s.Await(orders[0], "verified again", verified(metav1.ConditionTrue, v1alpha1.ReasonStripeAgrees))
	s.awaitMetric(s.Stack.Controller, disagreements, equals(0))
	s.expectAgreement()
}

func verified(status metav1.ConditionStatus, reason string) func(*v1alpha1.Order) bool {
	return func(o *v1alpha1.Order) bool {
		c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionVerified)
		return c != nil && c.Status == status && c.Reason == reason
	}
}

// setRefunded writes the refunded amount of an order's payment.
func (s *fixture) setRefunded(o *v1alpha1.Order, amount int64) {
	s.T.Helper()
	payments := s.Read(o).Status.Payments
	payments[0].AmountRefunded = amount
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"payments": payments, "amountRefunded": amount}})
	s.Must(err)
	s.Must(s.Stack.Client.Status().Patch(s.Ctx, o.DeepCopy(), client.RawPatch(types.MergePatchType, patch)))
}
