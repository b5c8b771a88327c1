package client_test

import (
	"net/http"
	"testing"
	"time"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestUndelivered: what no endpoint took yet is counted, of the types that matter and of the time that was asked for.
func TestUndelivered(t *testing.T) {
	s := newSeller(t, false, 19900)
	s.AddEndpoint(stripesim.EndpointParams{URL: "http://127.0.0.1:9/"})
	s.Delivery(stripesim.Plan{Drop: stripesim.DropTypes()})
	intent := s.pay(t).PaymentIntent // one that matters, beside those of the PaymentIntent and the charge
	count := func(since time.Time, want int) {
		t.Helper()
		if got, _, err := s.client.Undelivered(t.Context(), since); err != nil || got != want {
			t.Errorf("since %s: %d, %v", since, got, err)
		}
		s.made.must(t, []string{"events.list 200"}, nil) // a single page
	}
	count(noon, 1)
	for made := 2; made <= stripeclient.MaxUndelivered+2; made++ {
		s.clock.Step(time.Second)
		s.refund(t, intent, 1)
		switch made {
		case 2, 3:
			count(noon, made)
			count(s.clock.Now(), 1)
			count(s.clock.Now().Add(time.Second), 0)
		case stripeclient.MaxUndelivered - 1, stripeclient.MaxUndelivered, stripeclient.MaxUndelivered + 1, stripeclient.MaxUndelivered + 2:
			count(noon, min(made, stripeclient.MaxUndelivered))
		}
	}
}

// TestDelivered: what an endpoint took, and what no endpoint wants, is no trouble.
func TestDelivered(t *testing.T) {
	s := newSeller(t, false, 19900)
	s.pay(t)
	if count, _, err := s.client.Undelivered(t.Context(), noon); err != nil || count != 0 {
		t.Errorf("without an endpoint: %d, %v", count, err)
	}
	shop := newScript(t, says(http.StatusOK, ""))
	s.AddEndpoint(stripesim.EndpointParams{URL: shop.URL})
	s.pay(t)
	if err := s.WaitDelivered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if count, _, err := s.client.Undelivered(t.Context(), noon); err != nil || count != 0 {
		t.Errorf("delivered: %d, %v", count, err)
	}
}

// TestAnswered: when Stripe answered is what it says itself, and nothing where it does not.
func TestAnswered(t *testing.T) {
	for date, want := range map[string]time.Time{
		"Fri, 09 Oct 2026 12:00:00 GMT": noon,
		"":                              {},
		"today":                         {},
	} {
		api := newScript(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"] = []string{date}
			if date == "" {
				w.Header()["Date"] = nil
			}
			listed(true, `{"id":"evt_1"}`, `{"id":"evt_2"}`)(w, r)
		})
		client, _ := newClient(t, "rk_test_"+keyTail, api.URL, time.Minute)
		count, answered, err := client.Undelivered(t.Context(), noon)
		if err != nil || count != 2 || !answered.Equal(want) {
			t.Errorf("%q: %d at %s, %v", date, count, answered, err)
		}
	}
	client, _ := newClient(t, "rk_test_"+keyTail, newScript(t, refuses(http.StatusForbidden, "")).URL, time.Minute)
	count, answered, err := client.Undelivered(t.Context(), noon)
	unanswered(t, err, "give it read access to Events")
	if count != 0 || !answered.IsZero() {
		t.Errorf("%d at %s", count, answered)
	}
}
