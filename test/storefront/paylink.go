package storefront

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"

	"github.com/go-logr/logr"
)

// routes are the routes of the webhook server, as in an Ingress.
var routes = []string{"/api/", "/buy/", "/dashboard/billing", "/dashboard/billing/", "/openapi.yaml"}

var errNoServer = errors.New("no address of a webhook server was set")

// paylink is a proxy to the webhook server, whose address can change.
type paylink struct {
	proxy     atomic.Pointer[httputil.ReverseProxy] // nil: there is no server
	transport *http.Transport
	log       logr.Logger
}

func newPaylink(log logr.Logger) *paylink {
	return &paylink{transport: &http.Transport{MaxIdleConnsPerHost: 64}, log: log}
}

func (p *paylink) register(mux *http.ServeMux) {
	for _, route := range routes {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
			if proxy := p.proxy.Load(); proxy != nil {
				proxy.ServeHTTP(w, r)
			} else {
				p.unreachable(w, r, errNoServer)
			}
		})
	}
}

// set sets the address of the webhook server; empty: none.
func (p *paylink) set(address string) error {
	if address == "" {
		p.proxy.Store(nil)
		return nil
	}
	target, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("parse the webhook server's address: %w", err)
	}
	if target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return fmt.Errorf("%q is no address of a webhook server: write a whole one, as http://127.0.0.1:8080", address)
	}
	p.proxy.Store(&httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { rewrite(r, target) },
		Transport:     p.transport,
		FlushInterval: -1, // a streamed answer reaches the buyer as a stream
		ErrorHandler:  p.unreachable,
		ErrorLog:      log.New(io.Discard, "", 0), // of a buyer who closed the connection
	})
	return nil
}

// rewrite rewrites a request as an ingress does. It keeps the Host, by which the
// server recognises its own pages, sets the buyer's address in X-Forwarded-For,
// and drops the buyer's own values of such headers.
func rewrite(r *httputil.ProxyRequest, target *url.URL) {
	r.SetURL(target)
	r.Out.URL.RawQuery = r.In.URL.RawQuery // unchanged, where httputil would clean it
	r.Out.Host = r.In.Host
	r.SetXForwarded()
}

// unreachable answers in place of the webhook server.
func (p *paylink) unreachable(w http.ResponseWriter, r *http.Request, err error) {
	p.log.Error(err, "Failed to proxy a request", "method", r.Method, "path", r.URL.Path)
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusBadGateway)
	_, _ = io.WriteString(w, "Paylink cannot be reached at the moment. Nothing was lost: please try again in a minute.\n")
}
