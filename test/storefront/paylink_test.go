package storefront_test

import (
	"io"
	"net/http"
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
