package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// TestFind: an order is known by its own id or, without one, by its uid; a refund by the payment.
func TestFind(t *testing.T) {
	paid := order("paid", ready)
	paid.Status.Payments = []v1alpha1.Payment{
		{SessionID: "cs_1", PaymentIntentID: "pi_1", Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", Livemode: true},
		{SessionID: "cs_2", PaymentIntentID: "pi_2", Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", Livemode: true},
	}
	for name, row := range map[string]struct {
		fact payment.Fact
		want ledger.Result
	}{
		"by its uid":     {sessionOf("o1-uid", "9", v1alpha1.OutcomePaid), ledger.Applied},
		"by its orderId": {sessionOf("shop-77", "9", v1alpha1.OutcomePaid), ledger.Applied},
		"not by its uid, where it has an orderId":        {sessionOf("o2-uid", "9", v1alpha1.OutcomePaid), ledger.Parked},
		"not by its name":                                {sessionOf("o1", "9", v1alpha1.OutcomePaid), ledger.Parked},
		"not by an orderId in another case":              {sessionOf("SHOP-77", "9", v1alpha1.OutcomePaid), ledger.Parked},
		"by the payment that counts":                     {refundOf("1", 100, false), ledger.Applied},
		"by another payment":                             {refundOf("2", 100, false), ledger.Applied},
		"not by a payment that it does not have":         {refundOf("3", 100, false), ledger.Parked},
		"not by the reference, where it names a payment": {referring("o1-uid", refundOf("3", 100, false)), ledger.Parked},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, interceptor.Funcs{}, order("o1", ready), order("o2", orderID("shop-77"), ready), paid.DeepCopy())
			s.apply(row.fact, row.want)
		})
	}
}

func referring(reference string, fact payment.Fact) payment.Fact {
	fact.ClientReferenceID = reference
	return fact
}

// TestCacheMiss: what a cache does not know yet, the API server may.
func TestCacheMiss(t *testing.T) {
	paid := order("paid", ready)
	paid.Status.ProviderCaptureID = "pi_1"
	paid.Status.Payments = []v1alpha1.Payment{{SessionID: "cs_1", PaymentIntentID: "pi_1", Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", Livemode: true}}
	for name, row := range map[string]struct {
		objects        []client.Object
		fact           payment.Fact
		want           ledger.Result
		found, missing int
	}{
		"an order made a moment ago, by its uid":     {[]client.Object{order("o1", ready)}, sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), ledger.Applied, 1, 0},
		"by its orderId, before it is ready":         {[]client.Object{order("o1", orderID("shop-77"))}, sessionOf("shop-77", "1", v1alpha1.OutcomePaid), ledger.Parked, 0, 1},
		"by its orderId, once it is ready":           {[]client.Object{order("o1", orderID("shop-77"), ready)}, sessionOf("shop-77", "1", v1alpha1.OutcomePaid), ledger.Applied, 1, 0},
		"an order paid a moment ago, by its payment": {[]client.Object{paid}, refundOf("1", 100, false), ledger.Applied, 1, 0},
		"no order":                 {nil, sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), ledger.Parked, 0, 1},
		"no order of this payment": {[]client.Object{paid}, refundOf("2", 100, false), ledger.Parked, 0, 1},
		"a session of nobody's":    {[]client.Object{paid}, sessionOf("", "2", v1alpha1.OutcomePaid), ledger.NotOurs, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, interceptor.Funcs{}, row.objects...)
			s.ledger.Cache = fakeapi.Builder(t).Build() // knows nothing
			s.apply(row.fact, row.want)
			s.counted(`live_reads_total{result="found"}`, row.found)
			s.counted(`live_reads_total{result="missing"}`, row.missing)
		})
	}
	t.Run("what the cache knows is not asked for", func(t *testing.T) {
		s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
		s.ledger.Live = nil
		s.apply(sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), ledger.Applied)
	})
}

// TestNamespaces: only the orders of the served namespaces are looked at, in the cache and live.
func TestNamespaces(t *testing.T) {
	for name, row := range map[string]struct {
		served []string
		want   ledger.Result
	}{
		"all":              {nil, ledger.Applied},
		"its own":          {[]string{"shop"}, ledger.Applied},
		"its own, of two":  {[]string{"other", "shop"}, ledger.Applied},
		"another":          {[]string{"other"}, ledger.Parked},
		"two others":       {[]string{"other", "third"}, ledger.Parked},
		"one like its own": {[]string{"shop-2"}, ledger.Parked},
	} {
		for _, cached := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
				s.ledger.Namespaces = row.served
				if !cached {
					s.ledger.Cache = fakeapi.Builder(t).Build()
				}
				s.apply(sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), row.want)
			})
		}
	}
}

