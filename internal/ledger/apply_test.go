package ledger_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/check"
)

// TestSale follows one order from its payment to its refund: each event is one write, and none when it comes again.
func TestSale(t *testing.T) {
	s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
	writes := 0
	for _, step := range []struct {
		name  string
		fact  payment.Fact
		phase v1alpha1.OrderPhase
		// reason of the condition Paid.
		reason   string
		refunded int64
	}{
		{"debit under way", sessionOf("o1-uid", "1", v1alpha1.OutcomeUnpaid), v1alpha1.OrderFailed, v1alpha1.ReasonAwaitingAsyncPayment, 0},
		{"debit arrived", sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), v1alpha1.OrderPaid, v1alpha1.ReasonPaymentReceived, 0},
		{"refunded in part", refundOf("1", 900, false), v1alpha1.OrderPaid, v1alpha1.ReasonPaymentReceived, 900},
		{"refunded in full", refundOf("1", 19900, true), v1alpha1.OrderRefunded, v1alpha1.ReasonRefunded, 19900},
	} {
		t.Run(step.name, func(t *testing.T) {
			s.t = t
			s.apply(step.fact, ledger.Applied)
			writes++
			s.apply(step.fact, ledger.Unchanged)
			s.apply(step.fact, ledger.Unchanged)
			if len(s.Calls().StatusPatches) != writes || s.Calls().Creates != 0 {
				t.Errorf("%d patches and %d creates in all, not %d patches", len(s.Calls().StatusPatches), s.Calls().Creates, writes)
			}
			s.counted("writes_total", writes)
			got := s.Order("o1")
			paid := meta.FindStatusCondition(got.Status.Conditions, v1alpha1.ConditionPaid)
			if paid == nil || got.Status.Phase != step.phase || paid.Reason != step.reason || got.Status.AmountRefunded != step.refunded {
				t.Errorf("the order is %+v", got.Status)
			}
			if (paid.Status == metav1.ConditionTrue) != (step.phase == v1alpha1.OrderPaid) {
				t.Errorf("%s with the condition %+v", step.phase, paid)
			}
		})
	}
	got := s.Order("o1")
	if got.Status.ProviderOrderID != "cs_1" || got.Status.ProviderCaptureID != "pi_1" || !got.Status.PaidAt.Time.Equal(now) {
		t.Errorf("the order is %+v", got.Status)
	}
	if len(s.StripeEvents()) != 0 {
		t.Error("something was parked")
	}
}

// TestPatch looks at what is sent: the lock, and nothing that is not the ledger's.
func TestPatch(t *testing.T) {
	s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
	before := s.Order("o1")
	s.apply(sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), ledger.Applied)
	var sent map[string]map[string]any
	check.Must(t, json.Unmarshal([]byte(s.Calls().StatusPatches[0]), &sent))
	if diff := cmp.Diff(map[string]any{"resourceVersion": before.ResourceVersion}, sent["metadata"]); diff != "" {
		t.Errorf("metadata: %s", diff)
	}
	if diff := cmp.Diff([]string{"metadata", "status"}, slices.Sorted(maps.Keys(sent))); diff != "" {
		t.Error(diff)
	}
	want := []string{"conditions", "paidAt", "payments", "phase", "providerCaptureId", "providerOrderId"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(sent["status"]))); diff != "" {
		t.Errorf("status: %s", diff)
	}
	after := s.Order("o1")
	for name, is := range map[string]bool{
		"clientReferenceId": after.Status.ClientReferenceID == before.Status.ClientReferenceID,
		"checkoutURL":       after.Status.CheckoutURL == before.Status.CheckoutURL,
		"total":             after.Status.Total == before.Status.Total,
		"Ready":             meta.IsStatusConditionTrue(after.Status.Conditions, v1alpha1.ConditionReady),
		"spec":              cmp.Equal(after.Spec, before.Spec),
	} {
		if !is {
			t.Errorf("the ledger changed %s", name)
		}
	}
}

// TestAttention: the condition is there while a person is needed, and only then.
func TestAttention(t *testing.T) {
	s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
	tooLittle := sessionOf("o1-uid", "1", v1alpha1.OutcomePaid)
	tooLittle.Session.Amount = 100
	find := func() *metav1.Condition {
		return meta.FindStatusCondition(s.Order("o1").Status.Conditions, v1alpha1.ConditionNeedsAttention)
	}
	s.apply(sessionOf("o1-uid", "0", v1alpha1.OutcomeUnpaid), ledger.Applied)
	if c := find(); c != nil {
		t.Errorf("before: %+v", c)
	}
	s.apply(tooLittle, ledger.Applied)
	if c := find(); c == nil || c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonPaymentMismatch || !c.LastTransitionTime.Time.Equal(now) {
		t.Errorf("too little was paid: %+v", c)
	}
	if phase := s.Order("o1").Status.Phase; phase == v1alpha1.OrderPaid {
		t.Error("the order is Paid by too little")
	}
	s.clock.SetTime(now.Add(time.Hour + time.Millisecond))
	s.apply(refundOf("1", 100, true), ledger.Applied)
	if c := find(); c != nil {
		t.Errorf("given back: %+v", c)
	}
	s.apply(sessionOf("o1-uid", "2", v1alpha1.OutcomePaid), ledger.Applied)
	s.apply(sessionOf("o1-uid", "3", v1alpha1.OutcomePaid), ledger.Applied)
	if c := find(); c == nil || c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonDuplicatePayment || !c.LastTransitionTime.Time.Equal(now.Add(time.Hour)) {
		t.Errorf("paid twice: %+v", c)
	}
}

// TestRecord is how kept events are tried again: an unknown order is an error there, and parks nothing.
func TestRecord(t *testing.T) {
	s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
	got, wrote, err := s.ledger.Record(t.Context(), sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), nil)
	if err != nil || !wrote || got.Name != "o1" || got.Status.Phase != v1alpha1.OrderPaid {
		t.Errorf("%v, %t, %+v", err, wrote, got)
	}
	got, wrote, err = s.ledger.Record(t.Context(), sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), nil)
	if err != nil || wrote || got.Status.Phase != v1alpha1.OrderPaid {
		t.Errorf("again: %v, %t, %+v", err, wrote, got)
	}
	for name, fact := range map[string]payment.Fact{
		"of an unknown order":   sessionOf("o2-uid", "2", v1alpha1.OutcomePaid),
		"of no order":           sessionOf("", "2", v1alpha1.OutcomePaid),
		"of an unknown payment": refundOf("2", 1, false),
	} {
		if _, _, err := s.ledger.Record(t.Context(), fact, nil); !errors.Is(err, ledger.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.StripeEvents()) != 0 {
		t.Error("something was parked")
	}
}
