package stripesim_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// eventTypes returns the types of the events about payments, oldest first.
func eventTypes(sim *stripesim.Simulator) (all []string) {
	for _, event := range sim.Events() {
		if !strings.HasPrefix(event.Type, "product.") && !strings.HasPrefix(event.Type, "price.") && !strings.HasPrefix(event.Type, "payment_link.") {
			all = append(all, event.Type)
		}
	}
	return all
}

// lastOf returns the object of the newest event of a type, and its previous attributes.
func lastOf(t *testing.T, sim *stripesim.Simulator, eventType string) (object, previous map[string]any) {
	t.Helper()
	for _, event := range slices.Backward(sim.Events()) {
		if event.Type != eventType {
			continue
		}
		if event.PreviousAttributes != nil {
			previous = decoded(t, event.PreviousAttributes)
		}
		return decoded(t, event.Data), previous
	}
	t.Fatalf("there is no %s", eventType)
	return nil, nil
}

// TestPayments: each kind of payment has the states and events that it has at Stripe.
func TestPayments(t *testing.T) {
	pay := func(card string) func(context.Context, *stripesim.Simulator, string) (stripesim.Session, error) {
		return func(ctx context.Context, sim *stripesim.Simulator, url string) (stripesim.Session, error) {
			return sim.Buyer().Pay(ctx, url, card)
		}
	}
	debit := func(succeed bool) func(context.Context, *stripesim.Simulator, string) (stripesim.Session, error) {
		return func(ctx context.Context, sim *stripesim.Simulator, url string) (stripesim.Session, error) {
			session, err := sim.Buyer().PayByDebit(ctx, url)
			if _, refund := sim.Refund(session.PaymentIntent, 0); refund == nil {
				err = errors.New("a debit that is not settled was refunded")
			}
			err = errors.Join(err, sim.SettleDebit(session.ID, succeed))
			if sim.SettleDebit(session.ID, true) == nil {
				err = errors.New("a debit was settled twice")
			}
			return session, err
		}
	}
	declined := func(ctx context.Context, sim *stripesim.Simulator, url string) (stripesim.Session, error) {
		open, err := sim.Buyer().Pay(ctx, url, stripesim.CardDeclined)
		var refusal *stripesim.DeclinedError
		if !errors.As(err, &refusal) || !strings.Contains(refusal.Message, "insufficient funds") || open.Status != "open" || open.PaymentStatus != "unpaid" {
			return open, errors.Join(errors.New("the card was not declined"), err)
		}
		if _, err := sim.Buyer().Pay(ctx, open.URL, "1234"); !errors.As(err, &refusal) {
			return open, errors.Join(errors.New("an invalid number was not declined"), err)
		}
		paid, err := sim.Buyer().Pay(ctx, open.URL, stripesim.Card4242)
		if paid.ID != open.ID || paid.PaymentIntent != open.PaymentIntent {
			err = errors.New("the second attempt has another session or payment intent")
		}
		return paid, err
	}
	const debited = "payment_intent.created charge.pending payment_intent.processing checkout.session.completed "
	for name, row := range map[string]struct {
		amount         int64
		pay            func(context.Context, *stripesim.Simulator, string) (stripesim.Session, error)
		status, events string
	}{
		"card":           {500, pay(stripesim.Card4242), "paid", "payment_intent.created charge.succeeded payment_intent.succeeded checkout.session.completed"},
		"declined card":  {500, declined, "paid", "payment_intent.created charge.failed payment_intent.payment_failed charge.succeeded payment_intent.succeeded checkout.session.completed"},
		"debit":          {500, debit(true), "paid", debited + "charge.succeeded payment_intent.succeeded checkout.session.async_payment_succeeded"},
		"failed debit":   {500, debit(false), "unpaid", debited + "charge.failed payment_intent.payment_failed checkout.session.async_payment_failed"},
		"nothing to pay": {0, pay(""), "no_payment_required", "checkout.session.completed"},
		"disputed card":  {500, pay(stripesim.CardDisputed), "paid", "payment_intent.created charge.succeeded payment_intent.succeeded checkout.session.completed charge.dispute.created charge.dispute.funds_withdrawn"},
	} {
		t.Run(name, func(t *testing.T) {
			sim := start(t, stripesim.Options{})
			link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: row.amount, Currency: "eur"})
			session, err := row.pay(t.Context(), sim, link.URL+"?client_reference_id=order_1-A")
			check.Must(t, err)
			got, _ := sim.Session(session.ID)
			if got.Status != "complete" || got.PaymentStatus != row.status || got.ClientReferenceID != "order_1-A" || (got.PaymentIntent == "") != (row.amount == 0) {
				t.Errorf("got session %+v, want it complete and %s", got, row.status)
			}
			if got := eventTypes(sim); !slices.Equal(got, strings.Fields(row.events)) {
				t.Errorf("got events %v, want %s", got, row.events)
			}
			if _, err := sim.Buyer().Pay(t.Context(), session.URL, stripesim.Card4242); !errors.Is(err, stripesim.ErrNotPayable) {
				t.Errorf("second payment: got %v, want ErrNotPayable", err)
			}
			if sim.ExpireSession(session.ID) == nil {
				t.Error("a complete session expired")
			}
		})
	}
}

