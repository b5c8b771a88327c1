package checkout_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// calls counts the requests to Stripe's API for the rest of the test. failures returns the error status of a request.
func (s *fixture) calls(failures func(*http.Request) int) *atomic.Int64 {
	var n atomic.Int64
	paylink.Stripe.InjectErrors(func(r *http.Request) int {
		n.Add(1)
		return failures(r)
	})
	s.T.Cleanup(func() { paylink.Stripe.InjectErrors(nil) })
	return &n
}

// payBeforeWebhook pays a new order. Stripe holds the webhook back.
func (s *fixture) payBeforeWebhook(b *backend) stripesim.Session {
	s.T.Helper()
	return s.Pay(b.mustCreate(call{}).CheckoutURL)
}

func TestFailingStripe(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create")
	for _, c := range []struct {
		answer   string
		failures func(*http.Request) int
		log      string
	}{
		{"401", failing(401), "Stripe does not know the API key"},
		{"403", failing(403), "give it read access to Checkout Sessions"},
		{"429", failing(429), "status 429"},
		{"500", failing(500), "status 500"},
		{"nothing", func(r *http.Request) int { <-r.Context().Done(); return 500 }, "no response in time"},
	} {
		t.Run(c.answer, func(t *testing.T) {
			here := *s
			here.T = t
			keyed := here.addKeyedServer("fault-" + c.answer)
			here.PlanDelivery(stripesim.Plan{Hold: true})
			calls := here.calls(c.failures)
			paid := here.payBeforeWebhook(b)
			// Many requests cause few calls to a failing Stripe.
			for range 10 {
				if seen, err := here.outcome(keyed, paid.ID); err != nil || seen != unknownOutcome {
					t.Fatalf("got the outcome %q, %v, want %q", seen, err, unknownOutcome)
				}
			}
			if n := calls.Load(); n < 1 || n > 3 {
				t.Errorf("got %d calls to Stripe for one payment, want 1 to 3", n)
			}
			content := s.Log(keyed)
			if n := strings.Count(content, "Checkout session not looked up"); n != 1 || !strings.Contains(content, c.log) {
				t.Errorf("got %d log lines of the failure, want one with %q:\n%s", n, c.log, content)
			}
			if strings.Contains(content, paid.ID) {
				t.Error("got the buyer's session in the log")
			}
			paylink.Stripe.Delivery(stripesim.Plan{})
			here.AwaitDelivered()
			here.awaitOutcome(keyed, paid.ID, "paid: paid, final, known order") // by the webhook alone
		})
	}
}

func failing(status int) func(*http.Request) int { return func(*http.Request) int { return status } }
