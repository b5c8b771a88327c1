package checkout_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/stack"
)

const (
	ordersPath  = "/api/orders"
	capturePath = "/api/orders/capture"
	billingPath = "/dashboard/billing"
)

func buyPath(namespace, link string) string { return "/buy/" + namespace + "/" + link }

// call is a request of a client.
type call struct {
	// to is the server; nil: the one that all tests share.
	to *stack.Server
	// method is GET without a body and POST with one, unless it is set.
	method, path, body string
	// token is sent as Authorization: Bearer.
	token string
	// from is the client's address; empty: a unique one; "-": that of the connection.
	from string
	// header overrides the fields above. An empty value removes a field.
	header map[string]string
}

// answer is a response.
type answer struct {
	status int
	header http.Header
	body   string
}

// clients keeps connections for many clients.
var clients = &http.Client{
	Timeout:       time.Minute,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 512, IdleConnTimeout: time.Minute},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// addresses counts the clients so far.
var addresses atomic.Uint32

// newAddress returns a unique client address.
func newAddress() string {
	n := addresses.Add(1)
	return fmt.Sprintf("100.%d.%d.%d", 64+n>>16, n>>8&0xff, n&0xff)
}

// trySend sends a call, and returns an error instead of ending the test.
func trySend(ctx context.Context, c call) (answer, error) {
	if c.to == nil {
		c.to = paylink.Webhook
	}
	method := http.MethodGet
	if c.body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, cmp.Or(c.method, method), c.to.URL+c.path, strings.NewReader(c.body))
	if err != nil {
		return answer{}, err
	}
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.from != "-" {
		r.Header.Set("X-Forwarded-For", cmp.Or(c.from, newAddress()))
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	got, err := clients.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	return answer{status: got.StatusCode, header: got.Header, body: string(text)}, err
}

// send sends a call.
func (s *fixture) send(c call) answer {
	s.T.Helper()
	a, err := trySend(s.Ctx, c)
	if err != nil {
		s.T.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	return a
}

// order is an order of the API.
type order struct {
	OrderID, Status, CheckoutURL, Namespace, Name, Currency string
	Amount, AmountRefunded                                  int64
	PaidAt                                                  *time.Time
}

// order decodes an order, and ends the test unless the answer is one.
func (a answer) order(t *testing.T, status int) order {
	t.Helper()
	var o order
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || a.status != status || o.OrderID == "" {
		t.Fatalf("got %d %s %v, want %d and an order", a.status, a.body, err, status)
	}
	return o
}

// captured is a payment of the capture API.
type captured struct {
	OrderID         *string
	Status, Message string
	Final           bool
}

// String is the payment in short.
func (c captured) String() string {
	known := "unknown order"
	if c.OrderID != nil {
		known = "known order"
	}
	final := "not final"
	if c.Final {
		final = "final"
	}
	return c.Status + ", " + final + ", " + known
}

// problem is a problem of RFC 9457.
type problem struct {
	Title, Detail, OrderID string
	Status                 int
	Errors                 []struct{ Field, Detail string }
}

// fields are the names of the wrong fields, separated by spaces.
func (p problem) fields() string {
	var names []string
	for _, e := range p.Errors {
		names = append(names, e.Field)
	}
	return strings.Join(names, " ")
}

// problem decodes a problem, and fails the test unless it is well-formed and of this status.
func (a answer) problem(t *testing.T, status int) problem {
	t.Helper()
	var p problem
	err := json.Unmarshal([]byte(a.body), &p)
	switch {
	case err != nil, a.status != status, p.Status != status, p.Title != http.StatusText(status), p.Detail == "":
		t.Errorf("got %d %q %v, want a problem of %d", a.status, a.body, err, status)
	case a.header.Get("Content-Type") != "application/problem+json":
		t.Errorf("got a problem of type %s", a.header.Get("Content-Type"))
	case a.header.Get("Cache-Control") != "no-store":
		t.Errorf("got a problem of %d without Cache-Control: no-store", status)
	}
	again := status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
	if later := a.header.Get("Retry-After"); again && (later == "" || later == "0") {
		t.Errorf("got a problem of %d with Retry-After %q, want a delay", status, later)
	}
	return p
}
