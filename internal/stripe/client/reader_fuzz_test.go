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

// inbox is what a shop got from Stripe.
type inbox struct {
	mu    sync.Mutex
	facts []payment.Fact
}

// listen has the seller's webhooks come to an inbox.
func (s *seller) listen(t *testing.T, live bool) *inbox {
	t.Helper()
	in := &inbox{}
	shop := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		event, err := webhook.Decode(body)
		if err != nil {
			t.Error(err)
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		if event.Fact != nil {
			in.facts = append(in.facts, *event.Fact)
		}
	}))
	t.Cleanup(shop.Close)
	s.Delivery(stripesim.Plan{InSequence: true})
	s.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Livemode: live})
	return in
}

// of are the facts of a kind, in the order in which they came.
func (in *inbox) of(is func(payment.Fact) bool) (facts []payment.Fact) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, fact := range in.facts {
		if is(fact) {
			facts = append(facts, fact)
		}
	}
	return facts
}

// last is the latest fact of a kind; nil where there is none.
func (in *inbox) last(is func(payment.Fact) bool) *payment.Fact {
	if facts := in.of(is); len(facts) > 0 {
		return &facts[len(facts)-1]
	}
	return nil
}

func ofSession(f payment.Fact) bool      { return f.Session != nil }
func ofRefund(f payment.Fact) bool       { return f.Refund != nil }
func ofDispute(f payment.Fact) bool      { return f.Dispute != nil }
func ofFailedRefund(f payment.Fact) bool { return f.FailedRefund != nil }

// notOfEvent leaves out what only an event has.
var notOfEvent = cmpopts.IgnoreFields(payment.Fact{}, "EventID", "Type", "Created")

// sales are the ways in which a sale can go, each an hour apart from what comes before. What they return is the session.
var sales = map[string]struct {
	amount int64
	sell   func(*testing.T, *seller) stripesim.Session
}{
	"paid": {19900, func(t *testing.T, s *seller) stripesim.Session { return s.pay(t) }},
	"paid by the second card": {19900, func(t *testing.T, s *seller) stripesim.Session {
		declined, _ := s.Buyer().Pay(t.Context(), s.link.URL+"?client_reference_id=order-1", stripesim.CardDeclined)
		s.clock.Step(time.Hour)
		return unless(t)(s.Buyer().Pay(t.Context(), declined.URL, stripesim.Card4242))
	}},
	"nothing due": {0, func(t *testing.T, s *seller) stripesim.Session { return s.pay(t) }},
	"by debit":    {19900, func(t *testing.T, s *seller) stripesim.Session { return s.debit(t) }},
	"by debit, arrived": {19900, func(t *testing.T, s *seller) stripesim.Session {
		session := s.debit(t)
		s.clock.Step(time.Hour)
		if err := s.SettleDebit(session.ID, true); err != nil {
			t.Fatal(err)
		}
		return session
	}},
	"refunded in part": {19900, func(t *testing.T, s *seller) stripesim.Session { return s.refunded(t, 900) }},
	"refunded in two":  {19900, func(t *testing.T, s *seller) stripesim.Session { return s.refunded(t, 900, 100) }},
	"refunded":         {19900, func(t *testing.T, s *seller) stripesim.Session { return s.refunded(t, 0) }},
	"refunded in all":  {19900, func(t *testing.T, s *seller) stripesim.Session { return s.refunded(t, 900, 0) }},
	"disputed":         {19900, func(t *testing.T, s *seller) stripesim.Session { return s.disputed(t, "") }},
	"dispute won":      {19900, func(t *testing.T, s *seller) stripesim.Session { return s.disputed(t, "won") }},
	"dispute lost":     {19900, func(t *testing.T, s *seller) stripesim.Session { return s.disputed(t, "lost") }},
}

func (s *seller) debit(t *testing.T) stripesim.Session {
	t.Helper()
	return unless(t)(s.Buyer().PayByDebit(t.Context(), s.link.URL+"?client_reference_id=order-1"))
}

func (s *seller) refunded(t *testing.T, amounts ...int64) stripesim.Session {
	t.Helper()
	session := s.pay(t)
	for _, amount := range amounts {
		s.clock.Step(time.Hour)
		s.refund(t, session.PaymentIntent, amount)
	}
	return session
}

