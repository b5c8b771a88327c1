package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// eventsBetween returns the ids of the events that the client lists.
func (a *account) eventsBetween(t *testing.T, since, before time.Time) (ids []string) {
	t.Helper()
	check(t, a.client.Events(t.Context(), since, before, func(event webhook.Event, err error) error {
		if err != nil {
			t.Errorf("event %s: got error %v, want none", event.ID, err)
		}
		ids = append(ids, event.ID)
		return nil
	}))
	return ids
}

// refundRepeatedly makes n refunds of one payment, a second apart. It returns the ids of their events, newest first.
func (a *account) refundRepeatedly(t *testing.T, n int) (ids []string) {
	t.Helper()
	intent := a.pay(t).PaymentIntent
	for range n {
		a.clock.Step(time.Second)
		a.refund(t, intent, 1)
	}
	for _, event := range slices.Backward(a.Events()) {
		if event.Type == "charge.refunded" {
			ids = append(ids, event.ID)
		}
	}
	return ids
}

// TestEventTypes: docs and endpoints list these types.
func TestEventTypes(t *testing.T) {
	want := strings.Fields(`charge.dispute.closed charge.dispute.created charge.dispute.funds_reinstated
		charge.dispute.funds_withdrawn charge.dispute.updated charge.refund.updated charge.refunded
		checkout.session.async_payment_failed checkout.session.async_payment_succeeded checkout.session.completed
		refund.failed refund.updated`)
	checkEqual(t, "event types", want, webhook.EventTypes())
}

// TestEvents: the list has every handled event and no other, newest first. Each event has the fact of its webhook.
func TestEvents(t *testing.T) {
	a := newAccount(t, false, 19900)
	for _, succeed := range []bool{true, false} {
		check(t, a.SettleDebit(a.debit(t).ID, succeed))
	}
	check(t, a.FailRefund(a.refund(t, a.pay(t).PaymentIntent, 900).ID))
	dispute, err := a.OpenDispute(a.pay(t).PaymentIntent)
	check(t, err)
	check(t, a.CloseDispute(dispute.ID, "won"))
	check(t, a.ExpireSession(a.visit(t).ID))
	var want []webhook.Event
	types := map[string]bool{}
	for _, event := range slices.Backward(a.Events()) {
		if !slices.Contains(webhook.EventTypes(), event.Type) {
			continue
		}
		types[event.Type] = true
		want = append(want, webhook.Event{ID: event.ID, Type: event.Type, Created: noon, Snapshot: true})
	}
	// The simulator sends no charge.dispute.updated.
	if len(types) != len(webhook.EventTypes())-1 || len(want) == len(a.Events()) {
		t.Fatalf("got types %v in %d events, want all but charge.dispute.updated, and unhandled ones", types, len(a.Events()))
	}
	var got []webhook.Event
	check(t, a.client.Events(t.Context(), noon, noon.Add(time.Second), func(event webhook.Event, err error) error {
		if err != nil || event.Fact == nil && strings.HasPrefix(event.Type, "checkout") || event.Fact != nil && event.Fact.EventID != event.ID {
			t.Errorf("got event %+v and error %v, want it with its fact", event, err)
		}
		event.Fact = nil
		got = append(got, event)
		return nil
	}))
	checkEqual(t, "events", want, got)
	a.client.calls.expect(t, "events.list 200")
}

// TestEventsBetween: the list has the events of the first second, and not of the last.
func TestEventsBetween(t *testing.T) {
	a := newAccount(t, false, 19900)
	const seconds = 6
	refunds := a.refundRepeatedly(t, seconds)
	slices.Reverse(refunds) // refunds[0] is of the first second
	at := func(second float64) time.Time { return noon.Add(time.Duration(second * float64(time.Second))) }
	for _, row := range []struct{ since, before, first, last float64 }{
		{2, 5, 2, 4}, {2, 3, 2, 2}, {2, 2, 0, -1}, {5, 2, 0, -1}, {1, 100, 1, seconds}, {7, 100, 0, -1},
		{2.9, 5.9, 2, 4}, // Stripe rounds down to seconds
	} {
		var want []string
		for second := int(row.last); second >= int(row.first); second-- {
			want = append(want, refunds[second-1])
		}
		checkEqual(t, fmt.Sprintf("events from %g to %g", row.since, row.before), want, a.eventsBetween(t, at(row.since), at(row.before)))
	}
}

