package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/test/stripesim"
)

const (
	// keyTail is the secret part of testKey. No error may hold it.
	keyTail = "4eC39HqLyjWDarjtT1zdp7dc"
	testKey = "rk_test_" + keyTail
	// sampleSession is the session of the sample events.
	sampleSession = "cs_test_a1Example0000000000000000000000000000000000000000000000001"
)

// noon is the start time of the simulators.
var noon = time.Date(2026, 10, 9, 12, 0, 0, 0, time.UTC)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func checkEqual(t *testing.T, what string, want, got any, options ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, options...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// checkFailed fails the test unless an error is ErrCallFailed, says why, and holds nothing private.
func checkFailed(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, stripeclient.ErrCallFailed) || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q", err, want)
	}
	private := append(stripeevents.Buyer(), sampleSession, keyTail, keyTail[len(keyTail)-4:], "rk_test", "Bearer")
	for _, word := range private {
		if err != nil && strings.Contains(err.Error(), word) {
			t.Errorf("got error %q, want none with %q", err, word)
		}
	}
}

// callLog records the calls of a client: the observed operations and codes, and the requests that reach the API.
type callLog struct {
	mu                 sync.Mutex
	observed, received []string
}

func (l *callLog) observe(operation, code string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.observed = append(l.observed, operation+" "+code)
}

func (l *callLog) receive(r *http.Request) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.received = append(l.received, r.Method+" "+r.URL.String())
	return 0
}

// expect compares the observed calls since the last expect.
func (l *callLog) expect(t *testing.T, observed ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	checkEqual(t, "observed calls", observed, l.observed)
	l.observed = nil
}

// expectCodes compares the observed codes of one operation, separated by spaces.
func (l *callLog) expectCodes(t *testing.T, operation, codes string) {
	t.Helper()
	var want []string
	for code := range strings.FieldsSeq(codes) {
		want = append(want, operation+" "+code)
	}
	l.expect(t, want...)
}

// expectReceived compares the requests that reached the API.
func (l *callLog) expectReceived(t *testing.T, requests ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	checkEqual(t, "received requests", requests, l.received)
}

// testClient is a client with a log of its calls. It does not sleep before a retry.
type testClient struct {
	*stripeclient.Client
	calls *callLog
	keys  *credentials.Keys
	// api is the API of newScriptedClient.
	api *scriptedAPI
}

func newClient(t *testing.T, keys string, o stripeclient.Options) *testClient {
	t.Helper()
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	c := &testClient{calls: &callLog{}}
	var err error
	c.keys, err = credentials.NewKeys(keys, clock.RealClock{}, logr.Discard())
	check(t, err)
	o.Keys, o.Observe = c.keys, c.calls.observe
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	c.Client = stripeclient.New(o)
	c.SetRetrySleep(false)
	return c
}

// scriptedAPI is an API that sends one response after another, and repeats the last one.
type scriptedAPI struct {
	*httptest.Server
	mu        sync.Mutex
	responses []http.HandlerFunc
	requests  []*http.Request
}

