// Package webhookserver is the HTTP server that faces the internet. It accepts Stripe's webhooks, and serves shops and buyers.
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

// Server serves all routes. The manager starts it on every replica, as soon as the caches are filled.
type Server struct {
	// Address to listen on, such as ":8080".
	Address string
	Webhook http.Handler
	// Routes are the routes of shops and buyers. Nil: none.
	Routes *Routes
	Log    logr.Logger

	serving atomic.Bool
}

// NeedLeaderElection returns false: every replica serves.
func (s *Server) NeedLeaderElection() bool { return false }

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(webhook.Path, s.Webhook)
	if s.Routes != nil {
		s.Routes.register(mux)
	}
	mux.Handle("/", problem.Handler{Log: s.Log, Handle: func(http.ResponseWriter, *http.Request) error {
		return problem.New(http.StatusNotFound, "There is nothing here. Stripe's webhooks go to "+webhook.Path+".")
	}})
	return mux
}

// Start serves until the context ends, and then finishes the requests that it has accepted.
func (s *Server) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Address)
	if err != nil {
		return fmt.Errorf("listen for webhooks: %w", err)
	}
	return s.serve(ctx, listener)
}

func (s *Server) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s.closeOnDrain(s.Handler()),
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
	s.Log.Info("Serving", "address", listener.Addr().String(), "path", webhook.Path)

	select {
	case err := <-failed:
		return fmt.Errorf("serve webhooks: %w", err)
	case <-ctx.Done():
	}
	s.serving.Store(false)
	s.Log.Info("Draining")
	// The context has ended, but accepted requests are to be finished.
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), DrainTimeout)
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

// closeOnDrain closes each connection with its next response, once the server stops. Proxies keep connections open, and do
// not repeat a POST on a connection that closes without a response. Only connections that are idle for all of drainDelay
// are closed without one.
func (s *Server) closeOnDrain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.serving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// errNotServing is the answer of /readyz before the caches are filled, and while the server stops.
var errNotServing = errors.New("not serving: starting or stopping")

// Ready is the check of /readyz. The server starts after the caches are filled, and not without a signing secret. So it is
// ready if it serves.
func (s *Server) Ready(*http.Request) error {
	if s.serving.Load() {
		return nil
	}
	return errNotServing
}
