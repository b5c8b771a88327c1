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

// call is a request of a client's.
type call struct {
	// to is the server that is asked; nil: the one that all tests share.
	to *stack.Server
	// method is GET without a body and POST with one, unless it is set.
	method, path, body string
	// token is sent as Authorization: Bearer.
	token string
	// from is the client's address; empty: one that nobody else has. "-": whatever the connection says.
	from string
	// header is added, and sent instead of what goes before. An empty value leaves a field out.
	header map[string]string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// clients keeps connections for many clients at once.
var clients = &http.Client{
	Timeout:       time.Minute,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 512, IdleConnTimeout: time.Minute},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// addresses counts the clients so far.
var addresses atomic.Uint32

// newAddress returns an address that no other client of the tests has.
func newAddress() string {
	n := addresses.Add(1)
	return fmt.Sprintf("100.%d.%d.%d", 64+n>>16, n>>8&0xff, n&0xff)
}

// send makes a call. Unlike ask it can be used by many at once.
func send(ctx context.Context, c call) (answer, error) {
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

// ask makes a call that must be answered.
func (s *shop) ask(c call) answer {
	s.T.Helper()
	a, err := send(s.Ctx, c)
	if err != nil {
		s.T.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	return a
}

// order is what the API says of an order.
type order struct {
	OrderID, Status, CheckoutURL, Namespace, Name, Currency string
	Amount, AmountRefunded                                  int64
	PaidAt                                                  *time.Time
}

// order reads an order's answer.
func (a answer) order(t *testing.T, status int) order {
	t.Helper()
	var o order
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || a.status != status || o.OrderID == "" {
		t.Fatalf("%d %s %v, not %d and an order", a.status, a.body, err, status)
	}
	return o
}

// captured is what the return route says of a payment.
type captured struct {
	OrderID         *string
	Status, Message string
	Final           bool
}

// String is what a payment's answer comes to.
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

// problem is a refusal.
type problem struct {
	Title, Detail, OrderID string
	Status                 int
	Errors                 []struct{ Field, Detail string }
}

// fields are the names of what is wrong, separated by spaces.
func (p problem) fields() string {
	var names []string
	for _, e := range p.Errors {
		names = append(names, e.Field)
	}
	return strings.Join(names, " ")
}

// problem reads a refusal, and fails the test unless it is one of this status, well-formed and of this server's making.
func (a answer) problem(t *testing.T, status int) problem {
	t.Helper()
	var p problem
	err := json.Unmarshal([]byte(a.body), &p)
	switch {
	case err != nil, a.status != status, p.Status != status, p.Title != http.StatusText(status), p.Detail == "":
		t.Errorf("%d %q %v, not a problem of %d", a.status, a.body, err, status)
	case a.header.Get("Content-Type") != "application/problem+json":
		t.Errorf("a problem of %d is %s", status, a.header.Get("Content-Type"))
	case a.header.Get("Cache-Control") != "no-store":
		t.Errorf("a problem of %d may be kept by a cache", status)
	}
	again := status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
	if later := a.header.Get("Retry-After"); again && (later == "" || later == "0") {
		t.Errorf("a problem of %d says Retry-After: %q", status, later)
	}
	return p
}
