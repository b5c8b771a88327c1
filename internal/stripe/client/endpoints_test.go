package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// newEndpoint describes an endpoint with text that a form must escape.
func newEndpoint() stripeclient.NewEndpoint {
	return stripeclient.NewEndpoint{
		URL: "https://shop.example/webhook?a=1&b=2", Description: "Paylink, of Straße & Söhne",
		Metadata: map[string]string{"paylink.dev/cluster": "one", "b": "2", "c": "3", "d": "4"}, IdempotencyKey: "once",
	}
}

// TestCreateEndpoint: a new endpoint has the needed event types. Its secret is returned once.
func TestCreateEndpoint(t *testing.T) {
	for _, live := range []bool{false, true} {
		a := newAccount(t, live, 19900)
		requested := newEndpoint()
		got, secret, err := a.client.CreateEndpoint(t.Context(), requested)
		check(t, err)
		want := stripeclient.Endpoint{
			ID: got.ID, URL: requested.URL, Status: "enabled", Livemode: live, APIVersion: "2023-10-16",
			Events: stripeclient.EndpointEvents(), Metadata: requested.Metadata,
		}
		checkEqual(t, "created endpoint", want, got)
		if !strings.HasPrefix(got.ID, "we_") || !strings.HasPrefix(string(secret), "whsec_") {
			t.Errorf("got id %s and a secret of %d characters, want we_… and whsec_…", got.ID, len(secret))
		}
		listed, err := a.client.Endpoints(t.Context())
		check(t, err)
		checkEqual(t, "endpoints", []stripeclient.Endpoint{want}, listed)
		a.client.calls.expect(t, "webhook_endpoints.create 200", "webhook_endpoints.list 200")
	}
}

// TestCreateEndpointAgain: a repeated request with one idempotency key creates one endpoint, and returns its secret
// again. A request with another key, or without one, creates another endpoint.
func TestCreateEndpointAgain(t *testing.T) {
	a := newAccount(t, false, 19900)
	first, secret, err := a.client.CreateEndpoint(t.Context(), newEndpoint())
	check(t, err)
	for range 20 { // a random order of the metadata would show
		again, same, err := a.client.CreateEndpoint(t.Context(), newEndpoint())
		if err != nil || same != secret {
			t.Errorf("got another secret or error %v, want the first secret", err)
		}
		checkEqual(t, "repeated endpoint", first, again)
	}
	changed := newEndpoint()
	changed.URL = "https://shop.example/elsewhere"
	_, _, err = a.client.CreateEndpoint(t.Context(), changed)
	checkFailed(t, err, "status 400")
	ids := map[string]bool{first.ID: true}
	for _, key := range []string{"twice", "", ""} {
		other := newEndpoint()
		other.IdempotencyKey = key
		got, another, err := a.client.CreateEndpoint(t.Context(), other)
		if err != nil || another == secret || ids[got.ID] {
			t.Errorf("key %q: got endpoint %s and error %v, want another endpoint", key, got.ID, err)
		}
		ids[got.ID] = true
	}
	if listed, err := a.client.Endpoints(t.Context()); err != nil || len(listed) != len(ids) {
		t.Errorf("got %d endpoints and error %v, want %d", len(listed), err, len(ids))
	}
}

// TestCreateEndpointForm: repeated requests are the same byte by byte.
func TestCreateEndpointForm(t *testing.T) {
	var body, key string
	client := newScriptedClient(t, func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if body != "" && (string(sent) != body || r.Header.Get("Idempotency-Key") != key) {
			t.Errorf("got body %s, want %s", sent, body)
		}
		body, key = string(sent), r.Header.Get("Idempotency-Key")
		respond(http.StatusOK, `{"id":"we_1","secret":"whsec_1"}`)(w, r)
	})
	for range 20 {
		_, _, err := client.CreateEndpoint(t.Context(), newEndpoint())
		check(t, err)
	}
	got, err := url.ParseQuery(body)
	check(t, err)
	want := url.Values{
		"url": {newEndpoint().URL}, "description": {newEndpoint().Description}, "api_version": {"2023-10-16"}, "enabled_events[]": stripeclient.EndpointEvents(),
	}
	for name, value := range newEndpoint().Metadata {
		want.Set("metadata["+name+"]", value)
	}
	checkEqual(t, "form", want, got)
	checkEqual(t, "idempotency key", "once", key)
}

