package fakeapi

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

// TestServer: the ledger works over the server and the builders' objects, and its requests are counted.
func TestServer(t *testing.T) {
	reference := MakeOrder("o1").Obj().ClientReferenceID()
	paid := MakeSession("1", reference).Obj()
	for name, row := range map[string]struct {
		server *ServerBuilder
		want   Calls
		err    error
		phase  v1alpha1.OrderPhase
		parked int
	}{
		"an order is paid":          {MakeServer(t, MakeOrder("o1").Ready().Obj()), Calls{StatusWrites: 1}, nil, v1alpha1.OrderPaid, 0},
		"one conflict":              {MakeServer(t, MakeOrder("o1").Ready().Obj()).Failures(FailStatusPatches(1, Conflict("o1"))), Calls{StatusWrites: 1, Gets: 1}, nil, v1alpha1.OrderPaid, 0},
		"the patch fails":           {MakeServer(t, MakeOrder("o1").Ready().Obj()).Failures(FailStatusPatch(Unavailable())), Calls{}, Unavailable(), "", 0},
		"the order is not ready":    {MakeServer(t, MakeOrder("o1").Obj()), Calls{Creates: 1}, nil, "", 1},
		"the event cannot be kept":  {MakeServer(t, MakeOrder("o1").Obj()).Failures(FailCreate(Unavailable())), Calls{Creates: 1}, Unavailable(), "", 0},
		"the orders cannot be read": {MakeServer(t, MakeOrder("o1").Obj()).Failures(FailList(Unavailable())), Calls{}, Unavailable(), "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := row.server.Obj()
			_, err := s.Ledger(testingclock.NewFakePassiveClock(Now), prometheus.NewRegistry()).Apply(t.Context(), paid)
			if (err == nil) != (row.err == nil) || err != nil && !apierrors.IsServiceUnavailable(err) {
				t.Errorf("got %v, want %v", err, row.err)
			}
			calls := s.Calls()
			if calls.StatusWrites != row.want.StatusWrites || calls.Creates != row.want.Creates || calls.Gets < row.want.Gets {
				t.Errorf("got %+v, want %+v", calls, row.want)
			}
			if got := s.Order("o1").Status.Phase; got != row.phase {
				t.Errorf("got phase %q, want %q", got, row.phase)
			}
			if got := len(s.StripeEvents()); got != row.parked {
				t.Errorf("got %d StripeEvents, want %d", got, row.parked)
			}
		})
	}
}

// TestSnapshot: a cache that stays as it was does not see a later write, and its ledger reads the order again.
func TestSnapshot(t *testing.T) {
	o := MakeOrder("o1").PaymentLink("lifetime").Ready().Obj()
	s := MakeServer(t, o, MakePaymentLink("lifetime").Ready().Obj()).Obj()
	l := s.Ledger(testingclock.NewFakePassiveClock(Now), prometheus.NewRegistry())
	l.Cache = s.Snapshot()
	for _, name := range []string{"1", "2"} {
		if got, err := l.Apply(t.Context(), MakeSession(name, o.ClientReferenceID()).Obj()); err != nil || got != ledger.Applied {
			t.Errorf("got %s, %v, want %s", got, err, ledger.Applied)
		}
	}
	if calls := s.Calls(); len(calls.StatusPatches) != 3 || calls.StatusWrites != 2 {
		t.Errorf("got %+v, want 3 status patches and 2 writes", calls)
	}
}

// TestObjIsACopy: a builder goes on without changing what it returned.
func TestObjIsACopy(t *testing.T) {
	b := MakeOrder("o1").ExpiresAfter(time.Hour)
	before := b.Obj()
	b.ExpiresAfter(time.Minute).OrderID("x")
	if before.Spec.ExpiresAfter.Duration != time.Hour || before.Spec.OrderID != "" {
		t.Errorf("got %+v, want the first order unchanged", before.Spec)
	}
	fact := MakeSession("1", "o1-uid")
	first := fact.Obj()
	fact.Unpaid()
	if first.Session.Outcome != v1alpha1.OutcomePaid || first.EventID != "evt_1" || fact.Obj().EventID != "evt_1_unpaid" {
		t.Errorf("got %+v, want the first fact unchanged", first)
	}
}

// TestFailGet: only the kinds that are named fail.
func TestFailGet(t *testing.T) {
	broken := errors.New("connection refused")
	s := MakeServer(t, MakeOrder("o1").Obj(), MakePaymentLink("l").Obj()).Failures(FailGet(broken, &v1alpha1.PaymentLink{})).Obj()
	o, l := MakeOrder("o1").Obj(), MakePaymentLink("l").Obj()
	if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
		t.Error(err)
	}
	if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(l), l); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}
