package stories_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// TestTwoEventsOfOneSecondInBothOrders: Stripe dates events by the second and promises no order, so that neither the
// date nor the arrival says which of two is the last word.
func TestTwoEventsOfOneSecondInBothOrders(t *testing.T) {
	s := openShop(t, paylink.Stripe)
	set := stripeevents.Set
	paid := func(h handmade) []byte { return h.session(stripeevents.SessionPaid, "A") }
	unpaid := func(h handmade) []byte { return h.session(stripeevents.SessionUnpaid, "A") }
	succeeded := func(h handmade) []byte { return h.session(stripeevents.SessionAsyncSucceeded, "A") }
	failed := func(h handmade) []byte { return h.session(stripeevents.SessionAsyncFailed, "A") }
	paidAgain := func(h handmade) []byte { return h.session(stripeevents.SessionPaid, "B") }
	part := func(amount int) func(handmade) []byte {
		return func(h handmade) []byte {
			return h.money(stripeevents.ChargePartlyRefunded, "A", set("data.object.amount_refunded", amount))
		}
	}
	full := func(h handmade) []byte {
		return h.money(stripeevents.ChargeRefunded, "A", set("data.object.amount_refunded", seller.Price))
	}
	dispute := func(kind, status string) func(handmade) []byte {
		return func(h handmade) []byte {
			return h.money(stripeevents.DisputeCreated, "A", set("type", "charge.dispute."+kind), set("data.object.id", "du_"+h.tag()), set("data.object.status", status))
		}
	}
	for name, row := range map[string]struct {
		before      func(handmade) []byte // the two, if anything
		one, other  func(handmade) []byte
		phase       v1alpha1.OrderPhase
		refunded    int64
		needsPerson string
	}{
		"a debit on its way, and its money":     {nil, unpaid, succeeded, v1alpha1.OrderPaid, 0, ""},
		"a debit on its way, and its failure":   {nil, unpaid, failed, v1alpha1.OrderFailed, 0, ""},
		"a debit's money, and its failure":      {unpaid, succeeded, failed, v1alpha1.OrderPaid, 0, ""},
		"two payments":                          {nil, paid, paidAgain, v1alpha1.OrderPaid, 0, v1alpha1.ReasonDuplicatePayment},
		"a failure, and another visit's money":  {nil, failed, paidAgain, v1alpha1.OrderPaid, 0, ""},
		"a payment, and its refund":             {nil, paid, full, v1alpha1.OrderRefunded, seller.Price, ""},
		"a payment, and a refund of some of it": {nil, paid, part(700), v1alpha1.OrderPaid, 700, ""},
		"two refunds":                           {paid, part(700), part(1900), v1alpha1.OrderPaid, 1900, ""},
		"a refund, and the rest":                {paid, part(700), full, v1alpha1.OrderRefunded, seller.Price, ""},
		"a dispute, and its end":                {paid, dispute("created", "needs_response"), dispute("closed", "won"), v1alpha1.OrderPaid, 0, ""},
		"a dispute, and that it is lost":        {paid, dispute("created", "needs_response"), dispute("closed", "lost"), v1alpha1.OrderPaid, 0, v1alpha1.ReasonDisputed},
		"a dispute, and a refund":               {paid, dispute("created", "needs_response"), full, v1alpha1.OrderRefunded, seller.Price, v1alpha1.ReasonDisputed},
	} {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.T = t
			var ends []string
			for i, pair := range [][]func(handmade) []byte{{row.one, row.other}, {row.other, row.one}} {
				o := s.Sell(strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(fmt.Sprintf("%s-%d", name, i)))
				if row.before != nil {
					pair = append([]func(handmade) []byte{row.before}, pair...)
				}
				end := arrive(&s, o, pair)
				if end.Status.Phase != row.phase || end.Status.AmountRefunded != row.refunded {
					t.Errorf("order %s is %+v, want %s with %d refunded", o.Name, end.Status, row.phase, row.refunded)
				}
				if row.needsPerson == "" && !seller.NeedsNobody(end) || row.needsPerson != "" && !seller.NeedsAttention(row.needsPerson)(end) {
					t.Errorf("order %s has the conditions %+v, want %q", o.Name, end.Status.Conditions, row.needsPerson)
				}
				ends = append(ends, ending(t, end))
			}
			if diff := cmp.Diff(ends[0], ends[1]); diff != "" {
				t.Errorf("the order of arrival shows: %s", diff)
			}
		})
	}
}

// arrive brings events to the webhook server one by one, and returns the order once all of them are applied.
func arrive(s *seller.Seller, o *v1alpha1.Order, events []func(handmade) []byte) *v1alpha1.Order {
	s.T.Helper()
	h := handmade{s.T, o}
	for _, e := range events {
		if status := s.Post(e(h)); status != 200 {
			s.T.Fatalf("answered %d", status)
		}
	}
	// One of a payment that was not known yet is kept until then.
	s.Eventually("every event is applied", func(context.Context) (bool, error) {
		kept := s.KeptThat(func(e v1alpha1.StripeEventFact) bool { return strings.Contains(e.EventID, h.tag()) })
		waiting := slices.ContainsFunc(kept, func(e v1alpha1.StripeEvent) bool { return e.Status.Phase != v1alpha1.StripeEventApplied })
		return !waiting, fmt.Errorf("kept are %+v", kept)
	})
	return s.Read(o)
}

// ending is what two orders must have in common whatever came first: all but their names, and when a condition changed.
func ending(t *testing.T, o *v1alpha1.Order) string {
	t.Helper()
	status := o.Status.DeepCopy()
	for i := range status.Conditions {
		status.Conditions[i].LastTransitionTime = metav1.Time{}
	}
	slices.SortFunc(status.Conditions, func(a, b metav1.Condition) int { return strings.Compare(a.Type, b.Type) })
	text, err := json.MarshalIndent(status, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(handmade{t, o}.tag(), "TAG", string(o.UID), "UID").Replace(string(text))
}