// TestClockEvents: sessions expire, and debits settle, by the clock.
func TestClockEvents(t *testing.T) {
	clock := testingclock.NewFakeClock(time.Unix(1760000000, 0))
	sim := start(t, stripesim.Options{Clock: clock, DebitDelay: time.Hour})
	shop := newShop(t)
	sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: []string{"checkout.session.expired", "checkout.session.async_payment_succeeded"}})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 500})
	open, err := sim.Buyer().Visit(t.Context(), link.URL)
	check.Must(t, err)
	debit, err := sim.Buyer().PayByDebit(t.Context(), link.URL)
	check.Must(t, err)
	clock.Step(time.Hour)
	attempted(t, sim, 1)
	if now, _ := sim.Session(debit.ID); now.PaymentStatus != "paid" {
		t.Errorf("an hour later: got payment %s, want paid", now.PaymentStatus)
	}
	clock.Step(23 * time.Hour)
	attempted(t, sim, 2)
	if now, _ := sim.Session(open.ID); now.Status != "expired" {
		t.Errorf("a day later: got session %s, want expired", now.Status)
	}
	if _, err := sim.Buyer().Pay(t.Context(), open.URL, stripesim.Card4242); !errors.Is(err, stripesim.ErrNotPayable) {
		t.Errorf("payment of an expired session: got %v, want ErrNotPayable", err)
	}
}

// TestReferences: Stripe drops a client_reference_id that it does not allow.
func TestReferences(t *testing.T) {
	sim := start(t, stripesim.Options{})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100})
	for reference, kept := range map[string]bool{
		"3f6f1c1e-6a0b-4f5e-9d7a-1b2c3d4e5f60": true, strings.Repeat("a", 200): true,
		strings.Repeat("a", 201): false, "shop%2Forder": false, "order.1": false, "order+1": false, "": false,
	} {
		session, err := sim.Buyer().Visit(t.Context(), link.URL+"?client_reference_id="+reference)
		if err != nil || (session.ClientReferenceID != "") != kept || kept && session.ClientReferenceID != reference {
			t.Errorf("%q: got %q, %v, want it kept: %t", reference, session.ClientReferenceID, err, kept)
		}
	}
}

// TestLinks: a link that is closed, or reaches its limit, opens no more sessions. Open ones can still be paid.
func TestLinks(t *testing.T) {
	for name, shut := range map[string]func(*testing.T, *stripesim.Simulator, stripesim.PaymentLink){
		"closed": func(t *testing.T, sim *stripesim.Simulator, link stripesim.PaymentLink) {
			sim.DeactivatePaymentLink(link.ID)
		},
		"limited": func(t *testing.T, sim *stripesim.Simulator, link stripesim.PaymentLink) { pay(t, sim, link) },
	} {
		t.Run(name, func(t *testing.T) {
			sim := start(t, stripesim.Options{})
			link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100, CompletedSessionsLimit: 1})
			open, err := sim.Buyer().Visit(t.Context(), link.URL)
			check.Must(t, err)
			shut(t, sim, link)
			if now, _ := sim.PaymentLink(link.ID); now.Active {
				t.Errorf("got link %+v, want it inactive", now)
			}
			if _, err := sim.Buyer().Pay(t.Context(), link.URL, stripesim.Card4242); !errors.Is(err, stripesim.ErrInactive) {
				t.Errorf("got %v, want ErrInactive", err)
			}
			if _, err := sim.Buyer().Pay(t.Context(), open.URL, stripesim.Card4242); err != nil {
				t.Errorf("open session: got %v, want it paid", err)
			}
		})
	}
}

// TestRefunds: refunds add up to the payment and never exceed it. A refund that failed can be made again.
func TestRefunds(t *testing.T) {
	sim := start(t, stripesim.Options{})
	paid := pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 1000, IntentMetadata: map[string]string{"order_id": "7"}}))
	var last stripesim.Refund
	for _, step := range []struct {
		amount  int64 // 0: the rest; -1: the last refund fails
		refused bool
		sum     float64
	}{
		{300, false, 300}, {701, true, 300}, {200, false, 500}, {0, false, 1000}, {0, true, 1000}, {1, true, 1000},
		{-1, false, 500}, {-1, true, 500}, {400, false, 900},
	} {
		var err error
		if step.amount < 0 {
			err = sim.FailRefund(last.ID)
		} else if refund, refusal := sim.Refund(paid.PaymentIntent, step.amount); refusal == nil {
			last = refund
		} else {
			err = refusal
		}
		var refusal *stripesim.APIError
		if (err != nil) != step.refused || err != nil && step.amount >= 0 && !errors.As(err, &refusal) {
			t.Errorf("refund %d: got error %v, want one: %t", step.amount, err, step.refused)
		}
		entry := sim.Books()[0]
		if entry.Refunded != int64(step.sum) || entry.Received != 1000 || entry.MostRefunded < entry.Refunded {
			t.Errorf("refund %d: got %+v, want %v refunded", step.amount, entry, step.sum)
		}
		if charge, previous := lastOf(t, sim, "charge.refunded"); step.amount >= 0 && (charge["amount_refunded"] != step.sum || charge["refunded"] != (step.sum == 1000) ||
			charge["refunds"] != nil || previous["amount_refunded"] == step.sum || charge["metadata"].(map[string]any)["order_id"] != "7") {
			t.Errorf("refund %d: got charge %v, before it %v", step.amount, charge, previous)
		}
	}
	if most := sim.Books()[0].MostRefunded; most != 1000 {
		t.Errorf("got most refunded %d, want 1000", most)
	}
	for _, eventType := range []string{"charge.refund.updated", "refund.failed"} {
		failed, previous := lastOf(t, sim, eventType)
		if failed["status"] != "failed" || failed["failure_reason"] == nil || failed["payment_intent"] != paid.PaymentIntent || previous["status"] != "succeeded" {
			t.Errorf("got %s of %v, before it %v", eventType, failed, previous)
		}
	}
}
