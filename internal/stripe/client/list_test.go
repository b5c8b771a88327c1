package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// listed is an answer with a page of a list.
func listed(more bool, items ...string) http.HandlerFunc {
	return says(http.StatusOK, fmt.Sprintf(`{"object":"list","has_more":%t,"data":[%s]}`, more, strings.Join(items, ",")))
}

// seen is an event as it was passed on.
type seen struct {
	ID, Error string
	Fact      bool
}

func see(ctx context.Context, client *stripeclient.Client) (got []seen, err error) {
	err = client.Events(ctx, time.Unix(1, 0), time.Unix(2, 0), func(event webhook.Event, err error) error {
		one := seen{ID: event.ID, Fact: event.Fact != nil}
		if err != nil {
			one.Error = err.Error()
		}
		if errors.Is(err, webhook.ErrMalformed) != (err != nil) {
			one.Error = "not malformed: " + one.Error
		}
		got = append(got, one)
		return nil
	})
	return got, err
}

// TestUnreadableEvent: what cannot be read is passed on as such, by its name, and keeps nothing from those around it.
func TestUnreadableEvent(t *testing.T) {
	paid := string(stripeevents.FromStripe(t, stripeevents.SessionPaid, stripeevents.Set("id", "evt_1")))
	refunded := string(stripeevents.FromStripe(t, stripeevents.ChargeRefunded, stripeevents.Set("id", "evt_3")))
	unreadable := func(id string) string {
		return string(stripeevents.Hostile(t, stripeevents.SessionPaid, stripeevents.Set("id", id), stripeevents.Set("data.object.amount_total", "Erika")))
	}
	api := newScript(t, listed(true, paid, unreadable("evt_2")), listed(false, unreadable("evt_2b"), refunded))
	client, made := newClient(t, "rk_test_"+keyTail, api.URL, time.Minute)
	got, err := see(t.Context(), client)
	if err != nil {
		t.Error(err)
	}
	malformed := `malformed event: field "data.object.amount_total" has the wrong type (string)`
	if diff := cmp.Diff([]seen{{"evt_1", "", true}, {"evt_2", malformed, false}, {"evt_2b", malformed, false}, {"evt_3", "", true}}, got); diff != "" {
		t.Error(diff)
	}
	made.must(t, []string{"events.list 200", "events.list 200"}, nil)
	var after []string
	for _, query := range api.queries() {
		after = append(after, query.Get("starting_after"))
	}
	if diff := cmp.Diff([]string{"", "evt_2"}, after); diff != "" {
		t.Error(diff)
	}
}

// TestBrokenList: a list that ends before its end is an error, after what came of it was passed on. It never goes on for ever.
func TestBrokenList(t *testing.T) {
	one, two := `{"id":"evt_1","type":"plan.created"}`, `{"id":"evt_2","type":"plan.created"}`
	for name, row := range map[string]struct {
		pages []http.HandlerFunc
		want  string
		seen  int
	}{
		"more, and nothing":          {[]http.HandlerFunc{listed(true)}, "says that there is more, but not where to continue", 0},
		"more, and nothing, at last": {[]http.HandlerFunc{listed(true, one), listed(true)}, "says that there is more, but not where to continue", 1},
		"the same again and again":   {[]http.HandlerFunc{listed(true, one)}, "says that there is more, but not where to continue", 2},
		"no name":                    {[]http.HandlerFunc{listed(true, `{"type":"plan.created"}`)}, "says that there is more, but not where to continue", 1},
		"a name of another kind":     {[]http.HandlerFunc{listed(true, `{"id":4242}`)}, `an item of the response to events.list: field "id" has the wrong type (number)`, 1},
		"no object":                  {[]http.HandlerFunc{listed(true, `4242`)}, "an item of the response to events.list: JSON, but not an object (number)", 1},
		"an object":                  {[]http.HandlerFunc{says(200, `{}`)}, "is not a list", 0},
		"an empty one of nothing":    {[]http.HandlerFunc{says(200, `{"object":"list","data":null,"has_more":false}`)}, "is not a list", 0},
		"no list at last":            {[]http.HandlerFunc{listed(true, one, two), says(200, `{"status":"ok"}`)}, "is not a list", 2},
		"another kind":               {[]http.HandlerFunc{says(200, `[4242]`)}, "no connection, or no response in time", 0},
		"data of another kind":       {[]http.HandlerFunc{says(200, `{"data":"Erika"}`)}, `the response to events.list: field "data" has the wrong type (string)`, 0},
		"refused at last":            {[]http.HandlerFunc{listed(true, one, two), refuses(403, "")}, "give it read access to Events", 2},
		"broken off at last":         {[]http.HandlerFunc{listed(true, one, two), breaksOff}, "no connection, or no response in time", 2},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := newClient(t, "rk_test_"+keyTail, newScript(t, row.pages...).URL, time.Minute)
			got, err := see(t.Context(), client)
			unanswered(t, err, row.want)
			if len(got) != row.seen {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestNoList: what is no list does not count as one with nothing in it, whoever asks.
func TestNoList(t *testing.T) {
	for _, body := range []string{`{}`, `{"data":null}`, `{"status":"ok"}`} {
		client, _ := newClient(t, "rk_test_"+keyTail, newScript(t, says(http.StatusOK, body)).URL, time.Minute)
		for name, ask := range map[string]func() error{
			"endpoints":      func() error { _, err := client.Endpoints(t.Context()); return err },
			"undelivered":    func() error { _, _, err := client.Undelivered(t.Context(), noon); return err },
			"disputes":       func() error { _, err := client.Disputes(t.Context(), "pi_1"); return err },
			"failed refunds": func() error { _, err := client.FailedRefunds(t.Context(), "pi_1"); return err },
			"of a payment":   func() error { _, err := client.SessionsOfPayment(t.Context(), "pi_1"); return err },
			"of a link": func() error {
				return client.SessionsOfLink(t.Context(), "plink_1", noon, func(stripeclient.Session) error { return nil })
			},
		} {
			t.Run(name, func(t *testing.T) { unanswered(t, ask(), "is not a list") })
		}
	}
}

// TestLeftBetweenPages: who leaves is asked for no further page.
func TestLeftBetweenPages(t *testing.T) {
	api := newScript(t, listed(true, `{"id":"evt_1","type":"plan.created"}`))
	client, made := newClient(t, "rk_test_"+keyTail, api.URL, time.Minute)
	ctx, leave := context.WithCancel(t.Context())
	err := client.Events(ctx, noon, noon.Add(time.Hour), func(webhook.Event, error) error {
		leave()
		return nil
	})
	unanswered(t, err, "context canceled")
	made.must(t, []string{"events.list 200"}, nil)
}
