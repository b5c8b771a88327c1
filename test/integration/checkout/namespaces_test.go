package checkout_test

import (
	"net/http"
	"testing"

	"github.com/paylink-dev/paylink/test/stack"
)

// A server that is for some namespaces sells, and knows, nothing of the others.
func TestAServerOfSomeNamespaces(t *testing.T) {
	s := openShop(t)
	other := openShop(t)
	server := s.askingStripe("namespaces", "--watch-namespaces="+s.Namespace)
	b := s.hire("backend")
	b.allowEverywhere("create", "get")
	elsewhere := b.buys(call{body: other.wants("lifetime")}) // at the server of all
	paid := other.Pay(elsewhere.CheckoutURL)
	s.Settled()
	other.told(paylink.Webhook, paid.ID, "paid: paid, final, known order")

	before := s.balance()
	if p := b.asks(call{to: server, body: other.wants("lifetime")}).problem(t, 404); p.fields() != "paymentLink" {
		t.Errorf("the refusal names %q", p.fields())
	}
	s.ask(call{to: server, path: ordersPath + "/" + elsewhere.OrderID, token: b.token}).problem(t, 404)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		s.ask(call{to: server, method: method, path: buyPath(other.Namespace, "lifetime")}).problem(t, 404)
	}
	s.told(server, paid.ID, "unknown: 404")
	s.unchanged(before)

	o := b.buys(call{to: server})
	if a := s.buys(server); a.status != http.StatusSeeOther {
		t.Errorf("a buyer is answered %d %s", a.status, a.body)
	}
	s.ask(call{to: server, path: ordersPath + "/" + o.OrderID, token: b.token}).order(t, 200)
	here := s.Pay(o.CheckoutURL)
	s.Settled()
	s.told(server, here.ID, "paid: paid, final, known order")
}

// A server of a namespace that is not there starts all the same, and has nothing to sell.
func TestAServerOfANamespaceThatIsNotThere(t *testing.T) {
	s := openShop(t)
	server := s.another("nowhere", stack.WebhookServer{Flags: []string{"--watch-namespaces=nowhere-at-all"}})
	s.hire("backend", "create").asks(call{to: server}).problem(t, 404)
}
