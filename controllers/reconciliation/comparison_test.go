package reconciliation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/stripeevent"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// books are Stripe's, in one of the modes.
type books struct {
	sessions []stripeclient.Session
	// now, where set, are sessions as they are when they are asked for by their ids.
	now      []stripeclient.Session
	disputes map[string][]payment.Fact
	failed   map[string][]payment.Fact
	test     bool
	err      error

	links    []string  // whose sessions were listed
	since    time.Time // since when
	lookedUp []string  // sessions
	asked    []string  // payments whose disputes or failed refunds were listed
}

func (b *books) Live() bool { return !b.test }

func (b *books) SessionsOfLink(_ context.Context, id string, since time.Time, each func(stripeclient.Session) error) error {
	b.links, b.since = append(b.links, id), since
	for _, s := range b.sessions {
		if s.Fact.Session.PaymentLinkID == id {
			if err := each(s); err != nil {
				return err
			}
		}
	}
	return b.err
}

func (b *books) SessionWithCharge(_ context.Context, id string) (stripeclient.Session, error) {
	b.lookedUp = append(b.lookedUp, id)
	for _, s := range slices.Concat(b.now, b.sessions) {
		if s.Fact.Session.ID == id {
			return s, nil
		}
	}
	return stripeclient.Session{}, stripeclient.ErrNoSuchObject
}

func (b *books) Disputes(_ context.Context, intent string) ([]payment.Fact, error) {
	b.asked = append(b.asked, "disputes of "+intent)
	return b.disputes[intent], nil
}

func (b *books) FailedRefunds(_ context.Context, intent string) ([]payment.Fact, error) {
	b.asked = append(b.asked, "failed refunds of "+intent)
	return b.failed[intent], nil
}

// booked is a session as Stripe's books have it, with so much refunded. Its charge is older than the event that told of it.
func booked(fact payment.Fact, refund int64, disputed bool) stripeclient.Session {
	fact.Created = metav1.NewTime(fact.Created.Add(-2 * minute))
	s := stripeclient.Session{Status: stripeclient.SessionComplete, Fact: fact, Charge: &stripeclient.Charge{Disputed: disputed}}
	s.Fact.EventID = fact.Session.ID + ":" + string(fact.Session.Outcome)
	if refund > 0 {
		r := refunded(strings.TrimPrefix(fact.Session.ID, "cs_"), refund, refund == fact.Session.Amount)
		s.Charge.Refund = &r
	}
	return s
}

// audit is one of a controller that has just started.
func (s *shop) audit(b *books) *Audit {
	return &Audit{
		Books: b, Keeper: s.ledger, Cache: s.api, Live: s.api, Writer: s.api, State: s.state(), Clock: testingclock.NewFakeClock(s.clock.Now()),
		Log: logr.Discard(), Recorder: s.recorder, Metrics: s.auditMetrics, Period: day, Window: 30 * day, Grace: minute,
	}
}

// disputed is a dispute of a payment.
func disputed(session, status string) payment.Fact {
	f := refunded(session, 0, false)
	f.EventID, f.Type, f.Refund = "du_"+session+":"+status, "charge.dispute.updated", nil
	f.Dispute = &v1alpha1.Dispute{ID: "du_" + session, Status: status, Amount: 19900, ReportedAt: metav1.NewTime(now)}
	return f
}

func failedRefund(session string, amount int64) payment.Fact {
	f := refunded(session, 0, false)
	f.EventID, f.Type, f.Refund = "re_"+session+":failed", "refund.failed", nil
	f.FailedRefund = &v1alpha1.FailedRefund{ID: "re_" + session, Amount: amount}
	return f
}

func verified(o *v1alpha1.Order) string {
	c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionVerified)
	if c == nil {
		return ""
	}
	return string(c.Status) + " " + c.Reason + ": " + c.Message
}

