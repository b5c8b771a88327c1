package buyer_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
)

// clients counts the client addresses of the ingresses.
var clients atomic.Uint32

// startIngress serves the routes of a webhook server below a path that the server does not know. All its clients have one
// address, which is unique to it.
func startIngress(t *testing.T, server *stack.Server, prefix string) (base string) {
	t.Helper()
	target, err := url.Parse(server.URL)
	check.Must(t, err)
	n := clients.Add(1)
	address := fmt.Sprintf("198.18.%d.%d", n>>8&0xff, n&0xff)
	g := httptest.NewServer(http.StripPrefix(prefix, &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.Out.Header.Set("X-Forwarded-For", address)
		},
		ErrorLog: log.New(io.Discard, "", 0), // of a browser that closed its connection
	}))
	t.Cleanup(g.Close)
	return g.URL + prefix
}

// page is another web site with one page.
func page(t *testing.T, body string) (address string) {
	t.Helper()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, "<!doctype html><html lang=en><title>Another site</title>%s", body)
	}))
	t.Cleanup(other.Close)
	return other.URL
}
