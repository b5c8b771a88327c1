package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// forShop is an endpoint to be made.
func forShop() stripeclient.NewEndpoint {
	return stripeclient.NewEndpoint{
		URL: "https://shop.example/webhook?a=1&b=2", Description: "Paylink, of Straße & Söhne",
		Metadata: map[string]string{"paylink.dev/cluster": "one", "b": "2", "c": "3", "d": "4"}, IdempotencyKey: "once",
	}
}

// TestCreateEndpoint: an endpoint gets what can say something of a payment, and its secret is told once.
func TestCreateEndpoint(t *testing.T) {
	for _, live := range []bool{false, true} {
		s := newSeller(t, live, 19900)
		asked := forShop()
		made, secret, err := s.client.CreateEndpoint(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		want := stripeclient.Endpoint{
			ID: made.ID, URL: asked.URL, Status: "enabled", Livemode: live, APIVersion: "2023-10-16",
			Events: stripeclient.EndpointEvents(), Metadata: asked.Metadata,
		}
		if diff := cmp.Diff(want, made); diff != "" || !strings.HasPrefix(made.ID, "we_") {
			t.Error(diff)
		}
		if !strings.HasPrefix(string(secret), "whsec_") {
			t.Errorf("the secret has %d characters", len(secret))
		}
		listed, err := s.client.Endpoints(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]stripeclient.Endpoint{want}, listed); diff != "" {
			t.Error(diff)
		}
		s.made.must(t, []string{"webhook_endpoints.create 200", "webhook_endpoints.list 200"}, nil)
	}
}

// TestCreateEndpointAgain: with one idempotency key there is one endpoint, whatever became of the first answer, and its
// secret is told again. With another, or none, there is another.
func TestCreateEndpointAgain(t *testing.T) {
	s := newSeller(t, false, 19900)
	first, secret, err := s.client.CreateEndpoint(t.Context(), forShop())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // the metadata's order would differ, were it a map's
		again, same, err := s.client.CreateEndpoint(t.Context(), forShop())
		if err != nil || same != secret {
			t.Errorf("another secret, or %v", err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Error(diff)
		}
	}
	changed := forShop()
	changed.URL = "https://shop.example/elsewhere"
	_, _, err = s.client.CreateEndpoint(t.Context(), changed)
	unanswered(t, err, "status 400")
	ids := map[string]bool{first.ID: true}
	for _, key := range []string{"twice", "", ""} {
		other := forShop()
		other.IdempotencyKey = key
		made, another, err := s.client.CreateEndpoint(t.Context(), other)
		if err != nil || another == secret || ids[made.ID] {
			t.Errorf("with key %q: %s, %v", key, made.ID, err)
		}
		ids[made.ID] = true
	}
	if listed, err := s.client.Endpoints(t.Context()); err != nil || len(listed) != len(ids) {
		t.Errorf("%d endpoints, %v", len(listed), err)
	}
}

// TestCreateEndpointForm: what is sent is the same to the letter each time.
func TestCreateEndpointForm(t *testing.T) {
	var body, key string
	api := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if body != "" && (string(sent) != body || r.Header.Get("Idempotency-Key") != key) {
			t.Errorf("%s, and before %s", sent, body)
		}
		body, key = string(sent), r.Header.Get("Idempotency-Key")
		says(http.StatusOK, `{"id":"we_1","secret":"whsec_1"}`)(w, r)
	})
	client, _ := newClient(t, "rk_test_"+keyTail, api.URL, time.Minute)
	for range 20 {
		if _, _, err := client.CreateEndpoint(t.Context(), forShop()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := url.ParseQuery(body)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"url": {forShop().URL}, "description": {forShop().Description}, "api_version": {"2023-10-16"}, "enabled_events[]": stripeclient.EndpointEvents(),
	}
	for name, value := range forShop().Metadata {
		want.Set("metadata["+name+"]", value)
	}
	if diff := cmp.Diff(want, got); diff != "" || key != "once" {
		t.Errorf("with key %q: %s", key, diff)
	}
}

