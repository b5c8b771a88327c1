package sale_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestVerificationThatFailsOpen: HMAC accepts an empty key, so a server without a secret would accept forged events.
func TestVerificationThatFailsOpen(t *testing.T) {
	const value = "4eC39HqLyjWDarjtT1zdp7dc"
	for name, row := range map[string]struct{ secret, wantLog string }{
		"empty":             {"", "STRIPE_WEBHOOK_SECRET: no webhook signing secret: set it to the endpoint's signing secret (whsec_…)"},
		"blank":             {" \t\n", "STRIPE_WEBHOOK_SECRET: no webhook signing secret: set it to the endpoint's signing secret (whsec_…)"},
		"commas alone":      {",", "STRIPE_WEBHOOK_SECRET: no webhook signing secret: set it to the endpoint's signing secret (whsec_…)"},
		"the prefix alone":  {"whsec_", "does not look like one of Stripe's"},
		"an API key":        {"sk_test_" + value, "is an API key (sk_…): put the endpoint's signing secret (whsec_…) there"},
		"a restricted key":  {"rk_live_" + value, "is an API key (rk_…): put the endpoint's signing secret (whsec_…) there"},
		"a good one beside": {"whsec_" + value + ",sk_test_" + value, "signing secret 2 of 2 is an API key (sk_…)"},
	} {
		t.Run("secret is "+name, func(t *testing.T) {
			server, endpoint, err := paylink.AddWebhookServerOf(t.Context(), "open-"+strings.ReplaceAll(name, " ", "-"),
				stack.WebhookServer{Env: []string{"STRIPE_WEBHOOK_SECRET=" + row.secret}})
			t.Cleanup(func() {
				paylink.Stripe.RemoveEndpoint(endpoint.ID)
				check.NoError(t, server.Kill())
			})
			if err == nil {
				t.Fatal("the server started, want an error")
			}
			log, err := os.ReadFile(server.Log)
			check.Must(t, err)
			if !strings.Contains(string(log), row.wantLog) || strings.Contains(string(log), value) {
				t.Errorf("got the log %s, want %q and not the secret", log, row.wantLog)
			}
		})
	}

	s := newClient(t)
	o := s.CreateReady("forged")
	body := handmade{t, o}.session(stripeevents.SessionPaid, "A")
	now := time.Now()
	signed := func(secrets ...string) string { return stripesim.SignatureHeader(secrets, now, body) }
	for name, signature := range map[string]string{
		"the empty key":            signed(""),
		"blank keys":               signed(" ", "\n", "\t"),
		"a zero, as an empty key":  signed("\x00"),
		"the prefix alone":         signed("whsec_"),
		"another secret":           signed("whsec_" + value),
		"the secret, cut":          signed(strings.TrimPrefix(s.Stack.Endpoint.Secret, "whsec_")),
		"the scheme of test mode":  strings.ReplaceAll(signed(s.Stack.Endpoint.Secret), "v1=", "v0="),
		"nothing":                  "",
		"nothing, but a timestamp": "t=" + signed("")[2:12],
		"an empty signature":       signed("")[:12] + ",v1=",
		"another body's":           stripesim.SignatureHeader([]string{s.Stack.Endpoint.Secret}, now, append([]byte(" "), body...)),
	} {
		if status := s.PostSigned(s.Stack.Endpoint.URL, body, signature); status != 400 {
			t.Errorf("signed with %s: got status %d, want 400", name, status)
		}
	}
	expectUnchanged(s, o)
	// The event is valid but for its signature.
	if status := s.PostSigned(s.Stack.Endpoint.URL, body, signed(s.Stack.Endpoint.Secret)); status != 200 {
		t.Errorf("signed by Stripe: got status %d, want 200", status)
	}
	if paid := s.Read(o); paid.Status.Phase != v1alpha1.OrderPaid {
		t.Errorf("signed by Stripe: got %+v, want Paid", paid.Status)
	}
}
