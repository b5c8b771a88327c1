package checkout_test

import (
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// calls counts what is asked of Stripe's API for the rest of the test, and has it answer with an error where trouble says
// so; nil: never.
func (s *shop) calls(trouble func(*http.Request) int) *atomic.Int64 {
	var n atomic.Int64
	paylink.Stripe.DisturbAPI(func(r *http.Request) int {
		n.Add(1)
		if trouble == nil {
			return 0
		}
		return trouble(r)
	})
	s.T.Cleanup(func() { paylink.Stripe.DisturbAPI(nil) })
	return &n
}

// paidUnheard is a payment of which no webhook has come.
func (s *shop) paidUnheard(b *backend) stripesim.Session {
	s.T.Helper()
	return s.Pay(b.buys(call{}).CheckoutURL)
}

func TestStripeInTroubleIsNoNews(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create")
	for _, c := range []struct {
		answer  string
		trouble func(*http.Request) int
		log     string
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
			asking := here.askingStripe("trouble-" + c.answer)
			here.Deliver(stripesim.Plan{Hold: true})
			calls := here.calls(c.trouble)
			paid := here.paidUnheard(b)
			// Many ask, and the trouble is not made worse by asking again.
			for range 10 {
				if seen, err := here.sees(asking, paid.ID); err != nil || seen != nothingKnown {
					t.Fatalf("the buyer is told %q, %v", seen, err)
				}
			}
			if n := calls.Load(); n < 1 || n > 3 {
				t.Errorf("Stripe was asked %d times about one payment", n)
			}
			content, err := os.ReadFile(asking.Log)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(content), "Stripe could not be asked for a checkout session"); n != 1 || !strings.Contains(string(content), c.log) {
				t.Errorf("the log says %d times, want once, that Stripe cannot be asked, and must say %q:\n%s", n, c.log, content)
			}
			if strings.Contains(string(content), paid.ID) {
				t.Error("the log names the buyer's session")
			}
			paylink.Stripe.Delivery(stripesim.Plan{})
			here.Settled()
			here.told(asking, paid.ID, "paid: paid, final, known order") // the webhook is all that it takes
		})
	}
}

func failing(status int) func(*http.Request) int { return func(*http.Request) int { return status } }
