package client_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// sessionsOfLink returns the ids of the sessions that the client lists.
func (a *account) sessionsOfLink(t *testing.T, link string, since time.Time) (ids []string) {
	t.Helper()
	check(t, a.client.SessionsOfLink(t.Context(), link, since, func(session stripeclient.Session) error {
		if session.Status != stripeclient.SessionComplete || session.Fact.Session.PaymentLinkID != link {
			t.Errorf("got session %+v, want a complete one of %s", session, link)
		}
		ids = append(ids, session.Fact.Session.ID)
		return nil
	}))
	return ids
}

// TestSessionsOfLink: the list has the completed sessions of the link since the time, and no others.
func TestSessionsOfLink(t *testing.T) {
	for _, live := range []bool{false, true} {
		a := newAccount(t, live, 19900)
		other := a.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 19900, Livemode: live})
		early := a.pay(t).ID
		a.clock.Step(time.Hour)
		paid, debit := a.pay(t).ID, a.debit(t).ID
		a.visit(t)
		check(t, a.ExpireSession(a.visit(t).ID))
		a.decline(t)
		elsewhere := mustBuy(t)(a.Buyer().Pay(t.Context(), other.URL, stripesim.Card4242)).ID
		a.clock.Step(time.Hour)
		late := a.pay(t).ID
		for _, row := range []struct {
			link  string
			since time.Duration
			want  []string
		}{
			{a.link.ID, 0, []string{late, debit, paid, early}},
			{a.link.ID, time.Second, []string{late, debit, paid}},
			{a.link.ID, time.Hour, []string{late, debit, paid}},
			{a.link.ID, 2 * time.Hour, []string{late}},
			{a.link.ID, 3 * time.Hour, nil},
			{other.ID, 0, []string{elsewhere}},
			{"plink_1none", 0, nil},
		} {
			checkEqual(t, row.link+" since "+row.since.String(), row.want, a.sessionsOfLink(t, row.link, noon.Add(row.since)))
			a.client.calls.expect(t, "checkout.sessions.list 200")
		}
	}
}

// TestSessionsOfLinkStop: an error of the callback ends the list and is returned.
func TestSessionsOfLinkStop(t *testing.T) {
	a := newAccount(t, false, 19900)
	a.pay(t)
	a.pay(t)
	enough, count := errors.New("enough"), 0
	err := a.client.SessionsOfLink(t.Context(), a.link.ID, noon, func(stripeclient.Session) error {
		count++
		return enough
	})
	if !errors.Is(err, enough) || count != 1 {
		t.Errorf("got error %v after %d sessions, want %v after 1", err, count, enough)
	}
}

// TestSessionsOfLinkPages: a list of several pages has every session once.
func TestSessionsOfLinkPages(t *testing.T) {
	a := newAccount(t, false, 0) // a session without a payment is the fastest
	var want []string
	for range 101 {
		want = append([]string{a.pay(t).ID}, want...)
	}
	checkEqual(t, "sessions", want, a.sessionsOfLink(t, a.link.ID, noon))
	a.client.calls.expect(t, "checkout.sessions.list 200", "checkout.sessions.list 200")
}

// TestSessionsOfPayment: a payment has one session, or none if it was made without one.
func TestSessionsOfPayment(t *testing.T) {
	for _, live := range []bool{false, true} {
		a := newAccount(t, live, 19900)
		a.pay(t)
		paid := a.pay(t)
		a.pay(t)
		a.refund(t, paid.PaymentIntent, 900)
		got, err := a.client.SessionsOfPayment(t.Context(), paid.PaymentIntent)
		check(t, err)
		byID, err := a.client.SessionWithCharge(t.Context(), paid.ID)
		check(t, err)
		checkEqual(t, "sessions of the payment", []stripeclient.Session{byID}, got)
		if byID.Fact.Session.ID != paid.ID || byID.Charge.Refund.Refund.AmountRefunded != 900 {
			t.Errorf("got %+v, want session %s with a refund of 900", byID, paid.ID)
		}
		none, err := a.client.SessionsOfPayment(t.Context(), "pi_3none")
		if err != nil || len(none) > 0 {
			t.Errorf("unknown payment: got %+v and error %v, want no session", none, err)
		}
		a.client.calls.expect(t, "checkout.sessions.list 200", "checkout.sessions.retrieve 200", "checkout.sessions.list 200")
	}
}

// TestSessionsOfAnotherPayment: a response with another payment's session, or without sessions, gives none.
func TestSessionsOfAnotherPayment(t *testing.T) {
	got, err := newScriptedClient(t, listPage(false, sessionJSON(t))).SessionsOfPayment(t.Context(), "pi_another")
	if err != nil || len(got) > 0 {
		t.Errorf("got %+v and error %v, want no session", got, err)
	}
	for _, item := range []string{`{}`, `{"id":"pi_1"}`, `null`, strings.Replace(sessionJSON(t), sampleSession, "cs_other_1", 1)} {
		_, err := newScriptedClient(t, listPage(false, item)).SessionsOfPayment(t.Context(), "pi_1")
		checkFailed(t, err, "the response is not a list of checkout sessions")
	}
}

// TestNotAList: every call that lists refuses a response that is not a list, and does not read it as an empty one.
func TestNotAList(t *testing.T) {
	for _, body := range []string{`{}`, `{"data":null}`, `{"status":"ok"}`} {
		client := newScriptedClient(t, respond(http.StatusOK, body))
		for name, call := range map[string]func() error{
			"endpoints":           func() error { _, err := client.Endpoints(t.Context()); return err },
			"undelivered":         func() error { _, _, err := client.Undelivered(t.Context(), noon); return err },
			"disputes":            func() error { _, err := client.Disputes(t.Context(), "pi_1"); return err },
			"failed refunds":      func() error { _, err := client.FailedRefunds(t.Context(), "pi_1"); return err },
			"sessions of payment": func() error { _, err := client.SessionsOfPayment(t.Context(), "pi_1"); return err },
			"sessions of link": func() error {
				return client.SessionsOfLink(t.Context(), "plink_1", noon, func(stripeclient.Session) error { return nil })
			},
		} {
			t.Run(name, func(t *testing.T) { checkFailed(t, call(), "is not a list") })
		}
	}
}
