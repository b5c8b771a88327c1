package stripeevent

import (
	"context"
	"errors"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// errStripe is the error of a Stripe that fails.
var errStripe = errors.New("status 429")

// fakeFinder is a PaymentFinder with these sessions.
type fakeFinder struct {
	live     bool
	sessions map[string]payment.Fact
	err      error
	asked    []string
}

func (p *fakeFinder) Live() bool { return p.live }

func (p *fakeFinder) SessionsOfPayment(_ context.Context, intent string) ([]stripeclient.Session, error) {
	p.asked = append(p.asked, intent)
	fact, known := p.sessions[intent]
	if p.err != nil || !known {
		return nil, p.err
	}
	fact.EventID = fact.Session.ID + ":Paid"
	return []stripeclient.Session{{Status: stripeclient.SessionComplete, Fact: fact}}, nil
}

// resolving adds a Resolver to the reconciler.
func (f *fixture) resolving(stripe *fakeFinder) *Resolver {
	f.reconciler.Resolver = &Resolver{Stripe: stripe, Ledger: f.ledger, Events: f.api.Direct, Clock: f.clock}
	return f.reconciler.Resolver
}

// TestLostSession: a refund finds its lost session at Stripe, and both are applied.
func TestLostSession(t *testing.T) {
	for name, row := range map[string]struct {
		session *payment.Fact
		live    bool
		err     error
		age     time.Duration
		removed bool
		phase   v1alpha1.StripeEventPhase
		order   v1alpha1.OrderPhase
		asked   int
		foreign float64
	}{
		"ours, by its reference":      {new(fakeapi.MakeSession("1", "o1-uid").Obj()), true, nil, hour, false, v1alpha1.StripeEventApplied, v1alpha1.OrderRefunded, 1, 0},
		"ours, and just refunded":     {new(fakeapi.MakeSession("1", "o1-uid").Obj()), true, nil, 0, false, v1alpha1.StripeEventApplied, v1alpha1.OrderRefunded, 1, 0},
		"another shop's reference":    {new(fakeapi.MakeSession("1", "unheard-of").Obj()), true, nil, hour, true, "", "", 1, 1},
		"somebody's, no reference":    {new(fakeapi.MakeSession("1", "").Obj()), true, nil, hour, true, "", "", 1, 1},
		"foreign, but recent":         {new(fakeapi.MakeSession("1", "").Obj()), true, nil, 4 * minute, false, v1alpha1.StripeEventParked, "", 1, 0},
		"no session at all":           {nil, true, nil, hour, true, "", "", 1, 1},
		"no session yet":              {nil, true, nil, 4 * minute, false, v1alpha1.StripeEventParked, "", 1, 0},
		"the key is of the other":     {nil, false, nil, hour, false, v1alpha1.StripeEventParked, "", 0, 0},
		"Stripe fails":                {nil, true, errors.New("status 500"), hour, false, v1alpha1.StripeEventParked, "", 1, 0},
		"ours, by its link: orphaned": {new(fakeapi.MakeSession("1", "").PaymentLink("plink_1").Obj()), true, nil, hour, false, v1alpha1.StripeEventParked, "", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			refund := fakeapi.MakeRefund("1", 19900).FullyRefunded().Created(now.Add(-row.age)).Obj()
			e := fakeapi.MakeStripeEvent(refund).Age(row.age).Obj()
			f := newFixture(t, interceptor.Funcs{}, readyOrder("o1"), fakeapi.MakePaymentLink("l").Ready().Obj(), e)
			stripe := &fakeFinder{live: row.live, err: row.err}
			if row.session != nil {
				stripe.sessions = map[string]payment.Fact{"pi_1": *row.session}
			}
			f.resolving(stripe)
			_, after := f.reconcileEvent(e)
			if (after == nil) != row.removed {
				t.Fatalf("the event is %+v", after)
			}
			if after != nil && after.Status.Phase != row.phase {
				t.Errorf("event: got status %+v", after.Status)
			}
			if phase := f.api.Order("o1").Status.Phase; phase != row.order {
				t.Errorf("order: got phase %s", phase)
			}
			if len(stripe.asked) != row.asked {
				t.Errorf("look-ups: got %v, want %d", stripe.asked, row.asked)
			}
			f.counts("stripe_events_foreign_total", row.foreign)
		})
	}
}

