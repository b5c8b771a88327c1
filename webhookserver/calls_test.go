package webhookserver_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
)

// call is one request of a client.
type call struct {
	method, path string
	// token is sent as Authorization: Bearer.
	token string
	// body is sent as application/json, unless header says otherwise.
	body string
	// header is added; an empty value leaves a field out.
	header map[string]string
	// broken makes the read of the body fail at its end.
	broken bool
}

// request returns the request of the call.
func (c call) request(ctx context.Context) *http.Request {
	r := httptest.NewRequestWithContext(ctx, c.method, c.path, strings.NewReader(c.body))
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, value := range c.header {
		if r.Header.Set(name, value); value == "" {
			r.Header.Del(name)
		}
	}
	if c.broken {
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(c.body), iotest.ErrReader(io.ErrUnexpectedEOF)))
	}
	return r
}

// ask sends a call to a shop, and compares the request and the response with the description.
func ask(t testing.TB, s *fakeshop.Shop, c call) *httptest.ResponseRecorder {
	t.Helper()
	return s.Send(c.request(t.Context()))
}

const (
	lifetime     = `{"paymentLink":"lifetime","namespace":"shop"}`
	capturePath  = "/api/orders/capture"
	billingPath  = "/dashboard/billing?provider=stripe&session_id="
	lifetimePath = "/buy/shop/lifetime"
)

func newOrder(body string) call {
	return call{method: http.MethodPost, path: checkout.OrdersPath, token: fakeshop.Backend, body: body}
}
func getOrder(id string) call {
	return call{method: http.MethodGet, path: checkout.OrdersPath + "/" + id, token: fakeshop.Backend}
}
func capture(session string) call {
	return captureOf(fmt.Sprintf(`{"provider":"stripe","session_id":%q}`, session))
}
func captureOf(body string) call {
	return call{method: http.MethodPost, path: capturePath, body: body}
}
func get(path string) call      { return call{method: http.MethodGet, path: path} }
func buy(path string) call      { return call{method: http.MethodPost, path: path} }
func (c call) as(t string) call { c.token = t; return c }
func (c call) cut() call        { c.broken = true; return c }

// with returns the call with another header.
func (c call) with(name, value string) call {
	header := map[string]string{}
	maps.Copy(header, c.header)
	header[name] = value
	c.header = header
	return c
}

// html returns the call with the Accept header of a browser.
func (c call) html() call { return c.with("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8") }

// after returns the calls in their order, and then a call.
func after(c call, before ...call) []call { return append(before, c) }

// times returns a call n times.
func times(n int, c call) []call {
	calls := make([]call, n)
	for i := range calls {
		calls[i] = c
	}
	return calls
}