// TestAudit: what is missing here is applied, and what is otherwise here is said.
func TestAudit(t *testing.T) {
	viaLink := func(session string) payment.Fact { return throughLink("plink_1", paid("o1-uid", session)) }
	cheaper := viaLink("1")
	cheaper.Session.Amount = 100
	notPaid := throughLink("plink_1", unpaid("o1-uid", "1"))
	for name, row := range map[string]struct {
		known    []payment.Fact
		books    books
		phase    v1alpha1.OrderPhase
		refunded int64
		missing  map[string]float64 // by type
		verified string
		asked    []string
		lookedUp []string
		kept     int
	}{
		"nothing at all": {},
		"the same": {
			known: []payment.Fact{viaLink("1")}, books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 0, false)}}, phase: v1alpha1.OrderPaid,
		},
		"a debit that arrived, and nobody told": {
			known: []payment.Fact{throughLink("plink_1", unpaid("o1-uid", "1"))}, books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 0, false)}}, phase: v1alpha1.OrderPaid,
			missing: map[string]float64{"checkout.session.completed": 1},
		},
		"a lost payment": {
			books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 0, false)}}, phase: v1alpha1.OrderPaid,
			missing: map[string]float64{"checkout.session.completed": 1},
		},
		"a lost payment, refunded": {
			books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 19900, false)}}, phase: v1alpha1.OrderRefunded, refunded: 19900,
			missing: map[string]float64{"checkout.session.completed": 1, "charge.refunded": 1},
		},
		"a lost refund": {
			known: []payment.Fact{viaLink("1")}, books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 500, false)}}, phase: v1alpha1.OrderPaid, refunded: 500,
			missing: map[string]float64{"charge.refunded": 1},
		},
		"a lost dispute": {
			known: []payment.Fact{viaLink("1")},
			books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 0, true)}, disputes: map[string][]payment.Fact{"pi_1": {disputed("1", "needs_response")}}},
			phase: v1alpha1.OrderPaid, missing: map[string]float64{"charge.dispute.updated": 1}, asked: []string{"disputes of pi_1"},
		},
		"a dispute as it was": {
			known: []payment.Fact{viaLink("1"), disputed("1", "needs_response")},
			books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 0, true)}, disputes: map[string][]payment.Fact{"pi_1": {disputed("1", "needs_response")}}},
			phase: v1alpha1.OrderPaid, asked: []string{"disputes of pi_1"},
		},
		"a dispute that ended": {
			known: []payment.Fact{viaLink("1"), disputed("1", "lost")},
			books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 0, true)}}, phase: v1alpha1.OrderPaid,
		},
		"a refund that failed, and nobody told": {
			known: []payment.Fact{viaLink("1"), refunded("1", 500, false)},
			books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 0, false)}, failed: map[string][]payment.Fact{"pi_1": {failedRefund("1", 500)}}},
			phase: v1alpha1.OrderPaid, refunded: 500, missing: map[string]float64{"refund.failed": 1}, asked: []string{"failed refunds of pi_1"},
		},
		"a refund that failed, as is known": {
			known: []payment.Fact{viaLink("1"), refunded("1", 500, false), failedRefund("1", 500)},
			books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 0, false)}}, phase: v1alpha1.OrderPaid, refunded: 500,
		},
		"a refund that Stripe has nothing of": {
			known: []payment.Fact{viaLink("1"), refunded("1", 500, false)},
			books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 0, false)}}, phase: v1alpha1.OrderPaid, refunded: 500, asked: []string{"failed refunds of pi_1"}, lookedUp: []string{"cs_1"},
			verified: "False StripeDisagrees: Stripe's books say otherwise: of session cs_1, 5.00 USD is refunded here, and 0.00 USD at Stripe. Look at the payment at Stripe.",
		},
		"paid here alone": {
			known: []payment.Fact{viaLink("1")}, books: books{sessions: []stripeclient.Session{booked(notPaid, 0, false)}}, phase: v1alpha1.OrderPaid, lookedUp: []string{"cs_1"},
			verified: "False StripeDisagrees: Stripe's books say otherwise: session cs_1 is paid here, and not at Stripe. Look at the payment at Stripe.",
		},
		"paid since Stripe was asked": {
			known: []payment.Fact{viaLink("1")}, phase: v1alpha1.OrderPaid, lookedUp: []string{"cs_1"},
			books: books{sessions: []stripeclient.Session{booked(notPaid, 0, false)}, now: []stripeclient.Session{booked(viaLink("1"), 0, false)}},
		},
		"refunded since Stripe was asked": {
			known: []payment.Fact{viaLink("1"), refunded("1", 500, false)}, phase: v1alpha1.OrderPaid, refunded: 500,
			books: books{sessions: []stripeclient.Session{booked(viaLink("1"), 0, false)}, now: []stripeclient.Session{booked(viaLink("1"), 500, false)}},
			asked: []string{"failed refunds of pi_1"}, lookedUp: []string{"cs_1"},
		},
		"another amount": {
			known: []payment.Fact{viaLink("1")}, books: books{sessions: []stripeclient.Session{booked(cheaper, 0, false)}}, phase: v1alpha1.OrderPaid, lookedUp: []string{"cs_1"},
			verified: "False StripeDisagrees: Stripe's books say otherwise: session cs_1 is of 199.00 USD here, and of 1.00 USD at Stripe. Look at the payment at Stripe.",
		},
		"another link, of two payments": {
			known: []payment.Fact{viaLink("1"), viaLink("2")}, lookedUp: []string{"cs_1", "cs_1"},
			books: books{sessions: []stripeclient.Session{booked(paid("o1-uid", "1"), 0, false), booked(viaLink("2"), 0, false)}}, phase: v1alpha1.OrderPaid,
			verified: "False StripeDisagrees: Stripe's books say otherwise: session cs_1 came through plink_1 here, and through no Payment Link at Stripe. Look at the payment at Stripe.",
		},
		"of no known link": {
			known: []payment.Fact{paid("o1-uid", "1")}, books: books{sessions: []stripeclient.Session{booked(paid("o1-uid", "1"), 700, false)}}, phase: v1alpha1.OrderPaid, refunded: 700,
			missing: map[string]float64{"charge.refunded": 1}, lookedUp: []string{"cs_1"},
		},
		"unknown at Stripe": {
			known: []payment.Fact{paid("o1-uid", "1")}, phase: v1alpha1.OrderPaid, lookedUp: []string{"cs_1"},
			verified: "False StripeDisagrees: Stripe's books say otherwise: Stripe has no session cs_1. Look at the payment at Stripe.",
		},
		"of the other mode":     {known: []payment.Fact{viaLink("1")}, books: books{test: true}, phase: v1alpha1.OrderPaid},
		"too old to be audited": {known: []payment.Fact{aged(paid("o1-uid", "1"), 31*day)}, phase: v1alpha1.OrderPaid},
		"an orphan": {
			books: books{sessions: []stripeclient.Session{booked(orphan("9"), 0, false)}}, missing: map[string]float64{"checkout.session.completed": 1}, kept: 1,
		},
		"an orphan that is kept": {
			known: []payment.Fact{orphan("9")}, books: books{sessions: []stripeclient.Session{booked(orphan("9"), 0, false)}}, kept: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, interceptor.Funcs{}, order("o1", given), link("l"))
			for _, fact := range row.known {
				s.apply(fact)
			}
			s.must(s.audit(&row.books).ifDue(t.Context()))
			o := s.order("o1")
			if o.Status.Phase != row.phase || o.Status.AmountRefunded != row.refunded {
				t.Errorf("the order is %+v", o.Status)
			}
			if got := verified(o); got != row.verified {
				t.Errorf("verified: %s", got)
			}
			for _, kind := range webhook.EventTypes() { // those that are not listed are not missing
				s.counted(`audit_missing_total{type="`+kind+`"}`, row.missing[kind])
			}
			if diff := cmp.Diff(row.asked, row.books.asked); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(row.lookedUp, row.books.lookedUp); diff != "" {
				t.Error(diff)
			}
			disagreements, events := 0.0, s.told()
			if row.verified != "" {
				disagreements = 1
			}
			s.counted("audit_disagreements", disagreements)
			if len(events) != int(disagreements) {
				t.Errorf("told %q", events)
			}
			var all v1alpha1.StripeEventList
			s.must(s.api.List(t.Context(), &all))
			if len(all.Items) != row.kept {
				t.Errorf("kept: %+v", all.Items)
			}
			// The next one finds nothing that is new, and writes nothing.
			writes := s.writes
			s.clock.SetTime(now.Add(day))
			s.must(s.audit(&row.books).ifDue(t.Context()))
			if s.writes != writes || len(s.told()) != 0 {
				t.Errorf("%d writes", s.writes-writes)
			}
			for kind, n := range row.missing {
				s.counted(`audit_missing_total{type="`+kind+`"}`, n)
			}
		})
	}
}

