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
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/webhookserver/page"
)

// before are the lives that an order can have had when a buyer comes back from a session that it does not know.
func before() map[string][]v1alpha1.Payment {
	lives := map[string][]v1alpha1.Payment{"nothing": nil}
	kinds := map[string]v1alpha1.Payment{}
	for outcome, name := range map[v1alpha1.Outcome]string{paid: "paid", unpaid: "on its way", failed: "failed"} {
		kinds[name] = made(another, outcome)
		kinds[name+", another amount"] = made(another, outcome, ofAnother)
	}
	kinds["refunded"], kinds["refunded in part"] = made(another, paid, refunded), made(another, paid, partly)
	kinds["another amount, refunded"], kinds["another mode"] = made(another, paid, ofAnother, refunded), made(another, paid, inTestMode)
	for name, p := range kinds {
		lives[name] = []v1alpha1.Payment{p}
		for _, second := range []string{"on its way", "refunded"} {
			p2 := kinds[second]
			p2.SessionID, p2.PaymentIntentID = "cs_third", "pi_third"
			lives[name+" and "+second] = []v1alpha1.Payment{p, p2}
		}
	}
	return lives
}

// TestForetoldComesTrue: what a buyer is told by Stripe's word alone is what the order says once the webhook has come,
// whatever had happened to the order and whatever the payment is like. What is called final does not change.
func TestForetoldComesTrue(t *testing.T) {
	nothingDue := func(p *v1alpha1.Payment) { p.Amount, p.PaymentIntentID = 0, "" }
	sessions := map[string]v1alpha1.Payment{
		"paid": made(own, paid), "on its way": made(own, unpaid),
		"paid, another amount": made(own, paid, ofAnother), "on its way, another amount": made(own, unpaid, ofAnother),
		"paid, another mode": made(own, paid, inTestMode), "paid, another link": made(own, paid, throughOther), "paid, nothing due": made(own, paid, nothingDue),
	}
	compared := 0
	for life, payments := range before() {
		// One shop has an order of this life for each session, late or not.
		orders, facts := map[string]*v1alpha1.Order{}, map[string]stripeclient.Session{}
		for kind, p := range sessions {
			for _, late := range []bool{false, true} {
				where := fmt.Sprintf("%s, then %s, expired: %t", life, kind, late)
				orders[where], facts[where] = numbered(len(orders), late, payments), said(stripeclient.SessionComplete, p)
			}
		}
		for where, o := range orders {
			compared++
			keeper := newLedger(t, []*v1alpha1.Order{o}) // they share sessions, which those of one cluster never do
			session := facts[where]
			session.Fact.ClientReferenceID = o.Spec.OrderID
			first, then := foretold(o, session), told(delivered(t, keeper, o, session.Fact), own)
			if !comesTrue(first, then) {
				t.Errorf("%s: foretold %+v, told %+v", where, wordOf(first), wordOf(then))
			}
		}
	}
	if compared < 400 {
		t.Errorf("%d were compared", compared)
	}
}

// numbered is an order of its own name with these payments, settled as the ledger has left it.
func numbered(i int, late bool, payments []v1alpha1.Payment) *v1alpha1.Order {
	o := order(with(payments...))
	if late {
		expired(o)
	}
	o.Name, o.UID, o.Spec.OrderID = fmt.Sprintf("o%d", i), types.UID(fmt.Sprintf("uid-%d", i)), fmt.Sprintf("order-%d", i)
	o.Status.ClientReferenceID = o.Spec.OrderID
	return settledBy(o)
}

func comesTrue(first, then outcome) bool {
	expected := first.state
	if first.state == page.Received {
		expected = page.Paid
	}
	return then.settled && then.state == expected && then.phase == first.phase && (!first.final() || then.final())
}

// settledBy computes an order's phase from its facts, as the ledger has left it.
func settledBy(o *v1alpha1.Order) *v1alpha1.Order {
	o.Status.Phase = payment.Settle(payment.TermsOf(o), payment.FactsOf(o)).Phase
	return o
}

// newLedger is the real ledger over a fake API server that has these orders.
func newLedger(t *testing.T, orders []*v1alpha1.Order) *ledger.Ledger {
	t.Helper()
	var objects []client.Object
	for _, o := range orders {
		objects = append(objects, o.DeepCopy())
	}
	api := fakeapi.Builder(t, objects...).Build()
	return &ledger.Ledger{
		Cache: api, Live: api, Writer: api, EventNamespace: "paylink-system", Clock: testingclock.NewFakePassiveClock(now),
		Metrics: metrics.NewLedger(prometheus.NewRegistry()),
	}
}

// delivered is the order after the ledger has applied a fact as a webhook brings it.
func delivered(t *testing.T, keeper *ledger.Ledger, o *v1alpha1.Order, fact payment.Fact) *v1alpha1.Order {
	t.Helper()
	fact.EventID, fact.Created = "evt_1", metav1.NewTime(now)
	if result, err := keeper.Apply(t.Context(), fact); err != nil || result != ledger.Applied {
		t.Fatalf("%s, %v", result, err)
	}
	after := &v1alpha1.Order{}
	if err := keeper.Live.Get(t.Context(), client.ObjectKeyFromObject(o), after); err != nil {
		t.Fatal(err)
	}
	return after
}

// TestForetoldChangesNothing: an order is looked at by many at once, in a cache.
func TestForetoldChangesNothing(t *testing.T) {
	o := settledBy(order(with(made(another, failed), made("cs_third", unpaid))))
	kept := o.DeepCopy()
	foretold(o, said(stripeclient.SessionComplete, made(own, paid)))
	told(o, another)
	if fmt.Sprint(o) != fmt.Sprint(kept) {
		t.Errorf("%v\nwas %v", o, kept)
	}
}
