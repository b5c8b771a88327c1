package stripesim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick retries fast enough for a test that waits for them by the real clock.
var quick = stripesim.Backoff{Initial: time.Millisecond, Max: 4 * time.Millisecond, Factor: 2, MaxAttempts: 8}

func start(t *testing.T, o stripesim.Options) *stripesim.Simulator {
	t.Helper()
	if o.Retry == (stripesim.Backoff{}) {
		o.Retry = quick
	}
	sim, err := stripesim.Start(o)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return sim
}

// shop is a merchant's webhook endpoint. It accepts and records every delivery.
type shop struct {
	URL string

	mu  sync.Mutex
	got []received
}

type received struct {
	header http.Header
	body   []byte
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, received{r.Header, body})
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

func (s *shop) received() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// pay leaves one paid session.
func pay(t *testing.T, sim *stripesim.Simulator, link stripesim.PaymentLink) stripesim.Session {
	t.Helper()
	session, err := sim.Buyer().Pay(t.Context(), link.URL+"?client_reference_id=order-1", stripesim.Card4242)
	if err != nil {
		t.Fatalf("pay: %v", err)
	}
	return session
}

func delivered(t *testing.T, sim *stripesim.Simulator) {
	t.Helper()
	check.Must(t, sim.WaitDelivered(t.Context()))
}

// attempted waits for the n-th attempt.
func attempted(t *testing.T, sim *stripesim.Simulator, n int) {
	t.Helper()
	check.Must(t, sim.WaitAttempts(t.Context(), n))
}

// caller speaks to the API as plain HTTP.
type caller struct {
	t      *testing.T
	client *http.Client
	base   string
	key    string
}

func newCaller(t *testing.T, sim *stripesim.Simulator, key string) *caller {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &caller{t: t, client: client, base: sim.URL(), key: key}
}

// do calls a route; a form goes into the body of a POST and the query of the rest.
func (c *caller) do(method, path, form string, headers ...string) (int, []byte, http.Header) {
	c.t.Helper()
	body := ""
	if form = escaped(c.t, form); method == http.MethodPost {
		body = form
	} else if form != "" {
		path += "?" + form
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := c.client.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer.StatusCode, content, answer.Header
}

// escaped lets tests write forms as Stripe's documentation does.
func escaped(t *testing.T, form string) string {
	t.Helper()
	if form == "" {
		return ""
	}
	var pairs []string
	for pair := range strings.SplitSeq(form, "&") {
		name, value, _ := strings.Cut(pair, "=")
		pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	return strings.Join(pairs, "&")
}

func (c *caller) get(path, query string) map[string]any {
	c.t.Helper()
	status, content, _ := c.do(http.MethodGet, path, query)
	if status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %s", path, query, status, content)
	}
	return decoded(c.t, content)
}

func decoded(t *testing.T, content []byte) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(content, &object); err != nil {
		t.Fatalf("decode %s: %v", content, err)
	}
	return object
}

// ids are those of a list's objects.
func ids(list map[string]any) []string {
	var found []string
	for _, item := range list["data"].([]any) {
		found = append(found, item.(map[string]any)["id"].(string))
	}
	return found
}