func newScriptedAPI(t *testing.T, responses ...http.HandlerFunc) *scriptedAPI {
	t.Helper()
	s := &scriptedAPI{responses: responses}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		respond := s.responses[0]
		if len(s.responses) > 1 {
			s.responses = s.responses[1:]
		}
		s.requests = append(s.requests, r)
		s.mu.Unlock()
		respond(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// newScriptedClient returns a client of a scripted API that does not retry.
func newScriptedClient(t *testing.T, responses ...http.HandlerFunc) *testClient {
	t.Helper()
	api := newScriptedAPI(t, responses...)
	c := newClient(t, testKey, stripeclient.Options{Base: api.URL})
	c.api = api
	return c
}

// received returns one property of every request, in their order.
func (s *scriptedAPI) received(property func(*http.Request) string) (values []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		values = append(values, property(r))
	}
	return values
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Request-Id", "req_7")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// refuse responds with an error of Stripe's whose message holds private data.
func refuse(status int, code string) http.HandlerFunc {
	return respond(status, refusal("invalid_request_error", code))
}

func refusal(kind, code string) string {
	return fmt.Sprintf(`{"error":{"type":%q,"code":%q,"message":"Erika Mustermann buyer@example.com used rk_test_****%s"}}`, kind, code, keyTail[len(keyTail)-4:])
}

// breakOff closes the connection in the middle of a response.
func breakOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"id": "`+sampleSession+`", "customer_details": {"name": "Erika`)
	panic(http.ErrAbortHandler)
}

// listPage responds with one page of a list.
func listPage(more bool, items ...string) http.HandlerFunc {
	return respond(http.StatusOK, fmt.Sprintf(`{"object":"list","has_more":%t,"data":[%s]}`, more, strings.Join(items, ",")))
}

// objectOf returns the object of an event.
func objectOf(t *testing.T, body []byte) string {
	t.Helper()
	var event struct {
		Data struct{ Object json.RawMessage }
	}
	check(t, json.Unmarshal(body, &event))
	return string(event.Data.Object)
}

// sessionJSON returns the paid session of the sample events.
func sessionJSON(t *testing.T) string {
	t.Helper()
	return objectOf(t, stripeevents.FromStripe(t, stripeevents.SessionPaid))
}

// account is a Stripe account in a simulator with a fake clock, its client, and a Payment Link.
type account struct {
	*stripesim.Simulator
	clock  *clocktesting.FakeClock
	link   stripesim.PaymentLink
	client *testClient
}

func newAccount(t *testing.T, live bool, amount int64) *account {
	t.Helper()
	a := &account{clock: clocktesting.NewFakeClock(noon)}
	var err error
	a.Simulator, err = stripesim.Start(stripesim.Options{Clock: a.clock})
	check(t, err)
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	a.link = a.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: amount, Currency: "usd", Livemode: live})
	a.client = newClient(t, map[bool]string{false: stripesim.TestKey, true: stripesim.LiveKey}[live], stripeclient.Options{Base: a.URL()})
	a.InjectErrors(a.client.calls.receive)
	return a
}

// orderURL is the Payment Link of an order.
func (a *account) orderURL() string { return a.link.URL + "?client_reference_id=order-1" }

// mustBuy fails the test unless a step of the buyer's succeeds.
func mustBuy(t *testing.T) func(stripesim.Session, error) stripesim.Session {
	return func(s stripesim.Session, err error) stripesim.Session {
		t.Helper()
		check(t, err)
		return s
	}
}

// pay pays an order by card.
func (a *account) pay(t *testing.T) stripesim.Session {
	t.Helper()
	return mustBuy(t)(a.Buyer().Pay(t.Context(), a.orderURL(), stripesim.Card4242))
}

// visit opens a session without paying.
func (a *account) visit(t *testing.T) stripesim.Session {
	t.Helper()
	return mustBuy(t)(a.Buyer().Visit(t.Context(), a.orderURL()))
}

// debit starts a payment by debit, which takes days.
func (a *account) debit(t *testing.T) stripesim.Session {
	t.Helper()
	return mustBuy(t)(a.Buyer().PayByDebit(t.Context(), a.orderURL()))
}

// decline tries to pay with a card that is declined.
func (a *account) decline(t *testing.T) stripesim.Session {
	t.Helper()
	session, err := a.Buyer().Pay(t.Context(), a.orderURL(), stripesim.CardDeclined)
	if declined := (&stripesim.DeclinedError{}); !errors.As(err, &declined) {
		t.Fatalf("got error %v, want %T", err, declined)
	}
	return session
}

// refund refunds an amount; 0 refunds the rest.
func (a *account) refund(t *testing.T, intent string, amount int64) stripesim.Refund {
	t.Helper()
	refund, err := a.Refund(intent, amount)
	check(t, err)
	return refund
}

// dispute opens a dispute, and closes it with a status unless that is empty.
func (a *account) dispute(t *testing.T, intent, end string) {
	t.Helper()
	a.clock.Step(time.Hour)
	dispute, err := a.OpenDispute(intent)
	check(t, err)
	if a.clock.Step(time.Hour); end != "" {
		check(t, a.CloseDispute(dispute.ID, end))
	}
}
