package storefront_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/storefront"
)

// request is a request as the webhook server received it.
type request struct {
	Method, URI, Host, Body, ForwardedFor, ForwardedHost, ForwardedProto, Signature string
}

func TestProxiedRoutes(t *testing.T) {
	received := make(chan request, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		check.NoError(t, err)
		received <- request{
			r.Method, r.RequestURI, r.Host, string(body),
			r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Host"), r.Header.Get("X-Forwarded-Proto"), r.Header.Get("Stripe-Signature"),
		}
		w.Header().Set("Location", "https://buy.stripe.com/test_1?client_reference_id=a&b=c")
		w.WriteHeader(http.StatusSeeOther)
		_, _ = io.WriteString(w, "off you go")
	})
	v := open(t, storefront.Options{PaylinkURL: server.URL})
	host := strings.TrimPrefix(v.shop.URL(), "http://")
	// One changed byte would break the signature of a webhook.
	body := "{\"id\": \"evt_1\",\r\n \"name\":\"Stra\u00dfe\x00 & S\\u00f6hne\" }\n"
	for _, c := range []struct{ method, uri string }{
		{http.MethodPost, "/api/webhooks/stripe"},
		{http.MethodPost, "/api/orders/capture"},
		{http.MethodGet, "/api/orders/a%2Fb?x=1&x=%20"},
		{http.MethodPost, "/buy/shop/lifetime"},
		{http.MethodGet, "/buy/shop/lifetime?utm_source=a;b"},
		{http.MethodGet, "/dashboard/billing?provider=stripe&session_id=cs_test_1"},
		{http.MethodGet, "/dashboard/billing/billing.css"},
		{http.MethodGet, "/openapi.yaml"},
	} {
		got := v.ask(c.method, c.uri, body, "X-Forwarded-For", "203.0.113.9", "X-Forwarded-Host", "evil.example", "Stripe-Signature", "t=1,v1=00")
		want := request{c.method, c.uri, host, body, "127.0.0.1", host, "http", "t=1,v1=00"}
		check.Equal(t, want, <-received, "%s %s", c.method, c.uri)
		if got.status != http.StatusSeeOther || got.text != "off you go" || got.header.Get("Location") != "https://buy.stripe.com/test_1?client_reference_id=a&b=c" {
			t.Errorf("%s %s: got the answer %+v, want it unchanged", c.method, c.uri, got)
		}
	}
}

func TestOtherRoutes(t *testing.T) {
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("got %s at the webhook server, want no request", r.URL)
	})
	v := open(t, storefront.Options{PaylinkURL: server.URL})
	for _, path := range []string{"/metrics", "/healthz", "/dashboard/", "/dashboard/billing-of-others", "/openapi.json", "/apiary", "/pages/shop.css", "/dashboard/billing/../../metrics"} {
		if got := v.ask(http.MethodGet, path, ""); got.status/100 == 2 {
			t.Errorf("%s: got status %d, want an error", path, got.status)
		}
	}
	check.Equal(t, http.StatusMethodNotAllowed, v.ask(http.MethodPost, "/", "a=b").status, "status for a form that is posted to the page")
}

func TestStreamedAnswer(t *testing.T) {
	read := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-read: // the rest is written after the first part was read
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "second\n")
	})
	v := open(t, storefront.Options{PaylinkURL: server.URL})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.shop.URL()+"/api/", nil)
	check.Must(t, err)
	response, err := v.http.Do(request)
	check.Must(t, err)
	defer func() { _ = response.Body.Close() }()
	parts := bufio.NewReader(response.Body)
	first, err := parts.ReadString('\n')
	close(read)
	if err != nil || first != "first\n" {
		t.Fatalf("got the first part %q, %v", first, err)
	}
	if second, err := parts.ReadString('\n'); err != nil || second != "second\n" {
		t.Errorf("got the second part %q, %v", second, err)
	}
}

func TestSetPaylink(t *testing.T) {
	v := open(t, storefront.Options{})
	unreachable := func(when string) {
		t.Helper()
		got := v.ask(http.MethodPost, "/buy/shop/lifetime", "")
		if got.status != http.StatusBadGateway || got.header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.Contains(got.text, "try again") {
			t.Errorf("%s: %+v", when, got)
		}
		if page := v.ask(http.MethodGet, "/", ""); page.status != http.StatusOK {
			t.Errorf("%s: got status %d of the page, want 200", when, page.status)
		}
	}
	reachable := func(name string) *httptest.Server {
		t.Helper()
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, name) })
		check.Must(t, v.shop.SetPaylink(server.URL))
		if got := v.ask(http.MethodPost, "/buy/shop/lifetime", ""); got.status != http.StatusOK || got.text != name {
			t.Errorf("server %s: got %+v", name, got)
		}
		return server
	}
	unreachable("without a server")
	reachable("one").Close()
	unreachable("after the server has ended")
	reachable("two")
	check.Must(t, v.shop.SetPaylink(""))
	unreachable("after the server was removed")
	if err := v.shop.SetPaylink("nowhere"); err == nil {
		t.Error("got no error for an invalid address")
	}
}