// TestEndpoints: the list has the endpoints in the client's mode, newest first, with every setting.
func TestEndpoints(t *testing.T) {
	a := newAccount(t, false, 19900)
	if none, err := a.client.Endpoints(t.Context()); err != nil || len(none) > 0 {
		t.Errorf("got %+v and error %v, want no endpoint", none, err)
	}
	a.AddEndpoint(stripesim.EndpointParams{URL: "https://live.example/", Livemode: true})
	all := a.AddEndpoint(stripesim.EndpointParams{URL: "https://all.example/"})
	family := a.AddEndpoint(stripesim.EndpointParams{URL: "https://family.example/", Events: []string{"charge.*"}, APIVersion: "2025-03-31.basil"})
	got, err := a.client.Endpoints(t.Context())
	check(t, err)
	checkEqual(t, "endpoints", []stripeclient.Endpoint{
		{ID: family.ID, URL: family.URL, Status: "enabled", APIVersion: "2025-03-31.basil", Events: []string{"charge.*"}, Metadata: map[string]string{}},
		{ID: all.ID, URL: all.URL, Status: "enabled", Events: []string{"*"}, Metadata: map[string]string{}},
	}, got)
}

// TestSetEndpointEvents: an endpoint with too many or too few event types gets the needed ones. Nothing else changes.
func TestSetEndpointEvents(t *testing.T) {
	a := newAccount(t, false, 19900)
	other := a.AddEndpoint(stripesim.EndpointParams{URL: "https://other.example/"})
	for _, events := range [][]string{nil, {"charge.refunded"}, stripeclient.EndpointEvents()} {
		endpoint := a.AddEndpoint(stripesim.EndpointParams{URL: "https://shop.example/", Events: events, APIVersion: "2025-03-31.basil"})
		want, err := a.client.Endpoints(t.Context())
		check(t, err)
		check(t, a.client.SetEndpointEvents(t.Context(), endpoint.ID))
		got, err := a.client.Endpoints(t.Context())
		check(t, err)
		want[0].Events = stripeclient.EndpointEvents()
		checkEqual(t, "endpoints", want, got)
		checkEqual(t, "oldest endpoint", other.ID, got[len(got)-1].ID)
	}
	if err := a.client.SetEndpointEvents(t.Context(), "we_1none"); !errors.Is(err, stripeclient.ErrNoSuchObject) {
		t.Errorf("got error %v, want %v", err, stripeclient.ErrNoSuchObject)
	}
}

// TestInvalidEndpoint: a response without an endpoint, or without the secret of a new one, is refused. An empty secret
// would verify anything.
func TestInvalidEndpoint(t *testing.T) {
	for body, valid := range map[string]bool{
		`{}`: false, `{"object":"list","data":[]}`: false, `{"secret":"whsec_1"}`: false, `{"id":"we_1"}`: false,
		`{"id":"we_1","secret":""}`: false, `{"id":"we_1","secret":null}`: false, `{"id":"we_1","secret":"sk_test_1"}`: false,
		`{"id":"ch_1","secret":"whsec_1"}`: false, `{"id":"we_1","secret":"whsec_1"}`: true,
	} {
		got, secret, err := newScriptedClient(t, respond(http.StatusOK, body)).CreateEndpoint(t.Context(), newEndpoint())
		if !valid {
			checkFailed(t, err, "the response is not an endpoint with its signing secret")
			if got.ID != "" || secret != "" {
				t.Errorf("%s: got endpoint %q, want none", body, got.ID)
			}
		} else if err != nil || got.ID != "we_1" || secret != "whsec_1" {
			t.Errorf("%s: got endpoint %q and error %v, want we_1", body, got.ID, err)
		}
	}
	for body, valid := range map[string]bool{`{}`: false, `{"id":"we_2"}`: false, `{"id":"we_1"}`: true} {
		err := newScriptedClient(t, respond(http.StatusOK, body)).SetEndpointEvents(t.Context(), "we_1")
		if !valid {
			checkFailed(t, err, "the response is not the updated endpoint")
		} else if err != nil {
			t.Errorf("%s: got error %v, want none", body, err)
		}
	}
}