// TestEndpoints: those of the client's mode are listed, newest first, with what the others made of theirs.
func TestEndpoints(t *testing.T) {
	s := newSeller(t, false, 19900)
	if none, err := s.client.Endpoints(t.Context()); err != nil || len(none) > 0 {
		t.Errorf("%+v, %v", none, err)
	}
	s.AddEndpoint(stripesim.EndpointParams{URL: "https://live.example/", Livemode: true})
	all := s.AddEndpoint(stripesim.EndpointParams{URL: "https://all.example/"})
	family := s.AddEndpoint(stripesim.EndpointParams{URL: "https://family.example/", Events: []string{"charge.*"}, APIVersion: "2025-03-31.basil"})
	got, err := s.client.Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []stripeclient.Endpoint{
		{ID: family.ID, URL: family.URL, Status: "enabled", APIVersion: "2025-03-31.basil", Events: []string{"charge.*"}, Metadata: map[string]string{}},
		{ID: all.ID, URL: all.URL, Status: "enabled", Events: []string{"*"}, Metadata: map[string]string{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSetEndpointEvents: an endpoint that gets too much, or too little, gets what matters, and is else as it was.
func TestSetEndpointEvents(t *testing.T) {
	s := newSeller(t, false, 19900)
	other := s.AddEndpoint(stripesim.EndpointParams{URL: "https://other.example/"})
	for _, events := range [][]string{nil, {"charge.refunded"}, stripeclient.EndpointEvents()} {
		endpoint := s.AddEndpoint(stripesim.EndpointParams{URL: "https://shop.example/", Events: events, APIVersion: "2025-03-31.basil"})
		before, err := s.client.Endpoints(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.client.SetEndpointEvents(t.Context(), endpoint.ID); err != nil {
			t.Fatal(err)
		}
		after, err := s.client.Endpoints(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before[0].Events = stripeclient.EndpointEvents()
		if diff := cmp.Diff(before, after); diff != "" || after[len(after)-1].ID != other.ID {
			t.Error(diff)
		}
	}
	if err := s.client.SetEndpointEvents(t.Context(), "we_1none"); !errors.Is(err, stripeclient.ErrNoSuchObject) {
		t.Error(err)
	}
}

// TestEndpointRefused: a key that may not do it is told what it lacks.
func TestEndpointRefused(t *testing.T) {
	client, _ := newClient(t, "rk_test_"+keyTail, newScript(t, refuses(http.StatusForbidden, "")).URL, time.Minute)
	_, err := client.Endpoints(t.Context())
	unanswered(t, err, "give it read access to Webhook Endpoints")
	_, secret, err := client.CreateEndpoint(t.Context(), forShop())
	unanswered(t, err, "give it write access to Webhook Endpoints")
	if secret != "" {
		t.Error("there is a secret")
	}
	unanswered(t, client.SetEndpointEvents(t.Context(), "we_1"), "give it write access to Webhook Endpoints")
}

// TestNoEndpoint: an answer without an endpoint, or without the secret of a new one, is none: an empty secret would be
// taken for one that anybody knows.
func TestNoEndpoint(t *testing.T) {
	for body, creates := range map[string]bool{
		`{}`: false, `{"object":"list","data":[]}`: false, `{"secret":"whsec_1"}`: false, `{"id":"we_1"}`: false,
		`{"id":"we_1","secret":""}`: false, `{"id":"we_1","secret":null}`: false, `{"id":"we_1","secret":"sk_test_1"}`: false,
		`{"id":"ch_1","secret":"whsec_1"}`: false, `{"id":"we_1","secret":"whsec_1"}`: true,
	} {
		client, _ := newClient(t, "rk_test_"+keyTail, newScript(t, says(http.StatusOK, body)).URL, time.Minute)
		made, secret, err := client.CreateEndpoint(t.Context(), forShop())
		if creates && (err != nil || made.ID != "we_1" || secret != "whsec_1") {
			t.Errorf("%s: %v", body, err)
		}
		if !creates && (made.ID != "" || secret != "") {
			t.Errorf("%s: there is an endpoint %q", body, made.ID)
		}
		if !creates {
			unanswered(t, err, "the response is not an endpoint with its signing secret")
		}
	}
	for body, changes := range map[string]bool{`{}`: false, `{"id":"we_2"}`: false, `{"id":"we_1"}`: true} {
		client, _ := newClient(t, "rk_test_"+keyTail, newScript(t, says(http.StatusOK, body)).URL, time.Minute)
		switch err := client.SetEndpointEvents(t.Context(), "we_1"); {
		case !changes:
			unanswered(t, err, "the response is not the updated endpoint")
		case err != nil:
			t.Errorf("%s: %v", body, err)
		}
	}
}
