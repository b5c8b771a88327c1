package client_test

import (
	"net/http"
	"strings"
	"testing"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// TestKeys: a call skips a key that Stripe does not know, and later calls do too. No other refusal makes it try another
// key.
func TestKeys(t *testing.T) {
	const first, second = "rk_test_1" + keyTail, "rk_test_2" + keyTail
	session := respond(http.StatusOK, sessionJSON(t))
	for name, row := range map[string]struct {
		responses []http.HandlerFunc
		calls     int
		codes     string
		keys      []string
		used      string // the names of the accepted keys
		want      string // the error of the last call; "" means a session
	}{
		"both known":               {[]http.HandlerFunc{session}, 2, "200 200", []string{first, first}, "1", ""},
		"the first unknown":        {[]http.HandlerFunc{refuse(401, ""), session}, 1, "401 200", []string{first, second}, "2", ""},
		"and later calls":          {[]http.HandlerFunc{refuse(401, ""), session}, 3, "401 200 200 200", []string{first, second, second, second}, "2", ""},
		"broken in between":        {[]http.HandlerFunc{refuse(401, ""), refuse(500, ""), session}, 1, "401 500 200", []string{first, second, second}, "2", ""},
		"both unknown":             {[]http.HandlerFunc{refuse(401, "")}, 1, "401 401", []string{first, second}, "", "does not know the API key"},
		"the second restricted":    {[]http.HandlerFunc{refuse(401, ""), refuse(403, "")}, 1, "401 403", []string{first, second}, "", "lacks a permission"},
		"no permission":            {[]http.HandlerFunc{refuse(403, ""), session}, 1, "403", []string{first}, "", "lacks a permission"},
		"too many calls":           {[]http.HandlerFunc{refuse(429, ""), session}, 1, "429", []string{first}, "", "too many calls"},
		"redirect":                 {[]http.HandlerFunc{respond(302, `{}`), session}, 1, "302", []string{first}, "", "status 302"},
		"redirect with the second": {[]http.HandlerFunc{refuse(401, ""), respond(302, `{}`)}, 1, "401 302", []string{first, second}, "", "status 302"},
	} {
		t.Run(name, func(t *testing.T) {
			api := newScriptedAPI(t, row.responses...)
			client := newClient(t, first+","+second, stripeclient.Options{Base: api.URL, Retries: 1})
			var err error
			for range row.calls {
				_, err = client.Session(t.Context(), sampleSession)
			}
			if row.want != "" {
				checkFailed(t, err, row.want)
			} else if err != nil {
				t.Errorf("got error %v, want none", err)
			}
			client.calls.expectCodes(t, retrieve, row.codes)
			checkEqual(t, "keys of the requests", row.keys, api.received(bearer))
			used := ""
			for name, at := range client.keys.LastUsed() {
				if !at.IsZero() {
					used += name
				}
			}
			checkEqual(t, "accepted keys", row.used, used)
		})
	}
}

// TestCreateEndpointWithAnotherKey: a call with the next key creates no second endpoint.
func TestCreateEndpointWithAnotherKey(t *testing.T) {
	a := newAccount(t, false, 19900)
	a.InjectErrors(func(r *http.Request) int {
		if strings.HasSuffix(r.Header.Get("Authorization"), "_1") {
			return http.StatusUnauthorized
		}
		return 0
	})
	client := newClient(t, "rk_test_1,rk_test_2", stripeclient.Options{Base: a.URL(), Retries: 1})
	first, secret, err := client.CreateEndpoint(t.Context(), newEndpoint())
	check(t, err)
	client.calls.expectCodes(t, "webhook_endpoints.create", "401 200")
	client = newClient(t, "rk_test_2", stripeclient.Options{Base: a.URL()})
	again, same, err := client.CreateEndpoint(t.Context(), newEndpoint())
	if err != nil || again.ID != first.ID || same != secret {
		t.Errorf("got endpoint %s and error %v, want %s with the same secret", again.ID, err, first.ID)
	}
}