// TestEventsPages: a list of several pages has every event once.
func TestEventsPages(t *testing.T) {
	for n, pages := range map[int]int{99: 1, 100: 1, 101: 2, 250: 3} {
		a := newAccount(t, false, 19900)
		want := a.refundRepeatedly(t, n)
		checkEqual(t, fmt.Sprintf("%d events", n), want, a.eventsBetween(t, noon.Add(time.Second), noon.Add(time.Hour)))
		a.client.calls.expect(t, slices.Repeat([]string{"events.list 200"}, pages)...)
	}
}

// TestEventsStop: an error of the callback ends the list and is returned. No further page is read.
func TestEventsStop(t *testing.T) {
	a := newAccount(t, false, 19900)
	want := a.refundRepeatedly(t, 250)
	enough := errors.New("enough")
	for stop, pages := range map[int]int{1: 1, 100: 1, 101: 2, 250: 3} {
		var got []string
		err := a.client.Events(t.Context(), noon.Add(time.Second), noon.Add(time.Hour), func(event webhook.Event, _ error) error {
			if got = append(got, event.ID); len(got) == stop {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || errors.Is(err, stripeclient.ErrCallFailed) {
			t.Errorf("got error %v, want %v", err, enough)
		}
		checkEqual(t, fmt.Sprintf("first %d events", stop), want[:stop], got)
		a.client.calls.expect(t, slices.Repeat([]string{"events.list 200"}, pages)...)
	}
}

// TestUndelivered counts the handled events since a time that some endpoint has not received.
func TestUndelivered(t *testing.T) {
	a := newAccount(t, false, 19900)
	a.AddEndpoint(stripesim.EndpointParams{URL: "http://127.0.0.1:9/"})
	a.Delivery(stripesim.Plan{Drop: stripesim.DropTypes()})
	intent := a.pay(t).PaymentIntent // one handled event, beside those of the PaymentIntent and the charge
	count := func(since time.Time, want int) {
		t.Helper()
		if got, _, err := a.client.Undelivered(t.Context(), since); err != nil || got != want {
			t.Errorf("since %s: got %d and error %v, want %d", since, got, err, want)
		}
		a.client.calls.expect(t, "events.list 200") // a single page
	}
	count(noon, 1)
	for made := 2; made <= stripeclient.MaxUndelivered+2; made++ {
		a.clock.Step(time.Second)
		a.refund(t, intent, 1)
		switch made {
		case 2, 3:
			count(noon, made)
			count(a.clock.Now(), 1)
			count(a.clock.Now().Add(time.Second), 0)
		case stripeclient.MaxUndelivered - 1, stripeclient.MaxUndelivered, stripeclient.MaxUndelivered + 1, stripeclient.MaxUndelivered + 2:
			count(noon, min(made, stripeclient.MaxUndelivered))
		}
	}
}

// TestDelivered: an event that every endpoint received, or that no endpoint wants, is not counted.
func TestDelivered(t *testing.T) {
	a := newAccount(t, false, 19900)
	a.pay(t)
	if count, _, err := a.client.Undelivered(t.Context(), noon); err != nil || count != 0 {
		t.Errorf("without an endpoint: got %d and error %v, want 0", count, err)
	}
	shop := newScriptedAPI(t, respond(http.StatusOK, ""))
	a.AddEndpoint(stripesim.EndpointParams{URL: shop.URL})
	a.pay(t)
	check(t, a.WaitDelivered(t.Context()))
	if count, _, err := a.client.Undelivered(t.Context(), noon); err != nil || count != 0 {
		t.Errorf("delivered: got %d and error %v, want 0", count, err)
	}
}

// TestResponseDate: the time of the response is its Date, or zero without a valid one.
func TestResponseDate(t *testing.T) {
	for date, want := range map[string]time.Time{
		"Fri, 09 Oct 2026 12:00:00 GMT": noon,
		"":                              {},
		"today":                         {},
	} {
		client := newScriptedClient(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"] = []string{date}
			if date == "" {
				w.Header()["Date"] = nil
			}
			listPage(true, `{"id":"evt_1"}`, `{"id":"evt_2"}`)(w, r)
		})
		count, got, err := client.Undelivered(t.Context(), noon)
		if err != nil || count != 2 || !got.Equal(want) {
			t.Errorf("Date %q: got %d events at %s and error %v, want 2 at %s", date, count, got, err, want)
		}
	}
}
