package stripesim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// ErrClosed is returned by a wait during which the simulator was closed.
var ErrClosed = errors.New("the simulator is closed")

// DefaultAPIVersion is the version whose shapes the simulator speaks.
const DefaultAPIVersion = "2023-10-16"

// Keys that the API accepts, as it accepts any other that begins with sk_test_, rk_test_, sk_live_ or rk_live_.
const (
	TestKey = "sk_test_simulator"
	LiveKey = "sk_live_simulator"
)

// Options are the settings of a simulator; the zero value is ready to use.
type Options struct {
	// Addr is where to listen; default 127.0.0.1:0, a free port.
	Addr string
	// URL is the address that clients use, without a slash at the end; default http:// and the address it listens on.
	URL string
	// Clock dates objects, signatures, retries and delays; default the real one.
	Clock clock.WithTicker
	// APIVersion is written into events; default 2023-10-16. The shapes stay
	// those of 2023-10-16 whatever it says.
	APIVersion string
	// Retry is the back-off of failed webhooks.
	Retry Backoff
	// Workers is the largest number of webhooks in flight; default 8.
	Workers int
	// Timeout is the time-out of an endpoint, by the real clock; default 10 s.
	Timeout time.Duration
	// DebitDelay settles each bank debit after so long; 0 leaves it to
	// SettleDebit and to the operator's page.
	DebitDelay time.Duration
	// RedirectWait holds a buyer back after paying until the endpoints have
	// accepted checkout.session.completed, as Stripe does for up to 10 s; 0 does
	// not wait. It is measured by the real clock.
	RedirectWait time.Duration
	// Log gets every attempt at V(1), without its payload; default none.
	Log logr.Logger
}

func (o Options) withDefaults() Options {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.APIVersion == "" {
		o.APIVersion = DefaultAPIVersion
	}
	if o.Workers <= 0 {
		o.Workers = 8
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Log.GetSink() == nil {
		o.Log = logr.Discard()
	}
	o.Retry = o.Retry.withDefaults()
	return o
}

// Simulator is a running Stripe.
type Simulator struct {
	account    *account
	dispatcher *dispatcher
	scheduler  *scheduler
	api        *api
	server     *http.Server
	buyers     *http.Transport

	serving  sync.WaitGroup
	closing  sync.Once
	closeErr error
}

// Start listens and serves until Close.
func Start(o Options) (*Simulator, error) {
	o = o.withDefaults()
	templates, err := parsePages()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", o.Addr, err)
	}
	s := &Simulator{
		scheduler: newScheduler(o.Clock),
		buyers:    &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute},
	}
	s.dispatcher = newDispatcher(o, s.scheduler)
	if o.URL == "" {
		o.URL = "http://" + listener.Addr().String()
	}
	s.account = &account{
		clock: o.Clock, scheduler: s.scheduler, dispatcher: s.dispatcher, baseURL: o.URL,
		apiVersion: o.APIVersion, debitDelay: o.DebitDelay,
	}
	s.dispatcher.destination = s.account.destination
	s.api = &api{account: s.account, version: o.APIVersion}
	s.server = &http.Server{Handler: s.handler(o, templates), ReadHeaderTimeout: 10 * time.Second}
	s.serving.Go(func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error(err, "serve")
		}
	})
	return s, nil
}

func (s *Simulator) handler(o Options, templates pageTemplates) http.Handler {
	mux := http.NewServeMux()
	s.api.register(mux)
	(&checkoutPages{account: s.account, dispatcher: s.dispatcher, templates: templates, redirectWait: o.RedirectWait}).register(mux)
	(&operator{account: s.account, dispatcher: s.dispatcher, templates: templates}).register(mux)
	// A page that a browser has open elsewhere must not press the operator's buttons.
	return http.NewCrossOriginProtection().Handler(mux)
}

// shutdownTimeout is how long Close waits for connections that are not closed.
const shutdownTimeout = time.Second

// Close stops the server and drops the webhooks that are left. It returns when no goroutine of the simulator is left.
func (s *Simulator) Close() error {
	s.closing.Do(func() {
		s.dispatcher.close() // first: pages can be waiting for a delivery
		s.scheduler.close()
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		s.buyers.CloseIdleConnections()
		if err := s.server.Shutdown(ctx); err != nil {
			s.closeErr = s.server.Close()
		}
		s.serving.Wait()
		s.buyers.CloseIdleConnections()
	})
	return s.closeErr
}

// URL is the base address of the API, and the address of the operator's page.
func (s *Simulator) URL() string { return s.account.baseURL }
