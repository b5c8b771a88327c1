package order

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ordercache"
	"github.com/paylink-dev/paylink/internal/payment"
)

// TestEachNeedIsToldOnce follows an order that needs a person, then another one, then none, then one again.
func TestEachNeedIsToldOnce(t *testing.T) {
	tooLittle := paid("o1-uid", "1")
	tooLittle.Session.Amount = 100
	s := newShop(t, interceptor.Funcs{}, order("o1"))
	for _, step := range []struct {
		name  string
		facts []payment.Fact
		// want is the beginning of the one Event; "" for none.
		want string
	}{
		{"made", nil, ""},
		{"paid too little", []payment.Fact{tooLittle}, "Warning PaymentMismatch Money was taken that does not match the order, in cs_1 (1.00 USD instead of 199.00 USD)"},
		{"looked at again", nil, ""},
		{"paid, twice", []payment.Fact{paid("o1-uid", "2"), paid("o1-uid", "3")}, "Warning DuplicatePayment The order was paid more than once, also in cs_3"}, // though the first need is more pressing
		{"the wrong one given back", []payment.Fact{refunded("1", 100, true)}, ""},
		{"looked at again", nil, ""},
		{"the second one given back", []payment.Fact{refunded("3", 19900, true)}, ""},
		{"paid twice again", []payment.Fact{paid("o1-uid", "4")}, "Warning DuplicatePayment The order was paid more than once, also in cs_4"},
	} {
		t.Run(step.name, func(t *testing.T) {
			for _, fact := range step.facts {
				s.apply(fact)
			}
			s.reconcileOrder("o1")
			told := s.told()
			if step.want == "" && len(told) != 0 || step.want != "" && (len(told) != 1 || !strings.HasPrefix(told[0], step.want)) {
				t.Errorf("told %q, not %q", told, step.want)
			}
		})
	}
}

// TestAControllerThatStartsTells what still holds, since the one before it may have ended before it could, and only
// of orders that need a person.
func TestAControllerThatStartsTells(t *testing.T) {
	tooLittle := paid("o1-uid", "1")
	tooLittle.Session.Amount = 100
	s := newShop(t, interceptor.Funcs{}, order("o1"), order("o2"))
	s.reconcileOrder("o1")
	s.reconcileOrder("o2")
	s.apply(tooLittle)
	s.apply(paid("o2-uid", "2"))
	s.clock.SetTime(now.Add(24 * time.Hour))
	s.reconcileOrder("o1")
	s.reconcileOrder("o2")
	if told := s.told(); len(told) != 1 || !strings.HasPrefix(told[0], "Warning PaymentMismatch") {
		t.Errorf("told %q", told)
	}
}

// TestDeletedOrderIsForgotten: an order made anew under another uid is told of anew, and the memory does not grow.
func TestDeletedOrderIsForgotten(t *testing.T) {
	s := newShop(t, interceptor.Funcs{})
	o := order("o1")
	o.Status.Payments = []v1alpha1.Payment{{
		SessionID: "cs_1", Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", Livemode: true, Disputes: []v1alpha1.Dispute{{ID: "du_1"}},
	}}
	o.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionNeedsAttention, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonDisputed, LastTransitionTime: metav1.NewTime(now),
	}}
	for range 2 {
		s.orders.tell(o)
		s.orders.tell(o)
		if told := s.told(); len(told) != 1 {
			t.Errorf("told %q", told)
		}
		s.woken(ordercache.Change{Old: o})
	}
	if n := len(s.orders.told.needs); n != 0 {
		t.Errorf("%d orders are remembered", n)
	}
}
