package order_test

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/order"
	"github.com/paylink-dev/paylink/controllers/stripeevent"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// TestOneStatusForEveryOrderOfArrival sends the facts of a row in every order through the ledger and the reconciler, each
// fact twice. The order becomes Ready before the first fact, after the last, and between any two. The whole status must be
// the same each time, conditions included.
func TestOneStatusForEveryOrderOfArrival(t *testing.T) {
	session := func(name string) *fakeapi.FactBuilder { return fakeapi.MakeSession(name, "o1-uid") }
	dispute := func(status string, reported time.Time) payment.Fact {
		return fakeapi.MakeDispute("1", v1alpha1.Dispute{ID: "dp_1", Status: status, Amount: 19900, ReportedAt: metav1.NewTime(reported)}).
			EventID("evt_dispute_" + status).Obj()
	}
	paid, paidAgain := session("1").Obj(), session("2").Obj()
	tooLittle, testMode := session("1").Amount(100, "usd").Obj(), session("1").TestMode().Obj()
	unpaid, failed := session("1").Unpaid().Obj(), session("1").Failed().Obj()
	refunded, refundedAgain := fakeapi.MakeRefund("1", 19900).FullyRefunded().Obj(), fakeapi.MakeRefund("2", 19900).FullyRefunded().Obj()
	opened, later := dispute("needs_response", fakeapi.Now), fakeapi.Now.Add(time.Hour)
	won, lost := dispute("won", later), dispute("lost", later)

	for name, row := range map[string]struct {
		facts     []payment.Fact
		phase     v1alpha1.OrderPhase
		attention string
	}{
		"paid":                              {[]payment.Fact{paid}, v1alpha1.OrderPaid, ""},
		"refunded":                          {[]payment.Fact{paid, refunded}, v1alpha1.OrderRefunded, ""},
		"a debit that failed":               {[]payment.Fact{unpaid, failed}, v1alpha1.OrderFailed, ""},
		"a debit that failed, a card after": {[]payment.Fact{unpaid, failed, paidAgain}, v1alpha1.OrderPaid, ""},
		"paid twice":                        {[]payment.Fact{paid, paidAgain}, v1alpha1.OrderPaid, v1alpha1.ReasonDuplicatePayment},
		"paid twice, the second refunded":   {[]payment.Fact{paid, paidAgain, refundedAgain}, v1alpha1.OrderPaid, ""},
		"paid twice, the first refunded":    {[]payment.Fact{paid, paidAgain, refunded}, v1alpha1.OrderPaid, ""},
		"paid twice, both refunded": {
			[]payment.Fact{paid, paidAgain, refunded, refundedAgain}, v1alpha1.OrderRefunded, "",
		},
		"disputed":                     {[]payment.Fact{paid, opened}, v1alpha1.OrderPaid, v1alpha1.ReasonDisputed},
		"a dispute won":                {[]payment.Fact{paid, opened, won}, v1alpha1.OrderPaid, ""},
		"a dispute lost":               {[]payment.Fact{paid, opened, lost}, v1alpha1.OrderPaid, v1alpha1.ReasonDisputed},
		"a dispute won, then refunded": {[]payment.Fact{paid, opened, won, refunded}, v1alpha1.OrderRefunded, ""},
		"too little":                   {[]payment.Fact{tooLittle}, v1alpha1.OrderPending, v1alpha1.ReasonPaymentMismatch},
		"too little, refunded":         {[]payment.Fact{tooLittle, fakeapi.MakeRefund("1", 100).FullyRefunded().Obj()}, v1alpha1.OrderPending, ""},
		"too little, refunded, and paid in full": {
			[]payment.Fact{tooLittle, fakeapi.MakeRefund("1", 100).FullyRefunded().Obj(), paidAgain}, v1alpha1.OrderPaid, "",
		},
		"the other mode":           {[]payment.Fact{testMode, paidAgain}, v1alpha1.OrderPaid, v1alpha1.ReasonModeMismatch},
		"the other mode, refunded": {[]payment.Fact{testMode, refunded, paidAgain}, v1alpha1.OrderPaid, ""},
		"a refund that failed": {
			[]payment.Fact{paid, fakeapi.MakeRefund("1", 500).Obj(), fakeapi.MakeFailedRefund("1", "re_1", 500).Obj()}, v1alpha1.OrderPaid, v1alpha1.ReasonRefundFailed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var want *v1alpha1.OrderStatus
			for _, arrival := range permutations(len(row.facts) + 1) {
				got := statusAfter(t, row.facts, arrival)
				if want == nil {
					want = got
				}
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Fatalf("arrival %v (-the first arrival's +this one's)\n%s", arrival, diff)
				}
			}
			if want.Phase != row.phase {
				t.Errorf("phase is %s, want %s", want.Phase, row.phase)
			}
			if c := meta.FindStatusCondition(want.Conditions, v1alpha1.ConditionNeedsAttention); reasonOf(c) != row.attention {
				t.Errorf("%s is %+v, want reason %q", v1alpha1.ConditionNeedsAttention, c, row.attention)
			}
		})
	}
}

