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
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// fakeStripe is a StripeReader with these sessions, in one mode.
type fakeStripe struct {
	sessions []stripeclient.Session
	// later, where set, are the sessions when they are read by their ids.
	later    []stripeclient.Session
	disputes []payment.Fact
	failed   []payment.Fact
	test     bool
	err      error

	links []string // arguments of SessionsOfLink
	since time.Time
	read  []string // arguments of SessionWithCharge
	lists []string // calls of Disputes and FailedRefunds
}

func (s *fakeStripe) Live() bool { return !s.test }

func (s *fakeStripe) SessionsOfLink(_ context.Context, id string, since time.Time, each func(stripeclient.Session) error) error {
	s.links, s.since = append(s.links, id), since
	for _, session := range s.sessions {
		if session.Fact.Session.PaymentLinkID == id {
			if err := each(session); err != nil {
				return err
			}
		}
	}
	return s.err
}

func (s *fakeStripe) SessionWithCharge(_ context.Context, id string) (stripeclient.Session, error) {
	s.read = append(s.read, id)
	for _, session := range slices.Concat(s.later, s.sessions) {
		if session.Fact.Session.ID == id {
			return session, nil
		}
	}
	return stripeclient.Session{}, stripeclient.ErrNoSuchObject
}

func (s *fakeStripe) Disputes(_ context.Context, intent string) ([]payment.Fact, error) {
	s.lists = append(s.lists, "disputes of "+intent)
	return slices.Clone(s.disputes), nil
}

func (s *fakeStripe) FailedRefunds(_ context.Context, intent string) ([]payment.Fact, error) {
	s.lists = append(s.lists, "failed refunds of "+intent)
	return s.failed, nil
}

// atStripe is a session in Stripe's API with an amount refunded. Its charge is older than its event.
func atStripe(fact payment.Fact, refund int64) stripeclient.Session {
	fact.Created = metav1.NewTime(fact.Created.Add(-2 * minute))
	fact.EventID = fact.Session.ID + ":" + string(fact.Session.Outcome)
	s := stripeclient.Session{Status: stripeclient.SessionComplete, Fact: fact, Charge: &stripeclient.Charge{}}
	if refund > 0 {
		r := fakeapi.MakeRefund(strings.TrimPrefix(fact.Session.ID, "cs_"), refund)
		if refund == fact.Session.Amount {
			r.FullyRefunded()
		}
		s.Charge.Refund = new(r.Obj())
	}
	return s
}

// disputedAtStripe is a session in Stripe's API with a dispute.
func disputedAtStripe(fact payment.Fact) stripeclient.Session {
	s := atStripe(fact, 0)
	s.Charge.Disputed = true
	return s
}

// comparison is the Comparison of a controller that has just started.
func (f *fixture) comparison(stripe *fakeStripe) *Comparison {
	return &Comparison{
		Stripe: stripe, Ledger: f.ledger, Cache: f.api.Client, Live: f.api.Client, Writer: f.api.Client, State: f.state(), Clock: f.clock,
		Log: logr.Discard(), Recorder: f.recorder, Metrics: f.metrics, Period: day, Window: 30 * day, Grace: minute,
	}
}

func dispute(status string) payment.Fact {
	d := v1alpha1.Dispute{ID: "du_1", Status: status, Amount: 19900, ReportedAt: metav1.NewTime(now)}
	return fakeapi.MakeDispute("1", d).EventID("du_1:" + status).Type("charge.dispute.updated").Obj()
}

func failedRefund(amount int64) payment.Fact {
	return fakeapi.MakeFailedRefund("1", "re_1", amount).EventID("re_1:failed").Obj()
}

func verifiedOf(o *v1alpha1.Order) string {
	c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionVerified)
	if c == nil {
		return ""
	}
	return string(c.Status) + " " + c.Reason + ": " + c.Message
}

