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

// routes are what an ingress gives to the webhook server; all else is the shop's.
var routes = []string{"/api/", "/buy/", "/dashboard/billing", "/dashboard/billing/", "/openapi.yaml"}

var errNowhere = errors.New("no address of a webhook server was set")

// paylink passes requests on to the webhook server, wherever that is at the moment.
type paylink struct {
	proxy     atomic.Pointer[httputil.ReverseProxy] // nil: the server is nowhere
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
				p.unreachable(w, r, errNowhere)
			}
		})
	}
}

// set takes the webhook server's address; empty is none.
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
		FlushInterval: -1, // an answer that comes in pieces reaches the buyer in pieces
		ErrorHandler:  p.unreachable,
		ErrorLog:      log.New(io.Discard, "", 0), // what is left for it is a buyer who went away
	})
	return nil
}

// rewrite sends a request to the webhook server as an ingress does: under the
// host that the buyer asked for, by which the server tells its own pages from
// another site's, and with the buyer's address in X-Forwarded-For. What a buyer
// writes into such a header is dropped.
func rewrite(r *httputil.ProxyRequest, target *url.URL) {
	r.SetURL(target)
	r.Out.URL.RawQuery = r.In.URL.RawQuery // as it was sent, where httputil would mend it
	r.Out.Host = r.In.Host
	r.SetXForwarded()
}

// unreachable answers for a webhook server that is not there.
func (p *paylink) unreachable(w http.ResponseWriter, r *http.Request, err error) {
	p.log.Error(err, "pass on", "method", r.Method, "path", r.URL.Path)
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusBadGateway)
	_, _ = io.WriteString(w, "Paylink cannot be reached at the moment. Nothing was lost: please try again in a minute.\n")
}
