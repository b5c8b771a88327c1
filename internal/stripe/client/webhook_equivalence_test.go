package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// factLog records the facts of an account's webhooks, in their order.
type factLog struct {
	mu    sync.Mutex
	facts []payment.Fact
}

// receiveWebhooks adds an endpoint to the account, and returns the log of its facts.
func (a *account) receiveWebhooks(t *testing.T) *factLog {
	t.Helper()
	l := &factLog{}
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		event, err := webhook.Decode(body)
		if err != nil {
			t.Error(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if event.Fact != nil {
			l.facts = append(l.facts, *event.Fact)
		}
	}))
	t.Cleanup(endpoint.Close)
	a.Delivery(stripesim.Plan{InSequence: true})
	a.AddEndpoint(stripesim.EndpointParams{URL: endpoint.URL, Livemode: a.link.Livemode})
	return l
}

func (l *factLog) all() []payment.Fact {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.facts)
}

// last returns the latest fact of a kind; nil if there is none.
func (l *factLog) last(is func(payment.Fact) bool) *payment.Fact {
	for _, fact := range slices.Backward(l.all()) {
		if is(fact) {
			return &fact
		}
	}
	return nil
}

func ofSession(f payment.Fact) bool      { return f.Session != nil }
func ofRefund(f payment.Fact) bool       { return f.Refund != nil }
func ofDispute(f payment.Fact) bool      { return f.Dispute != nil }
func ofFailedRefund(f payment.Fact) bool { return f.FailedRefund != nil }

// payAndRefund pays an order and refunds amounts of it, an hour apart.
func (a *account) payAndRefund(t *testing.T, amounts ...int64) stripesim.Session {
	t.Helper()
	session := a.pay(t)
	for _, amount := range amounts {
		a.clock.Step(time.Hour)
		a.refund(t, session.PaymentIntent, amount)
	}
	return session
}

// payAndDispute pays an order and disputes the payment.
func (a *account) payAndDispute(t *testing.T, end string) stripesim.Session {
	t.Helper()
	session := a.pay(t)
	a.dispute(t, session.PaymentIntent, end)
	return session
}

// sales are courses of a sale by name. Each returns the session.
var sales = map[string]struct {
	amount int64
	sell   func(*testing.T, *account) stripesim.Session
}{
	"paid": {19900, func(t *testing.T, a *account) stripesim.Session { return a.pay(t) }},
	"paid with the second card": {19900, func(t *testing.T, a *account) stripesim.Session {
		declined := a.decline(t)
		a.clock.Step(time.Hour)
		return mustBuy(t)(a.Buyer().Pay(t.Context(), declined.URL, stripesim.Card4242))
	}},
	"nothing due": {0, func(t *testing.T, a *account) stripesim.Session { return a.pay(t) }},
	"debit":       {19900, func(t *testing.T, a *account) stripesim.Session { return a.debit(t) }},
	"debit succeeded": {19900, func(t *testing.T, a *account) stripesim.Session {
		session := a.debit(t)
		a.clock.Step(time.Hour)
		check(t, a.SettleDebit(session.ID, true))
		return session
	}},
	"one partial refund":       {19900, func(t *testing.T, a *account) stripesim.Session { return a.payAndRefund(t, 900) }},
	"two partial refunds":      {19900, func(t *testing.T, a *account) stripesim.Session { return a.payAndRefund(t, 900, 100) }},
	"full refund":              {19900, func(t *testing.T, a *account) stripesim.Session { return a.payAndRefund(t, 0) }},
	"full refund in two parts": {19900, func(t *testing.T, a *account) stripesim.Session { return a.payAndRefund(t, 900, 0) }},
	"dispute":                  {19900, func(t *testing.T, a *account) stripesim.Session { return a.payAndDispute(t, "") }},
	"dispute won":              {19900, func(t *testing.T, a *account) stripesim.Session { return a.payAndDispute(t, "won") }},
	"dispute lost":             {19900, func(t *testing.T, a *account) stripesim.Session { return a.payAndDispute(t, "lost") }},
}

// TestSameAsWebhooks: a read of a sale gives the same facts as its webhooks, and the same order.
func TestSameAsWebhooks(t *testing.T) {
	for name, sale := range sales {
		for _, live := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", live"}[live], func(t *testing.T) {
				a := newAccount(t, live, sale.amount)
				webhooks := a.receiveWebhooks(t)
				session := sale.sell(t, a)
				check(t, a.WaitDelivered(t.Context()))
				read, err := a.client.SessionWithCharge(t.Context(), session.ID)
				check(t, err)
				checkEqual(t, "fact of the session", webhooks.last(ofSession), &read.Fact, notOfEvent)
				charge := read.Charge
				if charge == nil {
					charge = &stripeclient.Charge{}
				}
				checkEqual(t, "fact of the refunds", webhooks.last(ofRefund), charge.Refund, notOfEvent)
				checkEqual(t, "disputed", webhooks.last(ofDispute) != nil, charge.Disputed)
				a.checkSameOrder(t, webhooks.all(), read)
			})
		}
	}
}

// checkSameOrder settles an order by the webhooks and by the read facts, and compares both. Two times differ: a charge is
// earlier than its event, and a read of a dispute is later than its event.
func (a *account) checkSameOrder(t *testing.T, fromWebhooks []payment.Fact, read stripeclient.Session) {
	t.Helper()
	facts := []payment.Fact{read.Fact}
	if read.Charge != nil && read.Charge.Refund != nil {
		facts = append(facts, *read.Charge.Refund)
	}
	if read.Charge != nil && read.Charge.Disputed {
		disputes, err := a.client.Disputes(t.Context(), read.Fact.PaymentIntentID)
		check(t, err)
		facts = append(facts, disputes...)
	}
	want, got := merge(fromWebhooks), merge(facts)
	if len(want) != 1 || len(got) != 1 {
		t.Fatalf("got %d payments from reads and %d from webhooks, want 1 each", len(got), len(want))
	}
	if paid, latest := got[0].PaidAt, want[0].PaidAt; (paid == nil) != (latest == nil) || paid != nil && paid.After(latest.Time) {
		t.Errorf("got PaidAt %s, want at most %s", paid, latest)
	}
	ignoreTimes := []cmp.Option{cmpopts.IgnoreFields(v1alpha1.Payment{}, "PaidAt"), cmpopts.IgnoreFields(v1alpha1.Dispute{}, "ReportedAt")}
	checkEqual(t, "payments", want, got, ignoreTimes...)
	terms := payment.Terms{Amount: a.link.Amount, Currency: "usd", Livemode: a.link.Livemode, PaymentLinkID: a.link.ID}
	settle := func(payments []v1alpha1.Payment) payment.Settlement {
		return payment.Settle(terms, payment.Facts{Payments: payments})
	}
	checkEqual(t, "settlement", settle(want), settle(got), cmpopts.IgnoreFields(payment.Settlement{}, "PaidAt"))
	// An order with the facts of both changes in its times only.
	checkEqual(t, "payments from both", want, merge(slices.Concat(fromWebhooks, facts)), ignoreTimes...)
}

func merge(facts []payment.Fact) (payments []v1alpha1.Payment) {
	for _, fact := range facts {
		payments, _ = payment.Merge(payments, fact)
	}
	return payments
}
