package webhookendpoint

import (
	"context"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/test/check"
)

// TestSecretIsLost: the text names the remedy for a person.
func TestSecretIsLost(t *testing.T) {
	for name, objects := range map[string][]client.Object{
		"no request":                 nil,
		"a request of yesterday":     {pendingRequest("key", 24*hour)},
		"an invalid request":         {&corev1.ConfigMap{ObjectMeta: pendingRequest("", 0).ObjectMeta, Data: map[string]string{"endpoint-request": "?"}}},
		"a Secret without it":        {webhookSecret(map[string][]byte{"2026-10": []byte("whsec_old")})},
		"a Secret with nothing else": {webhookSecret(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, objects...)
			id := f.addEndpoint("key", nil, true)
			if err := f.check(); err != nil {
				t.Error(err)
			}
			f.says("wrong: "+id, "its signing secret is not in the Secret paylink-webhook, and Stripe's API does not return it again", "to the key "+id+" of that Secret", "or delete this endpoint")
			f.passes("secret", 0)
			if f.oneEndpoint(); f.request() != "" {
				t.Errorf("pending request: got %q, want none", f.request())
			}
			f.mustCheck()

			store := func(secret string) {
				t.Helper()
				check.Must(t, f.monitor.Manager.Secret.put(t.Context(), id, credentials.Secret(secret)))
			}
			store("sk_live_simulator")
			f.mustCheck("patch paylink-stripe-live")
			f.says("wrong: "+id, "the value of the key "+id+" in the Secret paylink-webhook is no signing secret: copy it there from Stripe")
			store("whsec_by_hand")
			f.mustCheck("patch paylink-stripe-live")
			f.says("ok: " + id)

			// The other remedy.
			f.sim.RemoveEndpoint(id)
			if err := f.check(); err != nil {
				t.Error(err)
			}
			created := f.oneEndpoint().ID
			if created == id {
				t.Fatalf("endpoint: got %s, want another one", created)
			}
			f.says("ok: " + created)
		})
	}
}

// TestPendingRequest of an earlier process: its result decides the next step.
func TestPendingRequest(t *testing.T) {
	t.Run("it created the endpoint", func(t *testing.T) {
		f := newFixture(t, pendingRequest("key", 22*hour))
		id := f.addEndpoint("key", nil, true)
		f.mustCheck("create an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
		f.mustVerify(id)
		if kept := f.state(); kept["events-read-until"] == "" {
			t.Errorf("state: got %v, want events-read-until to stay", kept)
		}
	})
	t.Run("it failed, and a person added one", func(t *testing.T) {
		f := newFixture(t, pendingRequest("key", hour))
		id := f.addEndpoint("", nil, false)
		f.mustCheck("patch paylink-stripe-live", "patch paylink-stripe-live")
		f.says("ok: " + id)
		if f.request() != "" {
			t.Errorf("pending request: got %q, want none", f.request())
		}
	})
	t.Run("it failed", func(t *testing.T) {
		f := newFixture(t, pendingRequest("key", hour))
		f.mustCheck("create an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
		f.says("ok: ")
	})
	t.Run("it was for another address", func(t *testing.T) {
		f := newFixture(t, pendingRequest("key", hour))
		url := f.monitor.URL
		f.monitor.URL += "/old"
		f.addEndpoint("key", nil, true)
		f.monitor.URL = url
		f.mustCheck("create an endpoint", "patch paylink-stripe-live") // Stripe refuses it: a key is for one request
		f.says("wrong: no endpoint", "status 400")
		f.mustCheck("patch paylink-stripe-live", "create an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
		f.says("ok: ")
	})
}

// TestStripeRefuses: each check tries once with a new key, and the error is in the log once.
func TestStripeRefuses(t *testing.T) {
	for status, words := range map[int]string{
		http.StatusForbidden:  "give it write access to Webhook Endpoints",
		http.StatusBadRequest: "status 400, request req_…",
	} {
		f := newFixture(t)
		f.sim.InjectErrors(func(r *http.Request) int {
			if r.Method == http.MethodPost {
				return status
			}
			return 0
		})
		f.mustCheck("patch paylink-stripe-live", "create paylink-stripe-live", "create an endpoint", "patch paylink-stripe-live")
		f.says("wrong: no endpoint", "create the endpoint", words, "in live mode Stripe takes https:// alone")
		if lines := f.take(); len(lines) != 1 || !strings.Contains(lines[0], "needs attention") {
			t.Errorf("log: got %q, want one line that the endpoint needs attention", lines)
		}
		for range 3 {
			before := f.request()
			f.mustCheck("patch paylink-stripe-live", "create an endpoint")
			if f.request() == before {
				t.Errorf("pending request: got %q again, want another key", before)
			}
		}
		if lines := f.take(); len(lines) > 0 {
			t.Errorf("log: got %q, want one line that the endpoint needs attention", lines)
		}
		f.sim.InjectErrors(nil)
		f.mustCheck("patch paylink-stripe-live", "create an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
		f.says("ok: ")
	}
}

// secretlessClient creates an endpoint and returns no signing secret.
type secretlessClient struct{ countingClient }

func (u secretlessClient) CreateEndpoint(ctx context.Context, e stripeclient.NewEndpoint) (stripeclient.Endpoint, credentials.Secret, error) {
	created, _, err := u.countingClient.CreateEndpoint(ctx, e)
	return created, "rk_live_1", err
}

// TestNoSigningSecret: another text is not stored.
func TestNoSigningSecret(t *testing.T) {
	f := newFixture(t)
	f.monitor.Manager.Stripe = secretlessClient{f.monitor.Manager.Stripe.(countingClient)}
	f.mustCheck("patch paylink-stripe-live", "create paylink-stripe-live", "create an endpoint", "patch paylink-stripe-live")
	f.says("wrong: no endpoint", "the answer holds no signing secret")
	f.mustCheck("create an endpoint", "patch paylink-stripe-live")
	f.says("wrong: we_", "its signing secret is not in the Secret paylink-webhook yet")
	if f.oneEndpoint(); len(f.secret().Data) != 0 {
		t.Errorf("keys of the Secret: got %v, want none", f.secret().Data)
	}
	f.restart()
	f.mustCheck("create an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
	f.mustVerify(f.oneEndpoint().ID)
}