// TestComparison: missing facts are applied, and differences are written to the condition Verified.
func TestComparison(t *testing.T) {
	const paid, refunded = v1alpha1.OrderPaid, v1alpha1.OrderRefunded
	const completed, refundType, disputeType = "checkout.session.completed", "charge.refunded", "charge.dispute.updated"
	facts := func(facts ...payment.Fact) []payment.Fact { return facts }
	stripe := func(sessions ...stripeclient.Session) fakeStripe { return fakeStripe{sessions: sessions} }
	disagrees := func(difference string) string {
		return "False StripeDisagrees: Stripe disagrees: " + difference + ". Look at the payment at Stripe."
	}
	session, second, unpaid := throughLink("1").Obj(), throughLink("2").Obj(), throughLink("1").Unpaid().Obj()
	cheaper, noLink := throughLink("1").Amount(100, "usd").Obj(), fakeapi.MakeSession("1", "o1-uid").Obj()
	old := fakeapi.MakeSession("1", "o1-uid").SessionCreated(now.Add(-31 * day)).Obj()
	refund := fakeapi.MakeRefund("1", 500).Obj()
	for name, row := range map[string]struct {
		known    []payment.Fact
		stripe   fakeStripe
		phase    v1alpha1.OrderPhase
		refunded int64
		missing  []string // types
		verified string
		lists    []string
		read     []string
		parked   int
	}{
		"nothing":       {},
		"equal":         {known: facts(session), stripe: stripe(atStripe(session, 0)), phase: paid},
		"debit settled": {known: facts(unpaid), stripe: stripe(atStripe(session, 0)), phase: paid, missing: []string{completed}},
		"lost payment":  {stripe: stripe(atStripe(session, 0)), phase: paid, missing: []string{completed}},
		"lost payment and full refund": {
			stripe: stripe(atStripe(session, 19900)), phase: refunded, refunded: 19900, missing: []string{completed, refundType},
		},
		"lost refund": {known: facts(session), stripe: stripe(atStripe(session, 500)), phase: paid, refunded: 500, missing: []string{refundType}},
		"lost dispute": {
			known: facts(session), stripe: fakeStripe{sessions: []stripeclient.Session{disputedAtStripe(session)}, disputes: facts(dispute("needs_response"))},
			phase: paid, missing: []string{disputeType}, lists: []string{"disputes of pi_1"},
		},
		"known dispute": {
			known:  facts(session, dispute("needs_response")),
			stripe: fakeStripe{sessions: []stripeclient.Session{disputedAtStripe(session)}, disputes: facts(dispute("needs_response"))},
			phase:  paid, lists: []string{"disputes of pi_1"},
		},
		"known dispute, ended": {known: facts(session, dispute("lost")), stripe: stripe(disputedAtStripe(session)), phase: paid},
		"lost failure of a refund": {
			known: facts(session, refund), stripe: fakeStripe{sessions: []stripeclient.Session{atStripe(session, 0)}, failed: facts(failedRefund(500))},
			phase: paid, refunded: 500, missing: []string{"refund.failed"}, lists: []string{"failed refunds of pi_1"},
		},
		"known failure of a refund": {known: facts(session, refund, failedRefund(500)), stripe: stripe(atStripe(session, 0)), phase: paid, refunded: 500},
		"refund unknown at Stripe": {
			known: facts(session, refund), stripe: stripe(atStripe(session, 0)), phase: paid, refunded: 500,
			lists: []string{"failed refunds of pi_1"}, read: []string{"cs_1"},
			verified: disagrees("of session cs_1, 5.00 USD is refunded here, and 0.00 USD at Stripe"),
		},
		"not paid at Stripe": {
			known: facts(session), stripe: stripe(atStripe(unpaid, 0)), phase: paid, read: []string{"cs_1"},
			verified: disagrees("session cs_1 is paid here, and not at Stripe"),
		},
		"paid after the first read": {
			known: facts(session), phase: paid, read: []string{"cs_1"},
			stripe: fakeStripe{sessions: []stripeclient.Session{atStripe(unpaid, 0)}, later: []stripeclient.Session{atStripe(session, 0)}},
		},
		"refunded after the first read": {
			known: facts(session, refund), phase: paid, refunded: 500, lists: []string{"failed refunds of pi_1"}, read: []string{"cs_1"},
			stripe: fakeStripe{sessions: []stripeclient.Session{atStripe(session, 0)}, later: []stripeclient.Session{atStripe(session, 500)}},
		},
		"another amount": {
			known: facts(session), stripe: stripe(atStripe(cheaper, 0)), phase: paid, read: []string{"cs_1"},
			verified: disagrees("session cs_1 is of 199.00 USD here, and of 1.00 USD at Stripe"),
		},
		"another link, of two payments": {
			known: facts(session, second), stripe: stripe(atStripe(noLink, 0), atStripe(second, 0)), phase: paid, read: []string{"cs_1", "cs_1"},
			verified: disagrees("session cs_1 came through plink_1 here, and through no Payment Link at Stripe"),
		},
		"no known link": {
			known: facts(noLink), stripe: stripe(atStripe(noLink, 700)), phase: paid, refunded: 700, missing: []string{refundType}, read: []string{"cs_1"},
		},
		"unknown at Stripe": {known: facts(noLink), phase: paid, read: []string{"cs_1"}, verified: disagrees("Stripe has no session cs_1")},
		"other mode":        {known: facts(session), stripe: fakeStripe{test: true}, phase: paid},
		"before the window": {known: facts(old), phase: paid},
		"orphan":            {stripe: stripe(atStripe(orphan(), 0)), missing: []string{completed}, parked: 1},
		"parked orphan":     {known: facts(orphan()), stripe: stripe(atStripe(orphan(), 0)), parked: 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, interceptor.Funcs{}, readyOrder("o1"), readyLink())
			f.apply(row.known...)
			f.must(f.comparison(&row.stripe).runIfDue(t.Context()))
			o := f.api.Order("o1")
			if o.Status.Phase != row.phase || o.Status.AmountRefunded != row.refunded {
				t.Errorf("order: got %s with %d refunded, want %s with %d", o.Status.Phase, o.Status.AmountRefunded, row.phase, row.refunded)
			}
			if got := verifiedOf(o); got != row.verified {
				t.Errorf("Verified: got %q, want %q", got, row.verified)
			}
			checkMissing := func() {
				t.Helper()
				for _, eventType := range webhook.EventTypes() {
					f.missing(eventType, float64(count(slices.Contains(row.missing, eventType))))
				}
			}
			checkMissing()
			if diff := cmp.Diff(row.lists, row.stripe.lists); diff != "" {
				t.Errorf("lists (-want +got): %s", diff)
			}
			if diff := cmp.Diff(row.read, row.stripe.read); diff != "" {
				t.Errorf("sessions read (-want +got): %s", diff)
			}
			want := count(row.verified != "")
			f.counts("reconciliation_disagreements", float64(want))
			if got := len(f.recorder.Events); got != want {
				t.Errorf("Events: got %d, want %d", got, want)
			}
			if got := f.api.StripeEvents(); len(got) != row.parked {
				t.Errorf("StripeEvents: got %+v, want %d", got, row.parked)
			}
			// The next comparison finds nothing new, and writes nothing.
			writes := f.api.Calls().StatusWrites
			f.clock.SetTime(now.Add(day))
			f.must(f.comparison(&row.stripe).runIfDue(t.Context()))
			if got := f.api.Calls().StatusWrites; got != writes || len(f.recorder.Events) != want {
				t.Errorf("next comparison: got %d writes and %d Events, want %d and %d", got, len(f.recorder.Events), writes, want)
			}
			checkMissing()
		})
	}
}