// TestResolverApplies like the ledger, except for foreign payments.
func TestResolverApplies(t *testing.T) {
	for name, row := range map[string]struct {
		fact  payment.Fact
		known []payment.Fact
		want  ledger.Result
		kept  int
	}{
		"a session":                    {fakeapi.MakeSession("1", "o1-uid").Obj(), nil, ledger.Applied, 0},
		"a session, again":             {fakeapi.MakeSession("1", "o1-uid").Obj(), []payment.Fact{fakeapi.MakeSession("1", "o1-uid").Obj()}, ledger.Unchanged, 0},
		"a refund":                     {fakeapi.MakeRefund("1", 1).Obj(), []payment.Fact{fakeapi.MakeSession("1", "o1-uid").Obj()}, ledger.Applied, 0},
		"a refund, again":              {fakeapi.MakeRefund("1", 1).Obj(), []payment.Fact{fakeapi.MakeSession("1", "o1-uid").Obj(), fakeapi.MakeRefund("1", 1).Obj()}, ledger.Unchanged, 0},
		"a refund of a lost session":   {fakeapi.MakeRefund("lost", 1).Obj(), nil, ledger.Applied, 0},
		"a foreign refund":             {fakeapi.MakeRefund("9", 1).Created(now.Add(-hour)).Obj(), nil, ledger.NotOurs, 0},
		"a foreign refund, recent":     {fakeapi.MakeRefund("9", 1).Obj(), nil, ledger.Parked, 1},
		"a refund of an orphan":        {fakeapi.MakeRefund("orphan", 1).Obj(), nil, ledger.Parked, 2},
		"a refund of a known orphan":   {fakeapi.MakeRefund("kept", 1).Obj(), []payment.Fact{fakeapi.MakeSession("kept", "").PaymentLink("plink_1").Obj()}, ledger.Parked, 2},
		"a session without any":        {fakeapi.MakeSession("7", "").PaymentLink("plink_1").Obj(), nil, ledger.Parked, 1},
		"a session without any, again": {fakeapi.MakeSession("7", "").PaymentLink("plink_1").Obj(), []payment.Fact{fakeapi.MakeSession("7", "").PaymentLink("plink_1").Obj()}, ledger.Unchanged, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, interceptor.Funcs{}, readyOrder("o1"), fakeapi.MakePaymentLink("l").Ready().Obj())
			for _, fact := range row.known {
				f.apply(fact)
			}
			r := f.resolving(&fakeFinder{live: true, sessions: map[string]payment.Fact{
				"pi_lost": fakeapi.MakeSession("lost", "o1-uid").Obj(), "pi_orphan": fakeapi.MakeSession("orphan", "").PaymentLink("plink_1").Obj(), "pi_9": fakeapi.MakeSession("9", "").Obj(),
			}})
			got, err := r.Apply(t.Context(), row.fact)
			if err != nil || got != row.want {
				t.Errorf("got %s and error %v, want %s", got, err, row.want)
			}
			var all v1alpha1.StripeEventList
			f.must(f.api.Direct.List(t.Context(), &all, client.InNamespace("paylink-system")))
			if len(all.Items) != row.kept {
				t.Errorf("StripeEvents: got %+v", all.Items)
			}
		})
	}
}

// TestResolverFails: if Stripe fails, nothing is dropped.
func TestResolverFails(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, readyOrder("o1"))
	r := f.resolving(&fakeFinder{live: true, err: errStripe})
	if _, err := r.Apply(t.Context(), fakeapi.MakeRefund("1", 1).Created(now.Add(-hour)).Obj()); !errors.Is(err, errStripe) {
		t.Errorf("%v", err)
	}
}
