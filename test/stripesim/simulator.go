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

// ErrClosed is what a wait ends with when the simulator was closed meanwhile.
var ErrClosed = errors.New("the simulator is closed")

// DefaultAPIVersion is the version whose shapes the simulator speaks.
const DefaultAPIVersion = "2023-10-16"

// Keys that the API accepts. Any other that begins with sk_test_, rk_test_,
// sk_live_ or rk_live_ is as good.
const (
	TestKey = "sk_test_simulator"
	LiveKey = "sk_live_simulator"
)

// Options are the settings of a simulator; the zero value is ready to use.
type Options struct {
	// Addr is where to listen; default 127.0.0.1:0, a free port.
	Addr string
	// URL is its address for others, without a slash at the end, where that is not
	// the one it listens on; default http:// and that.
	URL string
	// Clock dates objects, signatures, retries and delays; default the real one.
	Clock clock.WithTicker
	// APIVersion is written into events; default 2023-10-16. The shapes stay
	// those of 2023-10-16 whatever it says.
	APIVersion string
	// Retry is the back-off of failed webhooks.
	Retry Backoff
	// Workers is how many webhooks may be under way at once; default 8.
	Workers int
	// Timeout is how long an endpoint may take to answer, by the real clock;
	// default 10 s.
	Timeout time.Duration
	// DebitDelay settles each bank debit after so long; 0 leaves it to
	// SettleDebit and to the operator's page.
	DebitDelay time.Duration
	// RedirectWait holds a buyer back after paying until the endpoints have
	// accepted checkout.session.completed, as Stripe does for up to 10 s; 0 does
	// not wait. It is measured by the real clock.
	RedirectWait time.Duration
	// Log is told of every attempt at V(1), never with a payload; default none.
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
	world   *world
	courier *courier
	agenda  *agenda
	api     *api
	server  *http.Server
	buyers  *http.Transport

	serving sync.WaitGroup
	closing sync.Once
	failure error
}

// Start listens and serves until Close.
func Start(o Options) (*Simulator, error) {
	o = o.withDefaults()
	sheets, err := parseSheets()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", o.Addr, err)
	}
	s := &Simulator{
		agenda: newAgenda(o.Clock),
		buyers: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute},
	}
	s.courier = newCourier(o, s.agenda)
	if o.URL == "" {
		o.URL = "http://" + listener.Addr().String()
	}
	s.world = &world{
		clock: o.Clock, agenda: s.agenda, courier: s.courier, baseURL: o.URL,
		apiVersion: o.APIVersion, debitDelay: o.DebitDelay,
	}
	s.courier.destination = s.world.destination
	s.api = &api{world: s.world, version: o.APIVersion}
	s.server = &http.Server{Handler: s.handler(o, sheets), ReadHeaderTimeout: 10 * time.Second}
	s.serving.Go(func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error(err, "serve")
		}
	})
	return s, nil
}

func (s *Simulator) handler(o Options, sheets sheets) http.Handler {
	mux := http.NewServeMux()
	s.api.register(mux)
	(&pages{world: s.world, courier: s.courier, sheets: sheets, patience: o.RedirectWait}).register(mux)
	(&operator{world: s.world, courier: s.courier, sheets: sheets}).register(mux)
	// A page that a browser has open elsewhere must not press the operator's buttons.
	return http.NewCrossOriginProtection().Handler(mux)
}

// closePatience is how long clients may keep a connection on which they ask nothing.
const closePatience = time.Second

// Close stops the server and the webhooks. It returns when no goroutine of the
// simulator is left; what was still to be delivered is forgotten.
func (s *Simulator) Close() error {
	s.closing.Do(func() {
		s.courier.close() // first, for it ends the pages that wait for a delivery
		s.agenda.close()
		ctx, cancel := context.WithTimeout(context.Background(), closePatience)
		defer cancel()
		s.buyers.CloseIdleConnections()
		if err := s.server.Shutdown(ctx); err != nil {
			s.failure = s.server.Close()
		}
		s.serving.Wait()
		s.buyers.CloseIdleConnections()
	})
	return s.failure
}

// URL is the address of everything: the API's base, and the operator's page.
func (s *Simulator) URL() string { return s.world.baseURL }
