package stripeevent

import (
	"context"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// errStripe is what a Stripe in trouble answers.
var errStripe = errors.New("status 429")

// payments is a Stripe that knows the sessions of payments.
type payments struct {
	live     bool
	sessions map[string]payment.Fact
	err      error
	asked    []string
}

func (p *payments) Live() bool { return p.live }

func (p *payments) SessionsOfPayment(_ context.Context, intent string) ([]stripeclient.Session, error) {
	p.asked = append(p.asked, intent)
	fact, known := p.sessions[intent]
	if p.err != nil || !known {
		return nil, p.err
	}
	fact.EventID = fact.Session.ID + ":Paid"
	return []stripeclient.Session{{Status: stripeclient.SessionComplete, Fact: fact}}, nil
}

// resolving gives the shop a Stripe to ask.
func (s *shop) resolving(stripe *payments) *Resolver {
	s.kept.Resolver = &Resolver{Stripe: stripe, Ledger: s.ledger, Events: s.api, Clock: s.clock}
	return s.kept.Resolver
}

func ofAge(fact payment.Fact, age time.Duration) payment.Fact {
	fact.Created = metav1.NewTime(now.Add(-age))
	return fact
}

func throughLink(id string, fact payment.Fact) payment.Fact {
	session := *fact.Session
	session.PaymentLinkID = id
	fact.Session = &session
	return fact
}

// TestLostSession: a refund whose session's webhook never came finds it at Stripe, and both are applied.
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
		"ours, by its reference":      {new(paid("o1-uid", "1")), true, nil, hour, false, v1alpha1.StripeEventApplied, v1alpha1.OrderRefunded, 1, 0},
		"ours, and just refunded":     {new(paid("o1-uid", "1")), true, nil, 0, false, v1alpha1.StripeEventApplied, v1alpha1.OrderRefunded, 1, 0},
		"another shop's reference":    {new(paid("unheard-of", "1")), true, nil, hour, true, "", "", 1, 1},
		"somebody's, no reference":    {new(paid("", "1")), true, nil, hour, true, "", "", 1, 1},
		"somebody's, but just now":    {new(paid("", "1")), true, nil, 4 * minute, false, v1alpha1.StripeEventParked, "", 1, 0},
		"no session at all":           {nil, true, nil, hour, true, "", "", 1, 1},
		"no session yet":              {nil, true, nil, 4 * minute, false, v1alpha1.StripeEventParked, "", 1, 0},
		"the key is of the other":     {nil, false, nil, hour, false, v1alpha1.StripeEventParked, "", 0, 0},
		"Stripe is in trouble":        {nil, true, errors.New("status 500"), hour, false, v1alpha1.StripeEventParked, "", 1, 0},
		"ours, by its link: orphaned": {new(throughLink("plink_1", paid("", "1"))), true, nil, hour, false, v1alpha1.StripeEventParked, "", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			refund := ofAge(refunded("1", 19900, true), row.age)
			e := kept(refund, row.age)
			s := newShop(t, interceptor.Funcs{}, order("o1", given), link("l"), e)
			stripe := &payments{live: row.live, err: row.err}
			if row.session != nil {
				stripe.sessions = map[string]payment.Fact{"pi_1": *row.session}
			}
			s.resolving(stripe)
			_, after := s.reconcileEvent(e)
			if (after == nil) != row.removed {
				t.Fatalf("the event is %+v", after)
			}
			if after != nil && after.Status.Phase != row.phase {
				t.Errorf("the event is %+v", after.Status)
			}
			if phase := s.order("o1").Status.Phase; phase != row.order {
				t.Errorf("the order is %s", phase)
			}
			if len(stripe.asked) != row.asked {
				t.Errorf("asked %v", stripe.asked)
			}
			s.counted("stripe_events_foreign_total", row.foreign)
		})
	}
}

// TestResolverApplies as the ledger does, but for what is somebody else's.
func TestResolverApplies(t *testing.T) {
	for name, row := range map[string]struct {
		fact  payment.Fact
		known []payment.Fact
		want  ledger.Result
		kept  int
	}{
		"a session":                    {paid("o1-uid", "1"), nil, ledger.Applied, 0},
		"a session, again":             {paid("o1-uid", "1"), []payment.Fact{paid("o1-uid", "1")}, ledger.Unchanged, 0},
		"a refund":                     {refunded("1", 1, false), []payment.Fact{paid("o1-uid", "1")}, ledger.Applied, 0},
		"a refund, again":              {refunded("1", 1, false), []payment.Fact{paid("o1-uid", "1"), refunded("1", 1, false)}, ledger.Unchanged, 0},
		"a refund of a lost session":   {refunded("lost", 1, false), nil, ledger.Applied, 0},
		"a refund of somebody's":       {ofAge(refunded("9", 1, false), hour), nil, ledger.NotOurs, 0},
		"a refund of somebody's, new":  {refunded("9", 1, false), nil, ledger.Parked, 1},
		"a refund of an orphan":        {refunded("orphan", 1, false), nil, ledger.Parked, 2},
		"a refund of a known orphan":   {refunded("kept", 1, false), []payment.Fact{throughLink("plink_1", paid("", "kept"))}, ledger.Parked, 2},
		"a session without any":        {throughLink("plink_1", paid("", "7")), nil, ledger.Parked, 1},
		"a session without any, again": {throughLink("plink_1", paid("", "7")), []payment.Fact{throughLink("plink_1", paid("", "7"))}, ledger.Unchanged, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, interceptor.Funcs{}, order("o1", given), link("l"))
			for _, fact := range row.known {
				s.apply(fact)
			}
			r := s.resolving(&payments{live: true, sessions: map[string]payment.Fact{
				"pi_lost": paid("o1-uid", "lost"), "pi_orphan": throughLink("plink_1", paid("", "orphan")), "pi_9": paid("", "9"),
			}})
			got, err := r.Apply(t.Context(), row.fact)
			if err != nil || got != row.want {
				t.Errorf("%s, %v", got, err)
			}
			var all v1alpha1.StripeEventList
			s.must(s.api.List(t.Context(), &all, client.InNamespace("paylink-system")))
			if len(all.Items) != row.kept {
				t.Errorf("kept: %+v", all.Items)
			}
		})
	}
}

// TestResolverInTrouble: where nothing is certain, nothing is dropped.
func TestResolverInTrouble(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, order("o1", given))
	r := s.resolving(&payments{live: true, err: errStripe})
	if _, err := r.Apply(t.Context(), ofAge(refunded("1", 1, false), hour)); !errors.Is(err, errStripe) {
		t.Errorf("%v", err)
	}
}