// TestAgreesAgain: the condition becomes True when the difference is gone.
func TestAgreesAgain(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, readyOrder("o1"), readyLink())
	session := throughLink("1").Obj()
	f.apply(session)
	f.must(f.comparison(&fakeStripe{sessions: []stripeclient.Session{atStripe(throughLink("1").Unpaid().Obj(), 0)}}).runIfDue(t.Context()))
	f.clock.SetTime(now.Add(day))
	f.must(f.comparison(&fakeStripe{sessions: []stripeclient.Session{atStripe(session, 0)}}).runIfDue(t.Context()))
	if got, want := verifiedOf(f.api.Order("o1")), "True StripeAgrees: The payments agree with Stripe."; got != want {
		t.Errorf("Verified: got %q, want %q", got, want)
	}
	f.counts("reconciliation_disagreements", 0)
}

// staleLedger previews every fact as new, as with a stale cache.
type staleLedger struct {
	Ledger
	err error
}

func (l *staleLedger) Preview(context.Context, payment.Fact) (ledger.Result, error) {
	return ledger.Applied, nil
}

func (l *staleLedger) Apply(ctx context.Context, fact payment.Fact) (ledger.Result, error) {
	if l.err != nil {
		return "", l.err
	}
	return l.Ledger.Apply(ctx, fact)
}

// TestCountsWrittenFacts: a fact counts as missing only if it was written.
func TestCountsWrittenFacts(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, readyOrder("o1"), readyOrder("o2"), readyLink())
	first, second := throughLink("1").Obj(), fakeapi.MakeSession("2", "o2-uid").PaymentLink("plink_1").Obj()
	f.apply(first)
	c := f.comparison(&fakeStripe{sessions: []stripeclient.Session{atStripe(first, 0), atStripe(second, 0)}})
	c.Ledger = &staleLedger{Ledger: f.ledger, err: errUnavailable}
	if err := c.runIfDue(t.Context()); !errors.Is(err, errUnavailable) {
		t.Errorf("got error %v, want %v", err, errUnavailable)
	}
	f.missing("checkout.session.completed", 0)
	c.Ledger = &staleLedger{Ledger: f.ledger}
	f.must(c.runIfDue(t.Context()))
	f.missing("checkout.session.completed", 1)
}