func (s *seller) disputed(t *testing.T, end string) stripesim.Session {
	t.Helper()
	session := s.pay(t)
	s.clock.Step(time.Hour)
	dispute, err := s.OpenDispute(session.PaymentIntent)
	if err != nil {
		t.Fatal(err)
	}
	if s.clock.Step(time.Hour); end == "" {
		return session
	}
	if err := s.CloseDispute(dispute.ID, end); err != nil {
		t.Fatal(err)
	}
	return session
}

// TestSameBooks: who asks Stripe learns the same of a sale as who got its webhooks, and an order ends the same by either.
func TestSameBooks(t *testing.T) {
	for name, sale := range sales {
		for _, live := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", for real"}[live], func(t *testing.T) {
				s := newSeller(t, live, sale.amount)
				in := s.listen(t, live)
				session := sale.sell(t, s)
				if err := s.WaitDelivered(t.Context()); err != nil {
					t.Fatal(err)
				}
				looked, err := s.client.SessionWithCharge(t.Context(), session.ID)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(in.last(ofSession), &looked.Fact, notOfEvent); diff != "" {
					t.Errorf("the session: %s", diff)
				}
				charge := looked.Charge
				if charge == nil {
					charge = &stripeclient.Charge{}
				}
				if diff := cmp.Diff(in.last(ofRefund), charge.Refund, notOfEvent); diff != "" {
					t.Errorf("the refunds: %s", diff)
				}
				if charge.Disputed != (in.last(ofDispute) != nil) {
					t.Errorf("disputed: %t", charge.Disputed)
				}
				endsTheSame(t, s, in, looked)
			})
		}
	}
}

// endsTheSame fails the test unless an order ends the same by what was looked up as by the webhooks. Only when the money
// came, and when a dispute was reported, is known otherwise: a charge comes before its event, and an answer after it.
func endsTheSame(t *testing.T, s *seller, in *inbox, looked stripeclient.Session) {
	t.Helper()
	facts := []payment.Fact{looked.Fact}
	if looked.Charge != nil && looked.Charge.Refund != nil {
		facts = append(facts, *looked.Charge.Refund)
	}
	if looked.Charge != nil && looked.Charge.Disputed {
		disputes, err := s.client.Disputes(t.Context(), looked.Fact.PaymentIntentID)
		if err != nil {
			t.Fatal(err)
		}
		facts = append(facts, disputes...)
	}
	want, got := merged(in.of(func(payment.Fact) bool { return true })), merged(facts)
	if len(want) != 1 || len(got) != 1 {
		t.Fatalf("%d payments by webhooks, %d looked up", len(want), len(got))
	}
	if paid, by := got[0].PaidAt, want[0].PaidAt; (paid == nil) != (by == nil) || paid != nil && paid.After(by.Time) {
		t.Errorf("paid at %s, and by the webhooks at %s", paid, by)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(v1alpha1.Payment{}, "PaidAt"), cmpopts.IgnoreFields(v1alpha1.Dispute{}, "ReportedAt")); diff != "" {
		t.Error(diff)
	}
	terms := payment.Terms{Amount: s.link.Amount, Currency: "usd", Livemode: s.link.Livemode, PaymentLinkID: s.link.ID}
	byWebhooks, byLooking := payment.Settle(terms, payment.Facts{Payments: want}), payment.Settle(terms, payment.Facts{Payments: got})
	if diff := cmp.Diff(byWebhooks, byLooking, cmpopts.IgnoreFields(payment.Settlement{}, "PaidAt")); diff != "" {
		t.Error(diff)
	}
	// Whoever got both is in the same state, and gains nothing but the times.
	both := merged(slices.Concat(in.of(func(payment.Fact) bool { return true }), facts))
	if diff := cmp.Diff(want, both, cmpopts.IgnoreFields(v1alpha1.Payment{}, "PaidAt"), cmpopts.IgnoreFields(v1alpha1.Dispute{}, "ReportedAt")); diff != "" {
		t.Error(diff)
	}
}

func merged(facts []payment.Fact) (payments []v1alpha1.Payment) {
	for _, fact := range facts {
		payments, _ = payment.Merge(payments, fact)
	}
	return payments
}
