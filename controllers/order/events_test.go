package order

import (
	"context"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ordercache"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// TestEventForEachNewNeed: each step applies facts, and the watch delivers the order before and after them.
func TestEventForEachNewNeed(t *testing.T) {
	session := func(name string) payment.Fact { return fakeapi.MakeSession(name, "o1-uid").Obj() }
	tooLittle := fakeapi.MakeSession("1", "o1-uid").Amount(100, "usd").Obj()
	f := newFixture(t, interceptor.Funcs{}, fakeapi.MakeOrder("o1").Obj())
	for _, step := range []struct {
		name  string
		facts []payment.Fact
		want  string // prefix of the only Event; "" is none
	}{
		{"created", nil, ""},
		{"paid too little", []payment.Fact{tooLittle}, "Warning PaymentMismatch Money was taken that does not match the order, in cs_1 (1.00 USD instead of 199.00 USD)"},
		{"unchanged", nil, ""},
		// The mismatch stays the more pressing need.
		{"paid twice", []payment.Fact{session("2"), session("3")}, "Warning DuplicatePayment The order was paid more than once, also in cs_3"},
		{"mismatch refunded", []payment.Fact{fakeapi.MakeRefund("1", 100).FullyRefunded().Obj()}, ""},
		{"unchanged", nil, ""},
		{"duplicate refunded", []payment.Fact{fakeapi.MakeRefund("3", 19900).FullyRefunded().Obj()}, ""},
		{"paid twice again", []payment.Fact{session("4")}, "Warning DuplicatePayment The order was paid more than once, also in cs_4"},
	} {
		t.Run(step.name, func(t *testing.T) {
			before := f.api.Order("o1")
			f.apply(step.facts...)
			f.reconcile("o1")
			f.update(before, f.api.Order("o1"))
			f.raised(t, step.want)
		})
	}
}

// update delivers an update of the watch.
func (f *fixture) update(before, after *v1alpha1.Order) {
	f.reconciler.handleChange(f.t.Context(), ordercache.Change{Old: before, New: after})
}

// raised compares the Events since the last call: one with a prefix, or none.
func (f *fixture) raised(t *testing.T, prefix string) {
	t.Helper()
	got := f.events()
	if prefix == "" && len(got) != 0 || prefix != "" && (len(got) != 1 || !strings.HasPrefix(got[0], prefix)) {
		t.Errorf("Events: got %q, want %q", got, prefix)
	}
}

// TestNoEventAfterRestart: a restarted controller raises no Event for a need in its first list, and one for a new need.
func TestNoEventAfterRestart(t *testing.T) {
	tooLittle := fakeapi.MakeSession("1", "o1-uid").Amount(100, "usd").Obj()
	f := newFixture(t, interceptor.Funcs{}, fakeapi.MakeOrder("o1").Ready().Obj())
	before := f.api.Order("o1")
	f.apply(tooLittle)
	f.update(before, f.api.Order("o1"))
	f.raised(t, "Warning PaymentMismatch")

	restarted := *f.reconciler
	f.reconciler = &restarted
	f.reconcile("o1") // the source delivers no change for the first list
	f.raised(t, "")

	before = f.api.Order("o1")
	f.apply(fakeapi.MakeSession("2", "o1-uid").Obj(), fakeapi.MakeSession("3", "o1-uid").Obj())
	f.update(before, f.api.Order("o1"))
	f.raised(t, "Warning DuplicatePayment")

	f.update(nil, f.api.Order("o1")) // a new order can have needs if the watch was interrupted
	if got := f.events(); len(got) != 2 {
		t.Errorf("new order: got Events %q, want 2", got)
	}
}

// TestOnlyTheLeaderRaisesEvents: the other replicas see the same changes.
func TestOnlyTheLeaderRaisesEvents(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, fakeapi.MakeOrder("o1").Ready().Obj())
	elected, elect := context.WithCancel(t.Context())
	f.reconciler.elected = elected.Done()
	before := f.api.Order("o1")
	f.apply(fakeapi.MakeSession("1", "o1-uid").Amount(100, "usd").Obj())
	f.update(before, f.api.Order("o1"))
	f.raised(t, "")
	elect()
	f.update(before, f.api.Order("o1"))
	f.raised(t, "Warning PaymentMismatch")
}