// TestGrace: the webhook of a recent payment can still arrive.
func TestGrace(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, readyOrder("o1"), readyLink())
	session := atStripe(throughLink("1").Obj(), 0)
	session.Fact.Created = metav1.NewTime(now.Add(time.Second - minute))
	stripe := &fakeStripe{sessions: []stripeclient.Session{session}}
	f.must(f.comparison(stripe).runIfDue(t.Context()))
	f.missing("checkout.session.completed", 0)
	f.clock.SetTime(now.Add(day))
	f.must(f.comparison(stripe).runIfDue(t.Context()))
	f.missing("checkout.session.completed", 1)
}

// TestDryRun counts and logs, and changes nothing.
func TestDryRun(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, readyOrder("o1"), readyOrder("o2"), readyLink())
	second := fakeapi.MakeSession("2", "o2-uid").PaymentLink("plink_1")
	f.apply(second.Obj())
	writes := f.api.Calls().StatusWrites
	c := f.comparison(&fakeStripe{sessions: []stripeclient.Session{
		atStripe(throughLink("1").Obj(), 19900), atStripe(second.Unpaid().Obj(), 0), atStripe(orphan(), 0),
	}})
	c.DryRun = true
	f.must(c.runIfDue(t.Context()))
	f.missing("checkout.session.completed", 2)
	f.counts("reconciliation_disagreements", 1)
	if got := f.api.Calls().StatusWrites; got != writes || len(f.recorder.Events) != 0 || verifiedOf(f.api.Order("o2")) != "" {
		t.Errorf("got %d writes and %d Events, want no change", got-writes, len(f.recorder.Events))
	}
	want := "3 sessions since 2026-10-24T12:00:00Z compared: 3 facts were missing here (not applied: this is a dry run), 1 orders disagree with Stripe"
	if got := f.stateOf(stateSummary); got != want {
		t.Errorf("summary: got %q, want %q", got, want)
	}
}

// TestRunIfDue: a restart causes no comparison, and a failed one is repeated.
func TestRunIfDue(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, readyLink(), fakeapi.MakePaymentLink("same").Ready().Obj(), fakeapi.MakePaymentLink("test").TestMode().StripeID("plink_2").Ready().Obj())
	stripe := &fakeStripe{err: errStripe}
	if err := f.comparison(stripe).runIfDue(t.Context()); !errors.Is(err, errStripe) {
		t.Errorf("got error %v, want %v", err, errStripe)
	}
	if got := f.stateOf(stateReconciledAt); got != "" {
		t.Errorf("%s: got %q after a failure, want none", stateReconciledAt, got)
	}
	stripe.err = nil
	for _, step := range []struct {
		after time.Duration
		links int
	}{{0, 2}, {day - time.Second, 2}, {day, 3}} {
		f.clock.SetTime(now.Add(step.after))
		f.must(f.comparison(stripe).runIfDue(t.Context()))
		if len(stripe.links) != step.links {
			t.Errorf("after %s: got %d lists, want %d", step.after, len(stripe.links), step.links)
		}
	}
	if diff := cmp.Diff([]string{"plink_1", "plink_1", "plink_1"}, stripe.links); diff != "" {
		t.Errorf("links (-want +got): %s", diff)
	}
	if want := now.Add(day - 30*day); !stripe.since.Equal(want) {
		t.Errorf("since: got %s, want %s", stripe.since, want)
	}
	if !f.comparison(stripe).NeedLeaderElection() {
		t.Error("NeedLeaderElection: got false, want true")
	}
}

// TestVerifiedConflict: after a conflict the condition is written again.
func TestVerifiedConflict(t *testing.T) {
	left := 1
	f := newFixture(t, interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
		if order, ok := o.(*v1alpha1.Order); ok && verifiedOf(order) != "" && left > 0 {
			left--
			return fakeapi.Conflict("o1")
		}
		return c.SubResource(sub).Patch(ctx, o, p, opts...)
	}}, readyOrder("o1"), readyLink())
	f.apply(throughLink("1").Obj())
	f.must(f.comparison(&fakeStripe{}).runIfDue(t.Context()))
	if got := verifiedOf(f.api.Order("o1")); !strings.HasPrefix(got, "False StripeDisagrees") || left != 0 {
		t.Errorf("Verified: got %q after %d conflicts, want False after 1", got, 1-left)
	}
}
