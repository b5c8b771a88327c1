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
)

// TestSecretIsLost: a person has to do something, and is told what.
func TestSecretIsLost(t *testing.T) {
	for name, objects := range map[string][]client.Object{
		"nothing under way":          nil,
		"a request of yesterday":     {underWay("key", 24*hour)},
		"a request that is none":     {&corev1.ConfigMap{ObjectMeta: underWay("", 0).ObjectMeta, Data: map[string]string{"endpoint-request": "?"}}},
		"a Secret without it":        {webhookSecret(map[string][]byte{"2026-10": []byte("whsec_old")})},
		"a Secret with nothing else": {webhookSecret(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutpost(t, objects...)
			id := o.add("key", nil, true)
			if err := o.look(); err != nil {
				t.Error(err)
			}
			o.says("wrong: "+id, "its signing secret is not in the Secret paylink-webhook, and Stripe's API does not tell it again", "to the key "+id+" of that Secret", "or delete this endpoint")
			o.passes("secret", 0)
			if o.request() != "" || len(o.endpoints()) != 1 {
				t.Errorf("the request is %q, and there are %d endpoints", o.request(), len(o.endpoints()))
			}
			o.mustLook()

			keep := func(secret string) {
				t.Helper()
				if err := o.watch.Keeper.Secret.put(t.Context(), id, credentials.Secret(secret)); err != nil {
					t.Fatal(err)
				}
			}
			keep("sk_live_simulator")
			o.mustLook("patch paylink-stripe-live")
			o.says("wrong: "+id, "what the Secret paylink-webhook has under the key "+id+" is no signing secret: copy it there from Stripe")
			keep("whsec_by_hand")
			o.mustLook("patch paylink-stripe-live")
			o.says("ok: " + id)

			// The other way.
			o.sim.RemoveEndpoint(id)
			if err := o.look(); err != nil {
				t.Error(err)
			}
			found := o.endpoints()
			if len(found) != 1 || found[0].ID == id {
				t.Fatalf("endpoints: %v", found)
			}
			o.says("ok: " + found[0].ID)
		})
	}
}

// TestRequestUnderWay: what became of it before this process decides what is done.
func TestRequestUnderWay(t *testing.T) {
	t.Run("it made the endpoint", func(t *testing.T) {
		o := newOutpost(t, underWay("key", 22*hour))
		id := o.add("key", nil, true)
		o.mustLook("make an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
		o.mustVerify(id)
		if kept := o.state(); kept["events-read-until"] == "" {
			t.Errorf("what else was kept is gone: %v", kept)
		}
	})
	t.Run("it made none, and a person did", func(t *testing.T) {
		o := newOutpost(t, underWay("key", hour))
		id := o.add("", nil, false)
		o.mustLook("patch paylink-stripe-live", "patch paylink-stripe-live")
		o.says("ok: " + id)
		if o.request() != "" {
			t.Error("the request is still kept")
		}
	})
	t.Run("it made none", func(t *testing.T) {
		o := newOutpost(t, underWay("key", hour))
		o.mustLook("make an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
		o.says("ok: ")
	})
	t.Run("it was of another address", func(t *testing.T) {
		o := newOutpost(t, underWay("key", hour))
		url := o.watch.URL
		o.watch.URL += "/old"
		o.add("key", nil, true)
		o.watch.URL = url
		o.mustLook("make an endpoint", "patch paylink-stripe-live") // which Stripe refuses: a key is for one request
		o.says("wrong: no endpoint", "status 400")
		o.mustLook("patch paylink-stripe-live", "make an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
		o.says("ok: ")
	})
}

// TestStripeRefusesToMakeOne: it is asked once a round, by a request of which it remembers nothing, and said once.
func TestStripeRefusesToMakeOne(t *testing.T) {
	for status, says := range map[int]string{
		http.StatusForbidden:  "give it write access to Webhook Endpoints",
		http.StatusBadRequest: "status 400, request req_…",
	} {
		o := newOutpost(t)
		o.sim.DisturbAPI(func(r *http.Request) int {
			if r.Method == http.MethodPost {
				return status
			}
			return 0
		})
		o.mustLook("patch paylink-stripe-live", "create paylink-stripe-live", "make an endpoint", "patch paylink-stripe-live")
		o.says("wrong: no endpoint", "the request that makes it failed", says, "in live mode Stripe takes https:// alone")
		if lines := o.take(); len(lines) != 1 || !strings.Contains(lines[0], "needs a person") {
			t.Errorf("logged %q", lines)
		}
		for range 3 {
			before := o.request()
			o.mustLook("patch paylink-stripe-live", "make an endpoint")
			if o.request() == before {
				t.Errorf("the request is %q again", before)
			}
		}
		if lines := o.take(); len(lines) > 0 {
			t.Errorf("logged %q", lines)
		}
		o.sim.DisturbAPI(nil)
		o.mustLook("patch paylink-stripe-live", "make an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
		o.says("ok: ")
	}
}

// unhelpful is a Stripe that makes an endpoint and does not tell its secret.
type unhelpful struct{ counted }

func (u unhelpful) CreateEndpoint(ctx context.Context, e stripeclient.NewEndpoint) (stripeclient.Endpoint, credentials.Secret, error) {
	made, _, err := u.counted.CreateEndpoint(ctx, e)
	return made, "rk_live_1", err
}

// TestNoSigningSecret: what is none is not stored.
func TestNoSigningSecret(t *testing.T) {
	o := newOutpost(t)
	o.watch.Keeper.Stripe = unhelpful{o.watch.Keeper.Stripe.(counted)}
	o.mustLook("patch paylink-stripe-live", "create paylink-stripe-live", "make an endpoint", "patch paylink-stripe-live")
	o.says("wrong: no endpoint", "the answer holds no signing secret")
	o.mustLook("make an endpoint", "patch paylink-stripe-live")
	o.says("wrong: we_", "its signing secret is not in the Secret paylink-webhook yet")
	if len(o.secret().Data) != 0 || len(o.endpoints()) != 1 {
		t.Errorf("keys %v, and %d endpoints", o.secret().Data, len(o.endpoints()))
	}
	o.start()
	o.mustLook("make an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
	o.mustVerify(o.endpoints()[0].ID)
}