// aged is a session that was created some time ago.
func aged(f payment.Fact, age time.Duration) payment.Fact {
	session := *f.Session
	session.Created = metav1.NewTime(now.Add(-age))
	f.Session = &session
	return f
}

// TestAuditAgreesAgain: what disagreed and does not any more is said too.
func TestAuditAgreesAgain(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, order("o1", given), link("l"))
	fact := throughLink("plink_1", paid("o1-uid", "1"))
	s.apply(fact)
	wrong := throughLink("plink_1", unpaid("o1-uid", "1"))
	s.must(s.audit(&books{sessions: []stripeclient.Session{booked(wrong, 0, false)}}).ifDue(t.Context()))
	s.clock.SetTime(now.Add(day))
	s.must(s.audit(&books{sessions: []stripeclient.Session{booked(fact, 0, false)}}).ifDue(t.Context()))
	if got := verified(s.order("o1")); got != "True StripeAgrees: Stripe's books say the same." {
		t.Errorf("%s", got)
	}
	s.counted("audit_disagreements", 0)
}

// foresight is a ledger whose cache is behind: it foresees that every fact is to be written.
type foresight struct {
	stripeevent.FactKeeper
	err error
}

func (f *foresight) Preview(context.Context, payment.Fact) (ledger.Result, error) {
	return ledger.Applied, nil
}

