package client_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// noon is when the simulators of these tests start.
var noon = time.Date(2026, 10, 9, 12, 0, 0, 0, time.UTC)

// seller is a seller at Stripe, whose time is a test's, a client of its, and a sale for 199.00 USD.
type seller struct {
	*stripesim.Simulator
	clock  *clocktesting.FakeClock
	link   stripesim.PaymentLink
	client *stripeclient.Client
	made   *calls
}

func newSeller(t *testing.T, live bool, amount int64) *seller {
	t.Helper()
	s := &seller{clock: clocktesting.NewFakeClock(noon)}
	s.Simulator = startSimulator(t, stripesim.Options{Clock: s.clock})
	s.link = s.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: amount, Currency: "usd", Livemode: live})
	key := stripesim.TestKey
	if live {
		key = stripesim.LiveKey
	}
	s.client, s.made = clientOf(t, key, stripeclient.Options{Base: s.URL(), Timeout: time.Minute})
	return s
}

// pay has a buyer pay by card for an order.
func (s *seller) pay(t *testing.T) stripesim.Session {
	t.Helper()
	return unless(t)(s.Buyer().Pay(t.Context(), s.link.URL+"?client_reference_id=order-1", stripesim.Card4242))
}

// refund gives an amount back; 0 is the rest.
func (s *seller) refund(t *testing.T, intent string, amount int64) stripesim.Refund {
	t.Helper()
	refund, err := s.Refund(intent, amount)
	if err != nil {
		t.Fatal(err)
	}
	return refund
}

// between are the events of a time, as the client finds them.
func (s *seller) between(t *testing.T, since, before time.Time) (ids []string) {
	t.Helper()
	err := s.client.Events(t.Context(), since, before, func(event webhook.Event, err error) error {
		if err != nil {
			t.Errorf("event %s: %v", event.ID, err)
		}
		ids = append(ids, event.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// TestEventTypes are those that docs and endpoints name.
func TestEventTypes(t *testing.T) {
	want := strings.Fields(`charge.dispute.closed charge.dispute.created charge.dispute.funds_reinstated
		charge.dispute.funds_withdrawn charge.dispute.updated charge.refund.updated charge.refunded
		checkout.session.async_payment_failed checkout.session.async_payment_succeeded checkout.session.completed
		refund.failed refund.updated`)
	if diff := cmp.Diff(want, webhook.EventTypes()); diff != "" {
		t.Error(diff)
	}
}

// TestEvents: all events that can say something of a payment are found, newest first, and no others. Each is what its
// webhook would be.
func TestEvents(t *testing.T) {
	s := newSeller(t, false, 19900)
	for _, succeed := range []bool{true, false} {
		debit := unless(t)(s.Buyer().PayByDebit(t.Context(), s.link.URL))
		if err := s.SettleDebit(debit.ID, succeed); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.FailRefund(s.refund(t, s.pay(t).PaymentIntent, 900).ID); err != nil {
		t.Fatal(err)
	}
	dispute, err := s.OpenDispute(s.pay(t).PaymentIntent)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CloseDispute(dispute.ID, "won"); err != nil {
		t.Fatal(err)
	}
	if visit := unless(t)(s.Buyer().Visit(t.Context(), s.link.URL)); s.ExpireSession(visit.ID) != nil {
		t.Fatal("the session cannot expire")
	}
	var want []webhook.Event
	types := map[string]bool{}
	for _, event := range slices.Backward(s.Events()) {
		if !slices.Contains(webhook.EventTypes(), event.Type) {
			continue
		}
		types[event.Type] = true
		want = append(want, webhook.Event{ID: event.ID, Type: event.Type, Created: noon, Snapshot: true})
	}
	// The simulator makes no charge.dispute.updated.
	if len(types) != len(webhook.EventTypes())-1 || len(want) == len(s.Events()) {
		t.Fatalf("of %d events there are types %v", len(s.Events()), types)
	}
	var got []webhook.Event
	err = s.client.Events(t.Context(), noon, noon.Add(time.Second), func(event webhook.Event, err error) error {
		if err != nil || event.Fact == nil && strings.HasPrefix(event.Type, "checkout") || event.Fact != nil && event.Fact.EventID != event.ID {
			t.Errorf("%+v, %v", event, err)
		}
		event.Fact = nil
		got = append(got, event)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	s.made.must(t, []string{"events.list 200"}, nil)
}

// TestEventsBetween: the first second counts, and the last does not.
func TestEventsBetween(t *testing.T) {
	s := newSeller(t, false, 19900)
	intent := s.pay(t).PaymentIntent
	const seconds = 6
	for range seconds {
		s.clock.Step(time.Second)
		s.refund(t, intent, 1)
	}
	var refunds []string // by the second, from 1
	for _, event := range s.Events() {
		if event.Type == "charge.refunded" {
			refunds = append(refunds, event.ID)
		}
	}
	at := func(second float64) time.Time { return noon.Add(time.Duration(second * float64(time.Second))) }
	for _, row := range []struct{ since, before, first, last float64 }{
		{2, 5, 2, 4}, {2, 3, 2, 2}, {2, 2, 0, -1}, {5, 2, 0, -1}, {1, 100, 1, seconds}, {7, 100, 0, -1},
		{2.9, 5.9, 2, 4}, // seconds are all that Stripe knows
	} {
		var want []string
		for second := int(row.last); second >= int(row.first); second-- {
			want = append(want, refunds[second-1])
		}
		if diff := cmp.Diff(want, s.between(t, at(row.since), at(row.before))); diff != "" {
			t.Errorf("from %g to %g: %s", row.since, row.before, diff)
		}
	}
}

// crowd makes that many events of a payment, a second apart, and returns their ids, newest first.
func (s *seller) crowd(t *testing.T, n int) (ids []string) {
	t.Helper()
	intent := s.pay(t).PaymentIntent
	for range n {
		s.clock.Step(time.Second)
		s.refund(t, intent, 1)
	}
	for _, event := range slices.Backward(s.Events()) {
		if event.Type == "charge.refunded" {
			ids = append(ids, event.ID)
		}
	}
	return ids
}

// TestEventsPages: whatever many there are, each comes once.
func TestEventsPages(t *testing.T) {
	for n, pages := range map[int]int{99: 1, 100: 1, 101: 2, 250: 3} {
		s := newSeller(t, false, 19900)
		want := s.crowd(t, n)
		if diff := cmp.Diff(want, s.between(t, noon.Add(time.Second), noon.Add(time.Hour))); diff != "" {
			t.Errorf("of %d: %s", n, diff)
		}
		s.made.must(t, slices.Repeat([]string{"events.list 200"}, pages), nil)
	}
}

// TestEventsStop: who has seen enough is asked no more, and gets its own error back.
func TestEventsStop(t *testing.T) {
	s := newSeller(t, false, 19900)
	want := s.crowd(t, 250)
	enough := errors.New("enough")
	for stop, pages := range map[int]int{1: 1, 100: 1, 101: 2, 250: 3} {
		var got []string
		err := s.client.Events(t.Context(), noon.Add(time.Second), noon.Add(time.Hour), func(event webhook.Event, _ error) error {
			if got = append(got, event.ID); len(got) == stop {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || errors.Is(err, stripeclient.ErrCallFailed) {
			t.Error(err)
		}
		if diff := cmp.Diff(want[:stop], got); diff != "" {
			t.Errorf("of %d: %s", stop, diff)
		}
		s.made.must(t, slices.Repeat([]string{"events.list 200"}, pages), nil)
	}
}
