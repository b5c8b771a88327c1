package checkout_test

import (
	"net/http"
	"testing"

	"github.com/paylink-dev/paylink/test/stack"
)

// TestWatchedNamespaces: a server of some namespaces knows nothing of the others.
func TestWatchedNamespaces(t *testing.T) {
	s := newFixture(t)
	other := newFixture(t)
	server := s.addKeyedServer("namespaces", "--watch-namespaces="+s.Namespace)
	b := s.newBackend("backend")
	b.allowEverywhere("create", "get")
	elsewhere := b.mustCreate(call{body: other.orderBody("lifetime")}) // at the server of all namespaces
	paid := other.Pay(elsewhere.CheckoutURL)
	s.AwaitDelivered()
	other.awaitOutcome(paylink.Webhook, paid.ID, "paid: paid, final, known order")

	before := s.recordDelivered()
	if p := b.create(call{to: server, body: other.orderBody("lifetime")}).problem(t, 404); p.fields() != "paymentLink" {
		t.Errorf("got the field %q, want paymentLink", p.fields())
	}
	s.send(call{to: server, path: ordersPath + "/" + elsewhere.OrderID, token: b.token}).problem(t, 404)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		s.send(call{to: server, method: method, path: buyPath(other.Namespace, "lifetime")}).problem(t, 404)
	}
	s.awaitOutcome(server, paid.ID, "unknown: 404")
	s.expectUnchanged(before)

	o := b.mustCreate(call{to: server})
	if a := s.buy(server); a.status != http.StatusSeeOther {
		t.Errorf("got %d %s, want 303", a.status, a.body)
	}
	s.send(call{to: server, path: ordersPath + "/" + o.OrderID, token: b.token}).order(t, 200)
	here := s.Pay(o.CheckoutURL)
	s.AwaitDelivered()
	s.awaitOutcome(server, here.ID, "paid: paid, final, known order")
}

// TestMissingNamespace: a server of a namespace that does not exist starts.
func TestMissingNamespace(t *testing.T) {
	s := newFixture(t)
	server := s.addServer("nowhere", stack.WebhookServer{Flags: []string{"--watch-namespaces=nowhere-at-all"}})
	s.newBackend("backend", "create").create(call{to: server}).problem(t, 404)
}
