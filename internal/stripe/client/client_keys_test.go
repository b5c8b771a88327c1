package client_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// TestClientKeys: a key that Stripe does not know any more is passed over, for the next and for the calls to come. No
// other refusal says that another key would do.
func TestClientKeys(t *testing.T) {
	const first, second = "rk_test_1" + keyTail, "rk_test_2" + keyTail
	good := says(http.StatusOK, sessionJSON(t))
	for name, row := range map[string]struct {
		lines []http.HandlerFunc
		calls int
		codes string
		keys  []string
		used  string // the names of the keys that did something
		want  string // of the last call; "" is a session
	}{
		"both good":            {[]http.HandlerFunc{good}, 2, "200 200", []string{first, first}, "1", ""},
		"the first is gone":    {[]http.HandlerFunc{refuses(401, ""), good}, 1, "401 200", []string{first, second}, "2", ""},
		"and stays so":         {[]http.HandlerFunc{refuses(401, ""), good}, 3, "401 200 200 200", []string{first, second, second, second}, "2", ""},
		"broken in between":    {[]http.HandlerFunc{refuses(401, ""), refuses(500, ""), good}, 1, "401 500 200", []string{first, second, second}, "2", ""},
		"both are gone":        {[]http.HandlerFunc{refuses(401, "")}, 1, "401 401", []string{first, second}, "", "does not know the API key"},
		"the second is poorer": {[]http.HandlerFunc{refuses(401, ""), refuses(403, "")}, 1, "401 403", []string{first, second}, "", "lacks a permission"},
		"no permission":        {[]http.HandlerFunc{refuses(403, ""), good}, 1, "403", []string{first}, "", "lacks a permission"},
		"too many calls":       {[]http.HandlerFunc{refuses(429, ""), good}, 1, "429", []string{first}, "", "too many calls"},
		"redirected":           {[]http.HandlerFunc{says(302, `{}`), good}, 1, "302", []string{first}, "", "status 302"},
		"the second redirects": {[]http.HandlerFunc{refuses(401, ""), says(302, `{}`)}, 1, "401 302", []string{first, second}, "", "status 302"},
	} {
		t.Run(name, func(t *testing.T) {
			api := newScript(t, row.lines...)
			client, made, keys := clientWithKeys(t, first+","+second, api.URL)
			var err error
			for range row.calls {
				_, err = client.Session(t.Context(), sampleSession)
			}
			if row.want != "" {
				unanswered(t, err, row.want)
			} else if err != nil {
				t.Error(err)
			}
			var told []string
			for code := range strings.FieldsSeq(row.codes) {
				told = append(told, "checkout.sessions.retrieve "+code)
			}
			made.must(t, told, nil)
			if diff := cmp.Diff(row.keys, api.keys()); diff != "" {
				t.Error(diff)
			}
			used := ""
			for name, at := range keys.LastUsed() {
				if !at.IsZero() {
					used += name
				}
			}
			if used != row.used {
				t.Errorf("used are %q", used)
			}
		})
	}
}

// clientWithKeys is a client that tries again once, and its keys.
func clientWithKeys(t *testing.T, text, base string) (*stripeclient.Client, *calls, *credentials.Keys) {
	t.Helper()
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	keys, err := credentials.NewKeys(text, clock.RealClock{}, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	made := &calls{}
	client := stripeclient.New(stripeclient.Options{Keys: keys, Base: base, Timeout: time.Minute, Retries: 1, Observe: made.tell})
	client.Hasten()
	return client, made, keys
}

// TestCreateEndpointByAnotherKey: the next key asks for the same endpoint, not for another.
func TestCreateEndpointByAnotherKey(t *testing.T) {
	s := newSeller(t, false, 19900)
	s.DisturbAPI(func(r *http.Request) int {
		if strings.HasSuffix(r.Header.Get("Authorization"), "_1") {
			return http.StatusUnauthorized
		}
		return 0
	})
	client, made, _ := clientWithKeys(t, "rk_test_1,rk_test_2", s.URL())
	first, secret, err := client.CreateEndpoint(t.Context(), forShop())
	if err != nil {
		t.Fatal(err)
	}
	client, _, _ = clientWithKeys(t, "rk_test_2", s.URL())
	again, same, err := client.CreateEndpoint(t.Context(), forShop())
	if err != nil || again.ID != first.ID || same != secret {
		t.Errorf("another endpoint, or %v", err)
	}
	made.must(t, []string{"webhook_endpoints.create 401", "webhook_endpoints.create 200"}, nil)
}
