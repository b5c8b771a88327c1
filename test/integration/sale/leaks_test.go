package sale_test

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// signature is how a signature or a secret would show.
var signature = regexp.MustCompile(`v1=[0-9a-f]{16}|(whsec|sk_test|sk_live)_[A-Za-z0-9]`)

func TestNothingPersonalOrSecretIsKept(t *testing.T) {
	s := openShop(t)
	paid := s.sell("private")
	session := s.pay(paid)
	s.await(paid, "Paid", inPhase(v1alpha1.OrderPaid))
	if _, err := paylink.Stripe.OpenDispute(sessionIntent(t, session.ID)); err != nil {
		t.Fatal(err)
	}
	s.await(paid, "disputed", needsAttention(v1alpha1.ReasonDisputed))
	if _, err := paylink.Stripe.Buyer().Pay(s.ctx, s.link.URL+"?client_reference_id=nobody-"+s.namespace, stripesim.Card4242); err != nil {
		t.Fatal(err)
	}
	s.settled()
	s.badSignature()

	personal := buyersWords(t)
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

// buyersWords returns the buyer's name, e-mail and address as the simulator's own events have them, so that the test
// looks for what was really sent.
func buyersWords(t *testing.T) []string {
	t.Helper()
	field := regexp.MustCompile(`"(?:name|email|line1|city|postal_code)": ?"([^"]{4,})"`)
	var words []string
	for _, event := range paylink.Stripe.Events() {
		if event.Type != "checkout.session.completed" {
			continue
		}
		for _, match := range field.FindAllStringSubmatch(string(event.Data), -1) {
			words = append(words, match[1])
		}
		break
	}
	if len(words) < 4 {
		t.Fatalf("the events hold only %q of the buyer: the test looks for too little", words)
	}
	return words
}

// badSignature has the server refuse something, which it must do without repeating it.
func (s *shop) badSignature() {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.ctx, http.MethodPost, paylink.Endpoint.URL, strings.NewReader(`{"id":"evt_forged"}`))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Stripe-Signature", "t=1,v1=0123456789abcdef0123456789abcdef")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		s.t.Errorf("a forged event was answered %d, want 400", answer.StatusCode)
	}
}

// everythingProduced returns all that a run leaves behind for people and machines to read.
func (s *shop) everythingProduced() map[string]string {
	s.t.Helper()
	all := map[string]string{
		"the orders":       s.kubectl("get", "orders.payments.paylink.dev", "-A", "-o", "json"),
		"the links":        s.kubectl("get", "paymentlinks.payments.paylink.dev", "-n", s.namespace, "-o", "json"),
		"the kept events":  s.kubectl("get", "stripeevents.payments.paylink.dev", "-A", "-o", "json"),
		"the Events":       s.kubectl("get", "events.events.k8s.io", "-A", "-o", "json"),
		"webhook metrics":  s.scrape(paylink.Webhook.Metrics),
		"controller's":     s.scrape(paylink.Controller.Metrics),
		"webhook log":      s.read(paylink.Webhook.Log),
		"controller's log": s.read(paylink.Controller.Log),
	}
	return all
}

func (s *shop) read(path string) string {
	s.t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(content)
}

func (s *shop) scrape(url string) string {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}
