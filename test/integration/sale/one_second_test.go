package sale_test

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
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/test/testclient"
)

// TestTwoEventsOfOneSecondInBothOrders: Stripe dates events to the second and guarantees no order, so neither the date nor
// the arrival decides which of two is the later.
func TestTwoEventsOfOneSecondInBothOrders(t *testing.T) {
	s := newClient(t)
	set := stripeevents.Set
	paid := func(h handmade) []byte { return h.session(stripeevents.SessionPaid, "A") }
	unpaid := func(h handmade) []byte { return h.session(stripeevents.SessionUnpaid, "A") }
	succeeded := func(h handmade) []byte { return h.session(stripeevents.SessionAsyncSucceeded, "A") }
	failed := func(h handmade) []byte { return h.session(stripeevents.SessionAsyncFailed, "A") }
	paidAgain := func(h handmade) []byte { return h.session(stripeevents.SessionPaid, "B") }
	part := func(amount int) func(handmade) []byte {
		return func(h handmade) []byte {
			return h.charge(stripeevents.ChargePartlyRefunded, "A", set("data.object.amount_refunded", amount))
		}
	}
	full := func(h handmade) []byte {
		return h.charge(stripeevents.ChargeRefunded, "A", set("data.object.amount_refunded", testclient.Price))
	}
	dispute := func(kind, status string) func(handmade) []byte {
		return func(h handmade) []byte {
			return h.charge(stripeevents.DisputeCreated, "A", set("type", "charge.dispute."+kind), set("data.object.id", "du_"+h.tag()), set("data.object.status", status))
		}
	}
	for name, row := range map[string]struct {
		before     func(handmade) []byte // precedes the two; nil: none
		one, other func(handmade) []byte
		phase      v1alpha1.OrderPhase
		refunded   int64
		attention  string
	}{
		"a pending debit, and its success":      {nil, unpaid, succeeded, v1alpha1.OrderPaid, 0, ""},
		"a pending debit, and its failure":      {nil, unpaid, failed, v1alpha1.OrderFailed, 0, ""},
		"a debit's success, and its failure":    {unpaid, succeeded, failed, v1alpha1.OrderPaid, 0, ""},
		"two payments":                          {nil, paid, paidAgain, v1alpha1.OrderPaid, 0, v1alpha1.ReasonDuplicatePayment},
		"a failure, and another payment":        {nil, failed, paidAgain, v1alpha1.OrderPaid, 0, ""},
		"a payment, and its refund":             {nil, paid, full, v1alpha1.OrderRefunded, testclient.Price, ""},
		"a payment, and a refund of some of it": {nil, paid, part(700), v1alpha1.OrderPaid, 700, ""},
		"two refunds":                           {paid, part(700), part(1900), v1alpha1.OrderPaid, 1900, ""},
		"a refund, and the rest":                {paid, part(700), full, v1alpha1.OrderRefunded, testclient.Price, ""},
		"a dispute, and its end":                {paid, dispute("created", "needs_response"), dispute("closed", "won"), v1alpha1.OrderPaid, 0, ""},
		"a dispute, and its loss":               {paid, dispute("created", "needs_response"), dispute("closed", "lost"), v1alpha1.OrderPaid, 0, v1alpha1.ReasonDisputed},
		"a dispute, and a refund":               {paid, dispute("created", "needs_response"), full, v1alpha1.OrderRefunded, testclient.Price, v1alpha1.ReasonDisputed},
	} {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.T = t
			var ends []string
			for i, pair := range [][]func(handmade) []byte{{row.one, row.other}, {row.other, row.one}} {
				o := s.CreateReady(strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(fmt.Sprintf("%s-%d", name, i)))
				if row.before != nil {
					pair = append([]func(handmade) []byte{row.before}, pair...)
				}
				end := deliver(&s, o, pair)
				if end.Status.Phase != row.phase || end.Status.AmountRefunded != row.refunded {
					t.Errorf("order %s: got %+v, want %s with %d refunded", o.Name, end.Status, row.phase, row.refunded)
				}
				if row.attention == "" && !testclient.NeedsNoAttention(end) || row.attention != "" && !testclient.NeedsAttention(row.attention)(end) {
					t.Errorf("order %s: got the conditions %+v, want %q", o.Name, end.Status.Conditions, row.attention)
				}
				ends = append(ends, comparable(t, end))
			}
			if diff := cmp.Diff(ends[0], ends[1]); diff != "" {
				t.Errorf("the status depends on the order of arrival:\n%s", diff)
			}
		})
	}
}

// deliver sends events to the webhook server one by one, and returns the order once all of them are applied.
func deliver(s *testclient.Client, o *v1alpha1.Order, events []func(handmade) []byte) *v1alpha1.Order {
	s.T.Helper()
	h := handmade{s.T, o}
	for _, e := range events {
		if status := s.Post(e(h)); status != 200 {
			s.T.Fatalf("got status %d, want 200", status)
		}
	}
	// An event whose payment is not known yet is parked until then.
	s.Eventually("every event is applied", func(context.Context) (bool, error) {
		kept := s.StripeEvents(func(e v1alpha1.StripeEventFact) bool { return strings.Contains(e.EventID, h.tag()) })
		waiting := slices.ContainsFunc(kept, func(e v1alpha1.StripeEvent) bool { return e.Status.Phase != v1alpha1.StripeEventApplied })
		return !waiting, fmt.Errorf("the StripeEvents are %+v", kept)
	})
	return s.Read(o)
}

// comparable is the status without the parts that differ between two orders: their ids and the times of transition.
func comparable(t *testing.T, o *v1alpha1.Order) string {
	t.Helper()
	status := o.Status.DeepCopy()
	for i := range status.Conditions {
		status.Conditions[i].LastTransitionTime = metav1.Time{}
	}
	slices.SortFunc(status.Conditions, func(a, b metav1.Condition) int { return strings.Compare(a.Type, b.Type) })
	text, err := json.MarshalIndent(status, "", "  ")
	check.Must(t, err)
	return strings.NewReplacer(handmade{t, o}.tag(), "TAG", string(o.UID), "UID").Replace(string(text))
}
