package client_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// ofLink are the sessions of a link, as the client finds them.
func (s *seller) ofLink(t *testing.T, link string, since time.Time) (ids []string) {
	t.Helper()
	err := s.client.SessionsOfLink(t.Context(), link, since, func(session stripeclient.Session) error {
		if session.Status != stripeclient.SessionComplete || session.Fact.Session.PaymentLinkID != link {
			t.Errorf("%+v", session)
		}
		ids = append(ids, session.Fact.Session.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// TestSessionsOfLink: the completed sessions of the link are found, and of its time, and no others.
func TestSessionsOfLink(t *testing.T) {
	for _, live := range []bool{false, true} {
		s := newSeller(t, live, 19900)
		other := s.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 19900, Livemode: live})
		early := s.pay(t).ID
		s.clock.Step(time.Hour)
		paid := s.pay(t).ID
		debit := unless(t)(s.Buyer().PayByDebit(t.Context(), s.link.URL)).ID
		unless(t)(s.Buyer().Visit(t.Context(), s.link.URL))
		if visit := unless(t)(s.Buyer().Visit(t.Context(), s.link.URL)); s.ExpireSession(visit.ID) != nil {
			t.Fatal("the session cannot expire")
		}
		declined, err := s.Buyer().Pay(t.Context(), s.link.URL, stripesim.CardDeclined)
		if refused := (&stripesim.DeclinedError{}); !errors.As(err, &refused) {
			t.Fatal(declined, err)
		}
		elsewhere := unless(t)(s.Buyer().Pay(t.Context(), other.URL, stripesim.Card4242)).ID
		s.clock.Step(time.Hour)
		late := s.pay(t).ID
		for _, row := range []struct {
			link  string
			since time.Duration
			want  []string
		}{
			{s.link.ID, 0, []string{late, debit, paid, early}},
			{s.link.ID, time.Second, []string{late, debit, paid}},
			{s.link.ID, time.Hour, []string{late, debit, paid}},
			{s.link.ID, 2 * time.Hour, []string{late}},
			{s.link.ID, 3 * time.Hour, nil},
			{other.ID, 0, []string{elsewhere}},
			{"plink_1none", 0, nil},
		} {
			if diff := cmp.Diff(row.want, s.ofLink(t, row.link, noon.Add(row.since))); diff != "" {
				t.Errorf("of %s, live %t, since %s: %s", row.link, live, row.since, diff)
			}
			s.made.must(t, []string{"checkout.sessions.list 200"}, nil)
		}
	}
}

// TestSessionsOfLinkStop: who has seen enough gets its own error back.
func TestSessionsOfLinkStop(t *testing.T) {
	s := newSeller(t, false, 19900)
	s.pay(t)
	s.pay(t)
	enough, count := errors.New("enough"), 0
	err := s.client.SessionsOfLink(t.Context(), s.link.ID, noon, func(stripeclient.Session) error {
		count++
		return enough
	})
	if !errors.Is(err, enough) || count != 1 {
		t.Errorf("%v, after %d", err, count)
	}
}

// TestSessionsOfLinkPages: whatever many there are, each comes once.
func TestSessionsOfLinkPages(t *testing.T) {
	s := newSeller(t, false, 0) // nothing is due, which is the shortest way to pay
	var want []string
	for range 101 {
		want = append([]string{s.pay(t).ID}, want...)
	}
	if diff := cmp.Diff(want, s.ofLink(t, s.link.ID, noon)); diff != "" {
		t.Error(diff)
	}
	s.made.must(t, []string{"checkout.sessions.list 200", "checkout.sessions.list 200"}, nil)
}

// TestSessionsOfPayment: a payment has one session, or none where it was made without any.
func TestSessionsOfPayment(t *testing.T) {
	for _, live := range []bool{false, true} {
		s := newSeller(t, live, 19900)
		s.pay(t)
		paid := s.pay(t)
		s.pay(t)
		s.refund(t, paid.PaymentIntent, 900)
		got, err := s.client.SessionsOfPayment(t.Context(), paid.PaymentIntent)
		if err != nil || len(got) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		again, err := s.client.SessionWithCharge(t.Context(), paid.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(again, got[0]); diff != "" {
			t.Errorf("by its payment it is another than by its id: %s", diff)
		}
		if again.Fact.Session.ID != paid.ID || again.Charge.Refund.Refund.AmountRefunded != 900 {
			t.Errorf("%+v", again)
		}
		none, err := s.client.SessionsOfPayment(t.Context(), "pi_3none")
		if err != nil || len(none) > 0 {
			t.Errorf("%+v, %v", none, err)
		}
		s.made.must(t, []string{"checkout.sessions.list 200", "checkout.sessions.retrieve 200", "checkout.sessions.list 200"}, nil)
	}
}

// TestSessionsOfAnotherPayment: a session that was not asked for is no answer, whoever gives it.
func TestSessionsOfAnotherPayment(t *testing.T) {
	api := newScript(t, listed(false, sessionJSON(t)))
	client, _ := newClient(t, "rk_test_"+keyTail, api.URL, time.Minute)
	got, err := client.SessionsOfPayment(t.Context(), "pi_another")
	if err != nil || len(got) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, garbage := range []string{`{}`, `{"id":"pi_1"}`, `null`, strings.Replace(sessionJSON(t), sampleSession, "cs_other_1", 1)} {
		client, _ := newClient(t, "rk_test_"+keyTail, newScript(t, listed(false, garbage)).URL, time.Minute)
		_, err := client.SessionsOfPayment(t.Context(), "pi_1")
		unanswered(t, err, "the response is not a list of checkout sessions")
	}
}

// TestSessionWithCharge: what was not paid has no charge, and what is not there is not there.
func TestSessionWithCharge(t *testing.T) {
	s := newSeller(t, false, 19900)
	visit := unless(t)(s.Buyer().Visit(t.Context(), s.link.URL))
	if got, err := s.client.SessionWithCharge(t.Context(), visit.ID); err != nil || got.Charge != nil || got.Status != stripeclient.SessionOpen {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.client.SessionWithCharge(t.Context(), "cs_test_none"); !errors.Is(err, stripeclient.ErrNoSuchObject) {
		t.Error(err)
	}
	if _, err := s.client.SessionWithCharge(t.Context(), "cs_live_none"); !errors.Is(err, stripeclient.ErrOtherMode) {
		t.Error(err)
	}
	client, _ := newClient(t, "rk_test_"+keyTail, newScript(t, refuses(403, "")).URL, time.Minute)
	_, err := client.SessionWithCharge(t.Context(), sampleSession)
	unanswered(t, err, "give it read access to Checkout Sessions, PaymentIntents and Charges")
}
