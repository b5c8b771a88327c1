package checkout_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// private are the forms of what must be found nowhere; the tests of this package use no others. Each begins with letters
// that are quickly looked for, and that no id made up at random has.
var private = map[string][]*regexp.Regexp{
	"a token":                 {regexp.MustCompile(`eyJhbGciOi`), regexp.MustCompile(`eyJhdWQiOl`), regexp.MustCompile(`garbage-token`)},
	"an API key":              {regexp.MustCompile(`rk_test_[A-Za-z0-9]`), regexp.MustCompile(`sk_test_[A-Za-z0-9]`)},
	"a signing secret":        {regexp.MustCompile(`whsec_[A-Za-z0-9]`), regexp.MustCompile(`v1=[0-9a-f]{16}`)},
	"an Idempotency-Key":      {regexp.MustCompile(`idem-[A-Za-z0-9]`)},
	"the address of a client": {regexp.MustCompile(`100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d{1,3}\.\d{1,3}`), regexp.MustCompile(`198\.18\.\d`), regexp.MustCompile(`2001:db8:\d`)},
}

// TestNothingPrivateIsLeftBehind looks through all that the tests of this package have left behind so far. It comes last
// where all of them are run, and does enough by itself where it is run alone.
func TestNothingPrivateIsLeftBehind(t *testing.T) {
	s := openShop(t)
	s.everythingWithSecrets()

	buyer := s.BuyersWords()
	for where, text := range s.everythingProduced() {
		if text == "" {
			t.Errorf("%s: there is nothing to look through", where)
		}
		for _, word := range buyer {
			if strings.Contains(text, word) {
				t.Errorf("%s: the buyer's %q", where, word)
			}
		}
		for what, forms := range private {
			for _, form := range forms {
				if at := form.FindStringIndex(text); at != nil {
					t.Errorf("%s: %s: %q", where, what, text[max(0, at[0]-200):min(len(text), at[1]+200)])
				}
			}
		}
	}
}

// everythingWithSecrets has every route told something that it must not repeat, in the right way and in the wrong.
func (s *shop) everythingWithSecrets() {
	s.T.Helper()
	asking := s.askingStripe("traces")
	open := s.another("traces-open", stack.WebhookServer{Flags: []string{"--trusted-proxies=192.0.2.1", "--public-orders-open=1"}})
	b := s.hire("backend", "create", "get")
	for _, form := range private["a token"][:2] {
		if !form.MatchString(b.token) {
			s.T.Fatalf("%s is not in a token: the test looks for too little", form)
		}
	}
	key := with("idem-" + s.Namespace)
	o := b.buys(call{header: key})
	b.asks(call{header: key, body: s.wants("lifetime", `"customerId":"c"`)}).problem(s.T, 409)
	b.asks(call{token: resign(s.T, b.token, expired(), clusterKey(s.T))}).problem(s.T, 401)
	b.asks(call{token: "garbage-token", header: map[string]string{"Idempotency-Key": "idem a"}}).problem(s.T, 401)
	b.asks(call{body: `{"` + b.token + `":1}`}).problem(s.T, 400)
	s.ask(call{path: ordersPath + "/" + strings.ReplaceAll(b.token, ".", "-")[:150], token: b.token}).problem(s.T, 404)
	for _, server := range []*stack.Server{asking, open, paylink.Webhook} {
		s.buys(server)
		s.buys(server)
		s.ask(call{to: server, path: billingPath + "?session_id=" + apiKey}).problem(s.T, 400)
		s.ask(look(server, apiKey)).problem(s.T, 400)
		s.ask(call{to: server, path: "/?;" + apiKey}).problem(s.T, 404)
		s.ask(look(server, "cs_test_a1MadeUp"))
	}
	paid := s.Pay(o.CheckoutURL)
	s.Settled()
	s.told(asking, paid.ID, "paid: paid, final, known order")
	if _, err := paylink.Stripe.OpenDispute(paid.PaymentIntent); err != nil {
		s.T.Fatal(err)
	}
	if _, err := paylink.Stripe.Buyer().Pay(s.Ctx, s.Link.URL+"?client_reference_id=nobody-"+s.Namespace, stripesim.Card4242); err != nil {
		s.T.Fatal(err)
	}
	s.Settled()
}

// everythingProduced returns all that a run leaves behind for people and machines to read.
func (s *shop) everythingProduced() map[string]string {
	s.T.Helper()
	all := map[string]string{}
	maps.Copy(all, gone.all())
	for where, list := range map[string]client.ObjectList{
		"the orders": &v1alpha1.OrderList{}, "the links": &v1alpha1.PaymentLinkList{}, "the kept events": &v1alpha1.StripeEventList{},
		"the Events": &eventsv1.EventList{}, "the old Events": &corev1.EventList{},
	} {
		if err := paylink.Client.List(s.Ctx, list); err != nil {
			s.T.Fatal(err)
		}
		text, err := json.Marshal(list)
		if err != nil {
			s.T.Fatal(err)
		}
		all[where] = string(text)
	}
	for name, server := range map[string]*stack.Server{"webhook server": paylink.Webhook, "controller": paylink.Controller} {
		text, err := server.Scrape(s.Ctx)
		if err != nil {
			s.T.Fatal(err)
		}
		all["metrics of the "+name] = text
	}
	logs, err := filepath.Glob(filepath.Join(filepath.Dir(paylink.Webhook.Log), "*.log"))
	if err != nil {
		s.T.Fatal(err)
	}
	for _, file := range logs {
		name := filepath.Base(file)
		if !strings.HasPrefix(name, "webhookserver") && !strings.HasPrefix(name, "controller") {
			continue // Kubernetes' own
		}
		text, err := os.ReadFile(file)
		if err != nil {
			s.T.Fatal(err)
		}
		all["log "+name] = string(text)
		if strings.Contains(string(text), "DATA RACE") || strings.Contains(string(text), "panic") {
			s.T.Errorf("the log %s tells of a race or a panic", name)
		}
	}
	return all
}
