package client_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// listedEvent is an event as Events passes it on.
type listedEvent struct {
	ID, Error string
	Fact      bool
}

func listEvents(ctx context.Context, client *testClient) (got []listedEvent, err error) {
	err = client.Events(ctx, time.Unix(1, 0), time.Unix(2, 0), func(event webhook.Event, err error) error {
		listed := listedEvent{ID: event.ID, Fact: event.Fact != nil}
		if err != nil {
			listed.Error = err.Error()
		}
		if errors.Is(err, webhook.ErrMalformed) != (err != nil) {
			listed.Error = "not malformed: " + listed.Error
		}
		got = append(got, listed)
		return nil
	})
	return got, err
}

// TestUnreadableEvent: an event that cannot be read is passed on with its id and error. The other events follow.
func TestUnreadableEvent(t *testing.T) {
	paid := string(stripeevents.FromStripe(t, stripeevents.SessionPaid, stripeevents.Set("id", "evt_1")))
	refunded := string(stripeevents.FromStripe(t, stripeevents.ChargeRefunded, stripeevents.Set("id", "evt_3")))
	unreadable := func(id string) string {
		return string(stripeevents.Hostile(t, stripeevents.SessionPaid, stripeevents.Set("id", id), stripeevents.Set("data.object.amount_total", "Erika")))
	}
	client := newScriptedClient(t, listPage(true, paid, unreadable("evt_2")), listPage(false, unreadable("evt_2b"), refunded))
	got, err := listEvents(t.Context(), client)
	check(t, err)
	malformed := `malformed event: field "data.object.amount_total" has the wrong type (string)`
	checkEqual(t, "events", []listedEvent{{"evt_1", "", true}, {"evt_2", malformed, false}, {"evt_2b", malformed, false}, {"evt_3", "", true}}, got)
	client.calls.expect(t, "events.list 200", "events.list 200")
	after := client.api.received(func(r *http.Request) string { return r.URL.Query().Get("starting_after") })
	checkEqual(t, "starting_after", []string{"", "evt_2"}, after)
}

// TestBrokenList: a list that ends too early is an error, after the events before the end were passed on. No list is read
// endlessly.
func TestBrokenList(t *testing.T) {
	const first, second = `{"id":"evt_1","type":"plan.created"}`, `{"id":"evt_2","type":"plan.created"}`
	const nowhere, notList = "says that there is more, but not where to continue", "is not a list"
	for name, row := range map[string]struct {
		pages  []http.HandlerFunc
		want   string
		events int
	}{
		"more after nothing":         {[]http.HandlerFunc{listPage(true)}, nowhere, 0},
		"more after an empty page":   {[]http.HandlerFunc{listPage(true, first), listPage(true)}, nowhere, 1},
		"the same page again":        {[]http.HandlerFunc{listPage(true, first)}, nowhere, 2},
		"no id":                      {[]http.HandlerFunc{listPage(true, `{"type":"plan.created"}`)}, nowhere, 1},
		"an id of another type":      {[]http.HandlerFunc{listPage(true, `{"id":4242}`)}, `an item of the response to events.list: field "id" has the wrong type (number)`, 1},
		"not an object":              {[]http.HandlerFunc{listPage(true, `4242`)}, "an item of the response to events.list: JSON, but not an object (number)", 1},
		"an object":                  {[]http.HandlerFunc{respond(200, `{}`)}, notList, 0},
		"data null":                  {[]http.HandlerFunc{respond(200, `{"object":"list","data":null,"has_more":false}`)}, notList, 0},
		"not a list on a later page": {[]http.HandlerFunc{listPage(true, first, second), respond(200, `{"status":"ok"}`)}, notList, 2},
		"an array":                   {[]http.HandlerFunc{respond(200, `[4242]`)}, "no connection, or no response in time", 0},
		"data of another type":       {[]http.HandlerFunc{respond(200, `{"data":"Erika"}`)}, `the response to events.list: field "data" has the wrong type (string)`, 0},
		"refused on a later page":    {[]http.HandlerFunc{listPage(true, first, second), refuse(403, "")}, "give it read access to Events", 2},
		"broken off on a later page": {[]http.HandlerFunc{listPage(true, first, second), breakOff}, "no connection, or no response in time", 2},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := listEvents(t.Context(), newScriptedClient(t, row.pages...))
			checkFailed(t, err, row.want)
			if len(got) != row.events {
				t.Errorf("got events %+v, want %d", got, row.events)
			}
		})
	}
}

// TestCanceledBetweenPages: no page is requested after the context has ended.
func TestCanceledBetweenPages(t *testing.T) {
	client := newScriptedClient(t, listPage(true, `{"id":"evt_1","type":"plan.created"}`))
	ctx, cancel := context.WithCancel(t.Context())
	err := client.Events(ctx, noon, noon.Add(time.Hour), func(webhook.Event, error) error {
		cancel()
		return nil
	})
	checkFailed(t, err, "context canceled")
	client.calls.expect(t, "events.list 200")
}
