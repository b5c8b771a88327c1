package payment_test

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// kind is what happened, in the words of the trade.
type kind string

const (
	completedPaid   kind = "completed, paid"
	completedUnpaid kind = "completed, unpaid"
	asyncSucceeded  kind = "the bank debit succeeded"
	asyncFailed     kind = "the bank debit failed"
	sessionLapsed   kind = "the session expired"
	moneyBack       kind = "refunded"
	moneyBackFailed kind = "a refund failed"
	bankDisputes    kind = "the bank disputes"
	orderExpired    kind = "the order expired"
)

// event is one thing that Stripe reports, or that the clock does. Times are seconds.
type event struct {
	kind     kind
	id       string
	session  string
	intent   string
	opened   int64 // when the session was created
	at       int64 // when the event was created
	amount   int64 // the session's total, what was refunded so far, or the refund's or dispute's amount
	currency string
	live     bool
	link     string
	full     bool   // nothing is left to refund
	object   string // the refund's or dispute's id
	status   string // the dispute's
}

// sold is the order that most cases are about: a live one over 199.00 USD, tied to no link.
var sold = payment.Terms{Amount: 19900, Currency: "USD", Livemode: true}

// tied is the same order made from a PaymentLink whose id was known.
var tied = payment.Terms{Amount: 19900, Currency: "USD", Livemode: true, PaymentLinkID: "plink_1"}

// happened describes the usual event: cs_1 was opened at 100, cs_2 at 200, and everything is as the order asks.
func happened(k kind, session string) event {
	opened := 100 * int64(session[len(session)-1]-'0')
	return event{
		kind: k, session: session, intent: "pi_" + session[3:], opened: opened, at: opened + 60,
		amount: 19900, currency: "usd", live: true, link: "plink_1",
	}.named()
}

func paid(session string) event      { return happened(completedPaid, session) }
func unpaid(session string) event    { return happened(completedUnpaid, session) }
func succeeded(session string) event { return happened(asyncSucceeded, session).on(500) }
func failed(session string) event    { return happened(asyncFailed, session).on(500) }
func lapsed(session string) event    { return happened(sessionLapsed, session).on(86500) }
func expiry() event                  { return event{kind: orderExpired} }

func refunded(session string, soFar int64) event {
	e := happened(moneyBack, session).on(600 + soFar)
	e.amount = soFar
	return e
}

func refundedInFull(session string) event {
	e := refunded(session, 19900)
	e.full = true
	return e
}

func refundFailed(session, refund string, amount int64) event {
	e := happened(moneyBackFailed, session).on(90000)
	e.object, e.amount = refund, amount
	return e.named()
}

func dispute(session, id, status string, at int64) event {
	e := happened(bankDisputes, session).on(at)
	e.object, e.status = id, status
	return e.named()
}

// named gives the event an id that no other event of the case has.
func (e event) named() event {
	e.id = fmt.Sprintf("evt_%s_%s_%s_%s_%d", e.kind, e.session, e.object, e.status, e.at)
	return e
}

func (e event) on(at int64) event           { e.at = at; return e.named() }
func (e event) of(amount int64) event       { e.amount = amount; return e }
func (e event) in(currency string) event    { e.currency = currency; return e }
func (e event) inTestMode() event           { e.live = false; return e }
func (e event) through(link string) event   { e.link = link; return e }
func (e event) openedAt(opened int64) event { e.opened = opened; return e }
func (e event) withoutIntent() event        { e.intent = ""; return e }

// twin is a second Event object for the same happening, as Stripe sometimes makes: another id, a second later.
func (e event) twin() event { e.at++; e.id += "_twin"; return e }

func second(n int64) metav1.Time { return metav1.NewTime(time.Unix(1_760_000_000+n, 0).UTC()) }

// fact is what the event states; ok is false where that is nothing.
func (e event) fact() (f payment.Fact, ok bool) {
	f = payment.Fact{EventID: e.id, Type: string(e.kind), Created: second(e.at), Livemode: e.live, PaymentIntentID: e.intent}
	outcome := v1alpha1.Outcome("")
	switch e.kind {
	case completedPaid, asyncSucceeded:
		outcome = v1alpha1.OutcomePaid
	case completedUnpaid:
		outcome = v1alpha1.OutcomeUnpaid
	case asyncFailed:
		outcome = v1alpha1.OutcomeFailed
	case moneyBack:
		f.Refund = &v1alpha1.RefundFact{AmountRefunded: e.amount, Full: e.full}
	case moneyBackFailed:
		f.FailedRefund = &v1alpha1.FailedRefund{ID: e.object, Amount: e.amount}
	case bankDisputes:
		f.Dispute = &v1alpha1.Dispute{ID: e.object, Status: e.status, Reason: "fraudulent", Amount: e.amount, ReportedAt: second(e.at)}
	default:
		return payment.Fact{}, false
	}
	if outcome != "" {
		f.ClientReferenceID = "order-1"
		f.Session = &v1alpha1.SessionFact{
			ID: e.session, Outcome: outcome, Amount: e.amount, Currency: e.currency,
			PaymentLinkID: e.link, Created: second(e.opened),
		}
	}
	return f, true
}