func (f *foresight) Apply(ctx context.Context, fact payment.Fact) (ledger.Result, error) {
	if f.err != nil {
		return "", f.err
	}
	return f.FactKeeper.Apply(ctx, fact)
}

// TestAuditCountsWhatItWrote, and neither what was known by then nor what it could not write.
func TestAuditCountsWhatItWrote(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, order("o1", given), order("o2", given), link("l"))
	s.apply(throughLink("plink_1", paid("o1-uid", "1")))
	b := &books{sessions: []stripeclient.Session{
		booked(throughLink("plink_1", paid("o1-uid", "1")), 0, false), booked(throughLink("plink_1", paid("o2-uid", "2")), 0, false),
	}}
	a, away := s.audit(b), errors.New("away")
	a.Keeper = &foresight{FactKeeper: s.ledger, err: away}
	if err := a.ifDue(t.Context()); !errors.Is(err, away) {
		t.Errorf("%v", err)
	}
	s.counted(`audit_missing_total{type="checkout.session.completed"}`, 0)
	a.Keeper = &foresight{FactKeeper: s.ledger}
	s.must(a.ifDue(t.Context()))
	s.counted(`audit_missing_total{type="checkout.session.completed"}`, 1)
}

// TestAuditHasPatience with money that was taken just now: its webhook is on its way.
func TestAuditHasPatience(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, order("o1", given), link("l"))
	session := booked(throughLink("plink_1", paid("o1-uid", "1")), 0, false)
	session.Fact.Created = metav1.NewTime(now.Add(time.Second - minute))
	a := s.audit(&books{sessions: []stripeclient.Session{session}})
	s.must(a.ifDue(t.Context()))
	s.counted(`audit_missing_total{type="checkout.session.completed"}`, 0)
	s.clock.SetTime(now.Add(day))
	s.must(s.audit(&books{sessions: []stripeclient.Session{session}}).ifDue(t.Context()))
	s.counted(`audit_missing_total{type="checkout.session.completed"}`, 1)
}

