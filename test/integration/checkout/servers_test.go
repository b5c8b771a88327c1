package checkout_test

import (
	"context"
	"maps"
	"strings"
	"sync"

	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// trusting has a server believe the addresses that tests come with.
const trusting = "--trusted-proxies=127.0.0.1"

// debugging has a server log everything that can be logged, for the test that looks through the logs.
const debugging = "--zap-log-level=debug"

// another starts one more webhook server until the test ends, under a name, and with a log, that no other has. Stripe
// sends its webhooks to the first alone.
func (s *shop) another(name string, w stack.WebhookServer) *stack.Server {
	s.T.Helper()
	server, endpoint := s.anotherAtStripe(name, w)
	paylink.Stripe.RemoveEndpoint(endpoint.ID)
	return server
}

// anotherAtStripe is another that is sent webhooks too.
func (s *shop) anotherAtStripe(name string, w stack.WebhookServer) (*stack.Server, stripesim.Endpoint) {
	s.T.Helper()
	w.Flags = append([]string{debugging, trusting}, w.Flags...)
	name += s.Namespace[strings.LastIndex(s.Namespace, "-"):]
	server, endpoint, err := paylink.AddWebhookServerOf(s.Ctx, "webhookserver-"+name, w)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() {
		paylink.Stripe.RemoveEndpoint(endpoint.ID)
		// The test's own context has ended.
		text, err := server.Scrape(context.WithoutCancel(s.Ctx))
		if err != nil {
			s.T.Error(err)
		}
		gone.keep("metrics of "+name, text)
		if err := stop(server); err != nil {
			s.T.Error(err)
		}
	})
	return server, endpoint
}

// stop stops a server.
func stop(server *stack.Server) error {
	clients.CloseIdleConnections() // a stopping server waits 5 s for those that were never used
	return server.Stop()
}

// archive is what servers that are gone have left behind.
type archive struct {
	mu    sync.Mutex
	texts map[string]string
}

var gone archive

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

// metric returns the value of a sample of a server's, as it is printed; empty: there is none.
func (s *shop) metric(server *stack.Server, sample string) string {
	s.T.Helper()
	text, err := server.Scrape(s.Ctx)
	if err != nil {
		s.T.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, sample+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