func reasonOf(c *metav1.Condition) string {
	if c == nil {
		return ""
	}
	return c.Reason
}

// statusAfter returns an order's status once all facts have arrived, without the times of its conditions. arrival holds
// the facts' indices and, as the highest number, the moment at which the order becomes Ready.
func statusAfter(t *testing.T, facts []payment.Fact, arrival []int) *v1alpha1.OrderStatus {
	t.Helper()
	api := fakeapi.MakeServer(t, fakeapi.MakeOrder("o1").Obj()).Index(order.Index).Index(stripeevent.Index).
		Failures(interceptor.Funcs{Create: setCreationTime}).Obj()
	clock, recorder := testingclock.NewFakePassiveClock(fakeapi.Now), events.NewFakeRecorder(100)
	counters := metrics.NewController(prometheus.NewRegistry())
	writer := api.Ledger(clock, prometheus.NewRegistry())
	orders := &order.Reconciler{Client: api.Client, Ledger: writer, Clock: clock, Recorder: recorder, Metrics: counters}
	stripeEvents := &stripeevent.Reconciler{
		Client: api.Client, Ledger: writer, Clock: clock, Recorder: recorder, Metrics: counters, Retention: stripeevent.DefaultRetention(),
	}
	must := func(err error) {
		t.Helper()
		check.Must(t, err)
	}
	reconcileOrder := func() {
		_, err := orders.Reconcile(t.Context(), api.Order("o1"))
		must(err)
	}
	reconcileStripeEvents := func() {
		for _, event := range api.StripeEvents() {
			_, err := stripeEvents.Reconcile(t.Context(), &event)
			must(client.IgnoreNotFound(err))
		}
	}
	ready := false
	for _, step := range arrival {
		if step == len(facts) {
			ready = true
		} else {
			_, err := writer.Apply(t.Context(), facts[step])
			must(err)
		}
		if ready {
			reconcileOrder()
			reconcileStripeEvents()
		}
		clock.SetTime(clock.Now().Add(time.Minute))
	}
	for _, fact := range facts { // Stripe delivers each event once more
		_, err := writer.Apply(t.Context(), fact)
		must(err)
	}
	reconcileStripeEvents()
	reconcileOrder()
	status := api.Order("o1").Status
	for i := range status.Conditions {
		status.Conditions[i].LastTransitionTime = metav1.Time{}
	}
	// The list of conditions is a map: its order says nothing.
	slices.SortFunc(status.Conditions, func(a, b metav1.Condition) int { return cmp.Compare(a.Type, b.Type) })
	return &status
}

// setCreationTime gives an object its creation time, which the fake API server leaves unset.
func setCreationTime(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
	o.SetCreationTimestamp(metav1.NewTime(fakeapi.Now))
	return c.Create(ctx, o, opts...)
}

// permutations returns all orders of the numbers from 0 to n-1.
func permutations(n int) (all [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, shorter := range permutations(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(shorter), at, n-1))
		}
	}
	return all
}
