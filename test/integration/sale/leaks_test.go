package sale_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// signature is how a signature or a secret would show.
var signature = regexp.MustCompile(`v1=[0-9a-f]{16}|(whsec|sk_test|sk_live)_[A-Za-z0-9]`)

func TestNothingPersonalOrSecretIsKept(t *testing.T) {
	s := openShop(t)
	paid := s.Sell("private")
	session := s.Pay(paid.Status.CheckoutURL)
	s.Await(paid, "Paid", seller.InPhase(v1alpha1.OrderPaid))
	if _, err := paylink.Stripe.OpenDispute(s.Intent(session.ID)); err != nil {
		t.Fatal(err)
	}
	s.Await(paid, "disputed", seller.NeedsAttention(v1alpha1.ReasonDisputed))
	if _, err := paylink.Stripe.Buyer().Pay(s.Ctx, s.Link.URL+"?client_reference_id=nobody-"+s.Namespace, stripesim.Card4242); err != nil {
		t.Fatal(err)
	}
	s.Settled()
	s.badSignature()

	personal := s.BuyersWords()
	for where, text := range s.everythingProduced() {
		if text == "" {
			t.Errorf("%s is empty: nothing was looked through", where)
		}
		for _, word := range personal {
			if strings.Contains(text, word) {
				t.Errorf("%s holds the buyer's %q", where, word)
			}
		}
		if found := signature.FindString(text); found != "" {
			t.Errorf("%s holds %q", where, found)
		}
		if strings.Contains(text, paylink.Endpoint.Secret) {
			t.Errorf("%s holds the signing secret", where)
		}
	}
}

// badSignature has the server refuse something, which it must do without repeating it.
func (s *shop) badSignature() {
	s.T.Helper()
	request, err := http.NewRequestWithContext(s.Ctx, http.MethodPost, paylink.Endpoint.URL, strings.NewReader(`{"id":"evt_forged"}`))
	if err != nil {
		s.T.Fatal(err)
	}
	request.Header.Set("Stripe-Signature", "t=1,v1=0123456789abcdef0123456789abcdef")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.T.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		s.T.Errorf("a forged event was answered %d, want 400", answer.StatusCode)
	}
}

// everythingProduced returns all that a run leaves behind for people and machines to read.
func (s *shop) everythingProduced() map[string]string {
	s.T.Helper()
	all := map[string]string{
		"the orders":       s.kubectl("get", "orders.payments.paylink.dev", "-A", "-o", "json"),
		"the links":        s.kubectl("get", "paymentlinks.payments.paylink.dev", "-n", s.Namespace, "-o", "json"),
		"the kept events":  s.kubectl("get", "stripeevents.payments.paylink.dev", "-A", "-o", "json"),
		"the Events":       s.kubectl("get", "events.events.k8s.io", "-A", "-o", "json"),
		"webhook metrics":  s.scrape(paylink.Webhook),
		"controller's":     s.scrape(paylink.Controller),
		"webhook log":      s.read(paylink.Webhook.Log),
		"controller's log": s.read(paylink.Controller.Log),
	}
	return all
}

func (s *shop) read(path string) string {
	s.T.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		s.T.Fatal(err)
	}
	return string(content)
}

func (s *shop) scrape(server *stack.Server) string {
	s.T.Helper()
	text, err := server.Scrape(s.Ctx)
	if err != nil {
		s.T.Fatal(err)
	}
	return text
}
