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
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
)

// private are the patterns of secrets and personal data; the tests of this package use no others. Each begins with letters
// that are fast to search, and that no random id has.
var private = map[string][]*regexp.Regexp{
	"a token":                 {regexp.MustCompile(`eyJhbGciOi`), regexp.MustCompile(`eyJhdWQiOl`), regexp.MustCompile(`garbage-token`)},
	"an API key":              {regexp.MustCompile(`rk_test_[A-Za-z0-9]`), regexp.MustCompile(`sk_(test|live)_[A-Za-z0-9]`)},
	"a signing secret":        {regexp.MustCompile(`whsec_[A-Za-z0-9]`), regexp.MustCompile(`v1=[0-9a-f]{16}`)},
	"an Idempotency-Key":      {regexp.MustCompile(`idem-[A-Za-z0-9]`)},
	"the address of a client": {regexp.MustCompile(`100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d{1,3}\.\d{1,3}`), regexp.MustCompile(`198\.18\.\d`), regexp.MustCompile(`2001:db8:\d`)},
}

// TestWithoutSecretsInOutputs searches the outputs of all earlier tests of this package. It is the last of them, and sends
// enough by itself where it runs alone.
func TestWithoutSecretsInOutputs(t *testing.T) {
	s := newFixture(t)
	s.sendSecrets()

	buyer := s.BuyerData()
	for where, text := range s.outputs() {
		if text == "" {
			t.Errorf("%s: got nothing to search", where)
		}
		for _, word := range buyer {
			if strings.Contains(text, word) {
				t.Errorf("%s: got the buyer's %q", where, word)
			}
		}
		for what, forms := range private {
			for _, form := range forms {
				if at := form.FindStringIndex(text); at != nil {
					t.Errorf("%s: got %s: %q", where, what, text[max(0, at[0]-200):min(len(text), at[1]+200)])
				}
			}
		}
	}
}

// sendSecrets sends every route values that it must not repeat, in valid and invalid requests.
func (s *fixture) sendSecrets() {
	s.T.Helper()
	keyed := s.addKeyedServer("traces")
	open := s.addServer("traces-open", stack.WebhookServer{Flags: []string{"--trusted-proxies=192.0.2.1", "--public-orders-open=1"}})
	b := s.newBackend("backend", "create", "get")
	for _, form := range private["a token"][:2] {
		if !form.MatchString(b.token) {
			s.T.Fatalf("got a token without %s: the pattern is too narrow", form)
		}
	}
	key := idempotencyKey("idem-" + s.Namespace)
	o := b.mustCreate(call{header: key})
	b.create(call{header: key, body: s.orderBody("lifetime", `"customerId":"c"`)}).problem(s.T, 409)
	b.create(call{token: resign(s.T, b.token, expired(), clusterKey(s.T))}).problem(s.T, 401)
	b.create(call{token: "garbage-token", header: map[string]string{"Idempotency-Key": "idem a"}}).problem(s.T, 401)
	b.create(call{body: `{"` + b.token + `":1}`}).problem(s.T, 400)
	s.send(call{path: ordersPath + "/" + strings.ReplaceAll(b.token, ".", "-")[:150], token: b.token}).problem(s.T, 404)
	for _, server := range []*stack.Server{keyed, open, paylink.Webhook} {
		s.buy(server)
		s.buy(server)
		s.send(call{to: server, path: billingPath + "?session_id=" + apiKey}).problem(s.T, 400)
		s.send(captureCall(server, apiKey)).problem(s.T, 400)
		s.send(call{to: server, path: "/?;" + apiKey}).problem(s.T, 404)
		s.send(captureCall(server, "cs_test_a1MadeUp"))
	}
	paid := s.Pay(o.CheckoutURL)
	s.AwaitDelivered()
	s.awaitOutcome(keyed, paid.ID, "paid: paid, final, known order")
	s.Dispute(paid)
	s.Pay(s.Link.URL + "?client_reference_id=nobody-" + s.Namespace)
	s.AwaitDelivered()
	check.Equal(s.T, 400, s.PostSigned(paylink.Endpoint.URL, []byte(`{"id":"evt_forged"}`), "t=1,v1=0123456789abcdef0123456789abcdef"), "status for a forged event")
}

// outputs returns the logs, metrics and objects of a run.
func (s *fixture) outputs() map[string]string {
	s.T.Helper()
	all := map[string]string{}
	maps.Copy(all, stopped.all())
	for where, list := range map[string]client.ObjectList{
		"the orders": &v1alpha1.OrderList{}, "the links": &v1alpha1.PaymentLinkList{}, "the kept events": &v1alpha1.StripeEventList{},
		"the Events": &eventsv1.EventList{}, "the old Events": &corev1.EventList{},
	} {
		s.Must(paylink.Client.List(s.Ctx, list))
		text, err := json.Marshal(list)
		s.Must(err)
		all[where] = string(text)
	}
	for name, server := range map[string]*stack.Server{"webhook server": paylink.Webhook, "controller": paylink.Controller} {
		text, err := server.Scrape(s.Ctx)
		s.Must(err)
		all["metrics of the "+name] = text
	}
	logs, err := filepath.Glob(filepath.Join(filepath.Dir(paylink.Webhook.Log), "*.log"))
	s.Must(err)
	for _, file := range logs {
		name := filepath.Base(file)
		if !strings.HasPrefix(name, "webhookserver") && !strings.HasPrefix(name, "controller") {
			continue // of Kubernetes
		}
		text, err := os.ReadFile(file)
		s.Must(err)
		all["log "+name] = string(text)
		if strings.Contains(string(text), "DATA RACE") || strings.Contains(string(text), "panic") {
			s.T.Errorf("got a race or a panic in the log %s", name)
		}
	}
	return all
}