// TestNotReady: before an order has its checkout URL it is not settled through which link it takes money, so what
// comes is kept until it has. That another order of the same id is ready does not help: it is not the owner.
func TestNotReady(t *testing.T) {
	unready := order("b", orderID("shop-77"), created(now.Add(-2*time.Hour)))
	for name, others := range map[string][]client.Object{
		"alone":                    nil,
		"a younger one is ready":   {order("a", orderID("shop-77"), ready)},
		"a younger one is unready": {order("a", orderID("shop-77"))},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, interceptor.Funcs{}, append(others, unready.DeepCopy())...)
			s.apply(sessionOf("shop-77", "1", v1alpha1.OutcomePaid), ledger.Parked)
			for _, o := range append(others, unready) {
				if payments := s.Order(o.GetName()).Status.Payments; len(payments) > 0 {
					t.Errorf("%s has %+v", o.GetName(), payments)
				}
			}
		})
	}
	t.Run("by now it is ready, and the cache is behind", func(t *testing.T) {
		s := newFixture(t, interceptor.Funcs{}, order("b", orderID("shop-77"), ready))
		s.ledger.Cache = fakeapi.Builder(t, unready.DeepCopy()).Build()
		s.apply(sessionOf("shop-77", "1", v1alpha1.OutcomePaid), ledger.Applied)
	})
}

// TestSharedReference: an orderId belongs to the oldest order that has it, then to the first uid, in any namespace.
func TestSharedReference(t *testing.T) {
	earlier, later := now.Add(-2*time.Hour), now.Add(-time.Hour)
	id := orderID("shop-77")
	for name, row := range map[string]struct {
		orders []client.Object
		owner  client.ObjectKey
	}{
		"the older one": {
			[]client.Object{order("a", id, created(later)), order("b", id, created(earlier), ready)}, client.ObjectKey{Namespace: "shop", Name: "b"},
		},
		"the older one, in another namespace": {
			[]client.Object{order("a", id, created(later)), order("b", id, in("annex"), created(earlier), ready)}, client.ObjectKey{Namespace: "annex", Name: "b"},
		},
		"the first uid, of the same second": {
			[]client.Object{order("b", id, in("annex"), created(later)), order("a", id, created(later), ready)}, client.ObjectKey{Namespace: "shop", Name: "a"},
		},
		"an orderId that is the uid of an older order": {
			[]client.Object{order("a", orderID("b-uid"), created(later)), order("b", ready, created(earlier))}, client.ObjectKey{Namespace: "shop", Name: "b"},
		},
	} {
		for _, cached := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				s := newFixture(t, interceptor.Funcs{}, row.orders...)
				if !cached {
					s.ledger.Cache = fakeapi.Builder(t).Build()
				}
				reference := row.orders[0].(*v1alpha1.Order).ClientReferenceID()
				s.apply(sessionOf(reference, "1", v1alpha1.OutcomePaid), ledger.Applied)
				for _, o := range row.orders {
					key := client.ObjectKeyFromObject(o)
					if paid := s.orderIn(key.Namespace, key.Name).Status.Phase == v1alpha1.OrderPaid; paid != (key == row.owner) {
						t.Errorf("%s is paid: %t", key, paid)
					}
				}
			})
		}
	}
}

// TestIndices are the functions themselves: what they say of other kinds, and of orders without payments.
func TestIndices(t *testing.T) {
	twice := order("o1")
	twice.Status.Payments = []v1alpha1.Payment{{PaymentIntentID: "pi_1"}, {PaymentIntentID: ""}, {PaymentIntentID: "pi_2"}, {PaymentIntentID: "pi_1"}}
	link := &v1alpha1.PaymentLink{Spec: v1alpha1.PaymentLinkSpec{PaymentLinkID: "plink_1"}}
	for name, row := range map[string]struct{ got, want []string }{
		"reference of an order":       {ledger.ByReference(order("o1")), []string{"o1-uid"}},
		"reference of a link":         {ledger.ByReference(link), nil},
		"payments, each once":         {ledger.ByPaymentIntent(twice), []string{"pi_1", "pi_2"}},
		"no payments":                 {ledger.ByPaymentIntent(order("o1")), nil},
		"payments of a link":          {ledger.ByPaymentIntent(link), nil},
		"link by its id":              {ledger.ByPaymentLinkID(link), []string{"plink_1"}},
		"link of no id":               {ledger.ByPaymentLinkID(&v1alpha1.PaymentLink{}), nil},
		"an order is no payment link": {ledger.ByPaymentLinkID(order("o1")), nil},
	} {
		if diff := cmp.Diff(row.want, row.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
