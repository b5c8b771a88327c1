// Package storefront is a shop's web site with Paylink behind an ingress: one
// origin with a static pricing page and the routes of the webhook server. The page
// is plain HTML with a form that posts to /buy, so the shop needs neither a backend
// nor a script. `make run` and the browser tests start here.
//
//	shop, err := storefront.Start(ctx, storefront.Options{PaylinkURL: "http://127.0.0.1:8080", BuyPath: "/buy/shop/lifetime"})
//	fmt.Println(shop.URL())
package storefront

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

// Options are the settings of a shop.
type Options struct {
	// Addr is where to listen; default 127.0.0.1:0, a free port.
	Addr string
	// PaylinkURL is the webhook server's address, as http://127.0.0.1:8080.
	// Where it is empty, Paylink's routes answer 502 until SetPaylink.
	PaylinkURL string
	// BuyPath is where the page's button posts to, /buy/NAMESPACE/PAYMENTLINK;
	// where it is empty, the page offers nothing to buy until SetBuyPath.
	BuyPath string
	// Log gets the requests that could not be proxied; default none.
	Log logr.Logger
}

// Storefront is a running web site.
type Storefront struct {
	url     string
	page    *page
	paylink *paylink
	server  *http.Server

	serving sync.WaitGroup
	closing sync.Once
	failure error
}

// Start serves the web site until Close. Cancelling ctx does not close it.
func Start(ctx context.Context, o Options) (*Storefront, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Log.GetSink() == nil {
		o.Log = logr.Discard()
	}
	page, err := newPage()
	if err != nil {
		return nil, err
	}
	s := &Storefront{page: page, paylink: newPaylink(o.Log)}
	if err := errors.Join(s.SetBuyPath(o.BuyPath), s.SetPaylink(o.PaylinkURL)); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", o.Addr, err)
	}
	s.url = "http://" + listener.Addr().String()
	s.server = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	s.serving.Go(func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error(err, "Failed to serve")
		}
	})
	return s, nil
}

func (s *Storefront) handler() http.Handler {
	mux := http.NewServeMux()
	s.page.register(mux)
	s.paylink.register(mux)
	return mux
}

// URL is the address of the shop and of Paylink's routes.
func (s *Storefront) URL() string { return s.url }

// SetPaylink sets the address of the webhook server. Empty: none.
func (s *Storefront) SetPaylink(address string) error { return s.paylink.set(address) }

// SetBuyPath sets the PaymentLink that the page sells: /buy/NAMESPACE/PAYMENTLINK.
// Empty: none.
func (s *Storefront) SetBuyPath(path string) error { return s.page.setBuyPath(path) }

// closeTimeout is how long clients may keep an idle connection.
const closeTimeout = time.Second

// Close stops the web site, and returns when its goroutines have ended.
func (s *Storefront) Close() error {
	s.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if err := s.server.Shutdown(ctx); err != nil {
			s.failure = s.server.Close()
		}
		s.serving.Wait()
		s.paylink.transport.CloseIdleConnections()
	})
	return s.failure
}
