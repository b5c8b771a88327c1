// Package webhookserver is the server that faces the internet: it takes Stripe's webhooks, and serves shops and buyers.
package webhookserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/paylink-dev/paylink/webhookserver/problem"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// +kubebuilder:rbac:groups=payments.paylink.dev,resources=orders,verbs=get;list;watch
// +kubebuilder:rbac:groups=payments.paylink.dev,resources=paymentlinks,verbs=get;list;watch
// +kubebuilder:rbac:groups=payments.paylink.dev,resources=orders/status,verbs=patch
// +kubebuilder:rbac:groups=payments.paylink.dev,resources=stripeevents,verbs=create
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// Server serves the routes. The manager starts it once the caches are filled, on every replica.
type Server struct {
	// Address to listen on, such as ":8080".
	Address string
	Webhook http.Handler
	// Shop is the routes of shops and buyers; nil: there are none.
	Shop *Shop
	Log  logr.Logger

	serving atomic.Bool
}

// NeedLeaderElection says that every replica serves.
func (s *Server) NeedLeaderElection() bool { return false }

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(webhook.Path, s.Webhook)
	if s.Shop != nil {
		s.Shop.register(mux)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem.New(http.StatusNotFound, "There is nothing here. Stripe's webhooks go to "+webhook.Path+".").Write(w)
	})
	return mux
}

// Start serves until the context ends, then finishes what it has accepted.
func (s *Server) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Address)
	if err != nil {
		return fmt.Errorf("listen for webhooks: %w", err)
	}
	return s.serve(ctx, listener)
}

func (s *Server) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s.farewell(s.Handler()),
		MaxHeaderBytes:    maxHeader,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(logr.ToSlogHandler(s.Log), slog.LevelError),
	}
	s.serving.Store(true)
	defer s.serving.Store(false)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	s.Log.Info("Taking webhooks", "address", listener.Addr().String(), "path", webhook.Path)

	select {
	case err := <-failed:
		return fmt.Errorf("serve webhooks: %w", err)
	case <-ctx.Done():
	}
	s.serving.Store(false)
	s.Log.Info("Stopping: finishing the events accepted so far")
	// The context has ended, and what was accepted is to be finished all the same.
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	<-time.After(drainDelay)
	if err := server.Shutdown(drain); err != nil {
		return fmt.Errorf("finish accepted webhooks: %w", errors.Join(err, server.Close()))
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve webhooks: %w", err)
	}
	return nil
}

// farewell tells proxies, once the server is to stop, that it closes the connection after this answer. They keep connections
// for their next requests, and one that is closed at the moment in which a request comes would answer it with nothing: a
// proxy does not dare to send a POST twice. Only those that are idle for all of drainDelay are closed without it.
func (s *Server) farewell(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.serving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// errNotServing is the answer of /readyz before the caches are filled and while stopping.
var errNotServing = errors.New("not taking webhooks: starting or stopping")

// Ready is the check behind /readyz. The server starts once the caches are filled and does not start without a
// signing secret, so serving is being ready.
func (s *Server) Ready(*http.Request) error {
	if s.serving.Load() {
		return nil
	}
	return errNotServing
}