// TestDryAudit says what it finds, and changes nothing.
func TestDryAudit(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, order("o1", given), order("o2", given), link("l"))
	s.apply(throughLink("plink_1", paid("o2-uid", "2")))
	writes := s.writes
	b := &books{sessions: []stripeclient.Session{
		booked(throughLink("plink_1", paid("o1-uid", "1")), 19900, false), booked(throughLink("plink_1", unpaid("o2-uid", "2")), 0, false), booked(orphan("9"), 0, false),
	}}
	a := s.audit(b)
	a.DryRun = true
	s.must(a.ifDue(t.Context()))
	s.counted(`audit_missing_total{type="checkout.session.completed"}`, 2)
	s.counted("audit_disagreements", 1)
	if s.writes != writes || len(s.told()) != 0 || verified(s.order("o2")) != "" {
		t.Error("something was changed")
	}
	if got := s.stateOf(stateAudit); got != "3 sessions since 2026-10-24T12:00:00Z compared: 3 facts were missing here (not applied: this is a dry run), 1 orders disagree with Stripe" {
		t.Errorf("%s", got)
	}
}

// TestAuditWhenDue: a restart brings none about, and one that failed begins anew.
func TestAuditWhenDue(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, link("l"), link("again"), link("test", func(l *v1alpha1.PaymentLink) {
		l.Spec.Livemode, l.Spec.PaymentLinkID = new(false), "plink_2"
	}))
	b := &books{err: errStripe}
	if err := s.audit(b).ifDue(t.Context()); !errors.Is(err, errStripe) {
		t.Errorf("%v", err)
	}
	if s.stateOf(stateAuditedAt) != "" {
		t.Error("it counts as done")
	}
	b.err = nil
	s.must(s.audit(b).ifDue(t.Context()))
	if diff := cmp.Diff([]string{"plink_1", "plink_1"}, b.links); diff != "" || !b.since.Equal(now.Add(-30*day)) {
		t.Errorf("since %s: %s", b.since, diff)
	}
	s.clock.SetTime(now.Add(day - time.Second))
	s.must(s.audit(b).ifDue(t.Context()))
	if len(b.links) != 2 {
		t.Error("it audits again at once")
	}
	s.clock.SetTime(now.Add(day))
	s.must(s.audit(b).ifDue(t.Context()))
	if len(b.links) != 3 {
		t.Error("it does not audit again")
	}
	if !s.audit(b).NeedLeaderElection() {
		t.Error("every replica audits")
	}
}

// TestAuditConflict: the condition is written though somebody else was first, and not where the order is gone.
func TestAuditConflict(t *testing.T) {
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "orders"}, "o1", nil)
	left := 1
	s := newShop(t, interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
		if order, ok := o.(*v1alpha1.Order); ok && verified(order) != "" && left > 0 {
			left--
			return conflict
		}
		return c.SubResource(sub).Patch(ctx, o, p, opts...)
	}}, order("o1", given), link("l"))
	s.apply(throughLink("plink_1", paid("o1-uid", "1")))
	s.must(s.audit(&books{}).ifDue(t.Context()))
	if got := verified(s.order("o1")); !strings.HasPrefix(got, "False StripeDisagrees") || left != 0 {
		t.Errorf("%s", got)
	}
}
