package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// script is an API that answers each call with the next of its lines, and with the last of them for ever.
type script struct {
	*httptest.Server
	mu      sync.Mutex
	lines   []http.HandlerFunc
	arrived []*http.Request
}

func newScript(t *testing.T, lines ...http.HandlerFunc) *script {
	t.Helper()
	s := &script{lines: lines}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		line := s.lines[0]
		if len(s.lines) > 1 {
			s.lines = s.lines[1:]
		}
		s.arrived = append(s.arrived, r)
		s.mu.Unlock()
		line(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// keys are those that the calls came with.
func (s *script) keys() (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.arrived {
		keys = append(keys, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}
	return keys
}

// queries are the parameters that the calls came with.
func (s *script) queries() (queries []url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.arrived {
		queries = append(queries, r.URL.Query())
	}
	return queries
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Request-Id", "req_7")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func refuses(status int, code string) http.HandlerFunc {
	return says(status, fmt.Sprintf(`{"error":{"type":"invalid_request_error","code":%q,"message":"Erika Mustermann used rk_test_****%s"}}`, code, keyTail[len(keyTail)-4:]))
}

// breaksOff ends the connection in the middle of the answer.
func breaksOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"id": "`+sampleSession+`", "customer_details": {"name": "Erika`)
	panic(http.ErrAbortHandler)
}

// sessionJSON is the sample's session.
func sessionJSON(t *testing.T) string {
	t.Helper()
	return objectOf(t, stripeevents.FromStripe(t, stripeevents.SessionPaid))
}

// TestAttempts: what may work the second time is tried again, and what would not is not. Each attempt is told once.
func TestAttempts(t *testing.T) {
	good := says(http.StatusOK, sessionJSON(t))
	for name, row := range map[string]struct {
		lines []http.HandlerFunc
		codes string
		want  string // "" is a session
	}{
		"good":                        {[]http.HandlerFunc{good}, "200", ""},
		"broken once":                 {[]http.HandlerFunc{refuses(500, ""), good}, "500 200", ""},
		"broken twice":                {[]http.HandlerFunc{refuses(500, ""), refuses(502, ""), good}, "500 502 200", ""},
		"broken for longer":           {[]http.HandlerFunc{refuses(500, "")}, "500 500 500", "status 500, request req_7"},
		"away once":                   {[]http.HandlerFunc{refuses(503, ""), good}, "503 200", ""},
		"in conflict once":            {[]http.HandlerFunc{refuses(409, "idempotency_key_in_use"), good}, "409 200", ""},
		"locked once":                 {[]http.HandlerFunc{refuses(429, "lock_timeout"), good}, "429 200", ""},
		"a proxy has nothing behind":  {[]http.HandlerFunc{says(502, "<html>Erika</html>"), good}, "502 200", ""},
		"broken off once":             {[]http.HandlerFunc{breaksOff, good}, "error 200", ""},
		"broken off for longer":       {[]http.HandlerFunc{breaksOff}, "error error error", "no connection, or no response in time"},
		"too many calls":              {[]http.HandlerFunc{refuses(429, "rate_limit")}, "429", "too many calls (status 429, request req_7)"},
		"wrong key":                   {[]http.HandlerFunc{refuses(401, "")}, "401", "does not know the API key"},
		"no permission":               {[]http.HandlerFunc{refuses(403, "")}, "403", "lacks a permission"},
		"bad request":                 {[]http.HandlerFunc{refuses(400, "parameter_unknown")}, "400", "status 400, request req_7"},
		"broken, and no good at last": {[]http.HandlerFunc{refuses(500, ""), refuses(403, "")}, "500 403", "lacks a permission"},
	} {
		t.Run(name, func(t *testing.T) {
			api := newScript(t, row.lines...)
			client, made := clientOf(t, "rk_test_"+keyTail, stripeclient.Options{Base: api.URL, Timeout: time.Minute, Retries: 2})
			got, err := client.Session(t.Context(), sampleSession)
			switch {
			case row.want != "":
				unanswered(t, err, row.want)
			case err != nil || got.Fact.Session.ID != sampleSession:
				t.Errorf("%+v, %v", got, err)
			}
			var told []string
			for code := range strings.FieldsSeq(row.codes) {
				told = append(told, "checkout.sessions.retrieve "+code)
			}
			made.must(t, told, nil)
			if arrived := len(api.keys()); arrived != len(told) {
				t.Errorf("%d attempts arrived", arrived)
			}
		})
	}
}

// TestPostAttempts: Stripe remembers how a POST ended by its idempotency key, so that one that broke Stripe is not
// repeated, and those that are repeated carry the same key.
func TestPostAttempts(t *testing.T) {
	good := says(http.StatusOK, `{"id":"we_1","secret":"whsec_1"}`)
	for name, row := range map[string]struct {
		lines []http.HandlerFunc
		told  []string
	}{
		"broken":     {[]http.HandlerFunc{refuses(500, ""), good}, []string{"webhook_endpoints.create 500"}},
		"broken off": {[]http.HandlerFunc{breaksOff, good}, []string{"webhook_endpoints.create error", "webhook_endpoints.create 200"}},
		"conflict":   {[]http.HandlerFunc{refuses(409, ""), good}, []string{"webhook_endpoints.create 409", "webhook_endpoints.create 200"}},
	} {
		t.Run(name, func(t *testing.T) {
			api := newScript(t, row.lines...)
			client, made := clientOf(t, "rk_test_"+keyTail, stripeclient.Options{Base: api.URL, Timeout: time.Minute, Retries: 2})
			_, _, err := client.CreateEndpoint(t.Context(), stripeclient.NewEndpoint{URL: "https://shop.example/webhook", IdempotencyKey: "once"})
			if (err == nil) != (len(row.told) == 2) {
				t.Error(err)
			}
			made.must(t, row.told, nil)
			for _, r := range api.arrived {
				if got := r.Header.Get("Idempotency-Key"); got != "once" {
					t.Errorf("the idempotency key is %q", got)
				}
			}
		})
	}
}

// TestLargeAnswer: no answer fills the memory, whoever gives it.
func TestLargeAnswer(t *testing.T) {
	piece := strings.Repeat("x", 1<<20)
	api := newScript(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"`+sampleSession+`","url":"`)
		for range 64 {
			if _, err := io.WriteString(w, piece); err != nil {
				return // the client has had enough
			}
		}
		_, _ = io.WriteString(w, `"}`)
	})
	client, made := newClient(t, "rk_test_"+keyTail, api.URL, time.Minute)
	_, err := client.Session(t.Context(), sampleSession)
	unanswered(t, err, "the response is larger than 32 MiB")
	made.must(t, []string{"checkout.sessions.retrieve error"}, nil)
}

// TestRedirect: Stripe redirects nowhere. Whoever does gets no second call, the other place gets none at all, and what
// came with the redirect is no answer.
func TestRedirect(t *testing.T) {
	elsewhere := newScript(t, says(http.StatusOK, sessionJSON(t)))
	for _, body := range []string{"", "<html>Erika</html>", `{}`, sessionJSON(t), `{"id":"we_1","secret":"whsec_1"}`, `{"data":[]}`} {
		for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
			api := newScript(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", elsewhere.URL+r.URL.Path)
				says(status, body)(w, r)
			})
			client, made := clientOf(t, "rk_test_"+keyTail, stripeclient.Options{Base: api.URL, Timeout: time.Minute, Retries: 2})
			want := fmt.Sprintf("status %d, request req_7", status)
			_, err := client.Session(t.Context(), sampleSession)
			unanswered(t, err, want)
			_, _, err = client.CreateEndpoint(t.Context(), stripeclient.NewEndpoint{URL: "https://shop.example/webhook"})
			unanswered(t, err, want)
			_, _, err = client.Undelivered(t.Context(), time.Unix(0, 0))
			unanswered(t, err, want)
			made.must(t, []string{
				fmt.Sprintf("checkout.sessions.retrieve %d", status), fmt.Sprintf("webhook_endpoints.create %d", status), fmt.Sprintf("events.list %d", status),
			}, nil)
		}
	}
	if keys := elsewhere.keys(); len(keys) > 0 {
		t.Errorf("the key went elsewhere %d times", len(keys))
	}
}
