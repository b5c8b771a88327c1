package returnpage

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// histories are payments that an order can have before the buyer returns from another session.
func histories() map[string][]v1alpha1.Payment {
	all := map[string][]v1alpha1.Payment{"nothing": nil}
	kinds := map[string]v1alpha1.Payment{}
	for outcome, name := range map[v1alpha1.Outcome]string{paid: "paid", unpaid: "on its way", failed: "failed"} {
		kinds[name] = newPayment(another, outcome)
		kinds[name+", another amount"] = newPayment(another, outcome, wrongAmount)
	}
	kinds["refunded"], kinds["refunded in part"] = newPayment(another, paid, refunded), newPayment(another, paid, partlyRefunded)
	kinds["another amount, refunded"], kinds["another mode"] = newPayment(another, paid, wrongAmount, refunded), newPayment(another, paid, testMode)
	for name, p := range kinds {
		all[name] = []v1alpha1.Payment{p}
		for _, second := range []string{"on its way", "refunded"} {
			p2 := kinds[second]
			p2.SessionID, p2.PaymentIntentID = "cs_third", "pi_third"
			all[name+" and "+second] = []v1alpha1.Payment{p, p2}
		}
	}
	return all
}

// TestPredictionComesTrue: for every history of an order and every session, the predicted outcome is that of the order after
// the webhook. A final outcome does not change.
func TestPredictionComesTrue(t *testing.T) {
	nothingDue := func(p *v1alpha1.Payment) { p.Amount, p.PaymentIntentID = 0, "" }
	sessions := map[string]v1alpha1.Payment{
		"paid": newPayment(own, paid), "on its way": newPayment(own, unpaid),
		"paid, another amount": newPayment(own, paid, wrongAmount), "on its way, another amount": newPayment(own, unpaid, wrongAmount),
		"paid, another mode": newPayment(own, paid, testMode), "paid, another link": newPayment(own, paid, wrongLink), "paid, nothing due": newPayment(own, paid, nothingDue),
	}
	compared := 0
	for history, payments := range histories() {
		orders, facts := map[string]*v1alpha1.Order{}, map[string]stripeclient.Session{}
		for kind, p := range sessions {
			for _, late := range []bool{false, true} {
				where := fmt.Sprintf("%s, then %s, expired: %t", history, kind, late)
				orders[where], facts[where] = numbered(len(orders), late, payments), atStripe(stripeclient.SessionComplete, p)
			}
		}
		for where, o := range orders {
			compared++
			keeper := newLedger(t, []*v1alpha1.Order{o}) // one each, since the orders share session ids
			session := facts[where]
			session.Fact.ClientReferenceID = o.Spec.OrderID
			first, then := predicted(o, session), fromOrder(delivered(t, keeper, o, session.Fact), own)
			if !comesTrue(first, then) {
				t.Errorf("%s: predicted %+v, and got %+v", where, answerOf(first), answerOf(then))
			}
		}
	}
	if compared < 400 {
		t.Errorf("got %d comparisons, want at least 400", compared)
	}
}

// numbered is an order with its own name and these payments, settled as by the ledger.
func numbered(i int, late bool, payments []v1alpha1.Payment) *v1alpha1.Order {
	o := newOrder(with(payments...))
	if late {
		expired(o)
	}
	o.Name, o.UID, o.Spec.OrderID = fmt.Sprintf("o%d", i), types.UID(fmt.Sprintf("uid-%d", i)), fmt.Sprintf("order-%d", i)
	o.Status.ClientReferenceID = o.Spec.OrderID
	return settledBy(o)
}

func comesTrue(first, then outcome) bool {
	expected := first.state
	if first.state == Received {
		expected = Paid
	}
	return then.settled && then.state == expected && then.phase == first.phase && (!first.final() || then.final())
}

// settledBy sets the phase as the ledger does.
func settledBy(o *v1alpha1.Order) *v1alpha1.Order {
	o.Status.Phase = payment.Settle(payment.TermsOf(o), payment.FactsOf(o)).Phase
	return o
}

// newLedger is the real ledger over a fake API server with these orders.
func newLedger(t *testing.T, orders []*v1alpha1.Order) *ledger.Ledger {
	t.Helper()
	var objects []client.Object
	for _, o := range orders {
		objects = append(objects, o.DeepCopy())
	}
	return fakeapi.MakeServer(t, objects...).Obj().Ledger(testingclock.NewFakePassiveClock(now), prometheus.NewRegistry())
}

// delivered is the order after the ledger has applied a fact.
func delivered(t *testing.T, keeper *ledger.Ledger, o *v1alpha1.Order, fact payment.Fact) *v1alpha1.Order {
	t.Helper()
	fact.EventID, fact.Created = "evt_1", metav1.NewTime(now)
	if result, err := keeper.Apply(t.Context(), fact); err != nil || result != ledger.Applied {
		t.Fatalf("got %s, %v, want applied", result, err)
	}
	after := &v1alpha1.Order{}
	check.Must(t, keeper.Live.Get(t.Context(), client.ObjectKeyFromObject(o), after))
	return after
}

// TestOutcomeIsReadOnly: an order in a cache is shared, and must not be changed.
func TestOutcomeIsReadOnly(t *testing.T) {
	o := settledBy(newOrder(with(newPayment(another, failed), newPayment("cs_third", unpaid))))
	want := o.DeepCopy()
	predicted(o, atStripe(stripeclient.SessionComplete, newPayment(own, paid)))
	fromOrder(o, another)
	check.Equal(t, fmt.Sprint(want), fmt.Sprint(o), "order")
}
