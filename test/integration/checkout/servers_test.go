package checkout_test

import (
	"context"
	"maps"
	"strings"
	"sync"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// trusting has a server trust the tests' X-Forwarded-For.
const trusting = "--trusted-proxies=127.0.0.1"

// debugging has a server log every line, for the test that searches the logs.
const debugging = "--zap-log-level=debug"

// addServer starts one more webhook server until the test ends, with a unique name and log. Stripe sends it nothing.
func (s *fixture) addServer(name string, w stack.WebhookServer) *stack.Server {
	s.T.Helper()
	server, endpoint := s.addServerWithEndpoint(name, w)
	paylink.Stripe.RemoveEndpoint(endpoint.ID)
	return server
}

// addServerWithEndpoint is addServer with an endpoint at Stripe.
func (s *fixture) addServerWithEndpoint(name string, w stack.WebhookServer) (*stack.Server, stripesim.Endpoint) {
	s.T.Helper()
	w.Flags = append([]string{debugging, trusting}, w.Flags...)
	name += s.Namespace[strings.LastIndex(s.Namespace, "-"):]
	server, endpoint, err := paylink.AddWebhookServerOf(s.Ctx, "webhookserver-"+name, w)
	s.Must(err)
	s.T.Cleanup(func() {
		paylink.Stripe.RemoveEndpoint(endpoint.ID)
		text, err := server.Scrape(context.WithoutCancel(s.Ctx))
		check.NoError(s.T, err)
		stopped.keep("metrics of "+name, text)
		check.NoError(s.T, stop(server))
	})
	return server, endpoint
}

// stop stops a server.
func stop(server *stack.Server) error {
	clients.CloseIdleConnections() // a stopping server waits 5 s for those that were never used
	return server.Stop()
}

// archive keeps the metrics of stopped servers.
type archive struct {
	mu    sync.Mutex
	texts map[string]string
}

var stopped archive

func (a *archive) keep(where, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.texts == nil {
		a.texts = map[string]string{}
	}
	a.texts[where] += text
}

func (a *archive) all() map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.texts)
}

// metric returns the value of a server's sample as it is printed; empty: there is none.
func (s *fixture) metric(server *stack.Server, sample string) string {
	s.T.Helper()
	text, err := server.Scrape(s.Ctx)
	s.Must(err)
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, sample+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
