package webhookendpoint

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// theSteps make an endpoint where there is neither a ConfigMap nor a Secret.
var theSteps = []string{
	"patch paylink-stripe-live", "create paylink-stripe-live", // the request
	"make an endpoint",
	"patch paylink-webhook", "create paylink-webhook", // its secret
	"patch paylink-stripe-live", // the request no more
	"patch paylink-stripe-live", // what is seen
}

// TestEndpointIsMade as it should be, once, and its secret is where the webhook server reads it.
func TestEndpointIsMade(t *testing.T) {
	o := newOutpost(t)
	o.mustLook(theSteps...)
	found := o.endpoints()
	if len(found) != 1 {
		t.Fatalf("endpoints: %v", found)
	}
	want := endpoint(found[0].ID, ofPaylink)
	want.URL = o.watch.URL
	if diff := cmp.Diff(want, found[0]); diff != "" {
		t.Error(diff)
	}
	secret := o.secret()
	if diff := cmp.Diff(map[string]string{"app.kubernetes.io/managed-by": "paylink"}, secret.Labels); diff != "" || secret.Type != corev1.SecretTypeOpaque || len(secret.Data) != 1 {
		t.Errorf("type %s, keys %v, labels: %s", secret.Type, slices.Collect(maps.Keys(secret.Data)), diff)
	}
	o.mustVerify(want.ID)
	o.says("ok: " + want.ID)
	for _, check := range []string{"exists", "enabled", "events", "mode", "api_version", "secret"} {
		o.passes(check, 1)
	}
	o.mustLook()
	o.start()
	o.mustLook()
}

// TestSecretsBesideStay: what else is in the Secret is not touched.
func TestSecretsBesideStay(t *testing.T) {
	o := newOutpost(t, webhookSecret(map[string][]byte{"2026-10": []byte("whsec_old")}))
	o.mustLook(slices.DeleteFunc(slices.Clone(theSteps), func(s string) bool { return s == "create paylink-webhook" })...)
	secret := o.secret()
	if len(secret.Data) != 2 || string(secret.Data["2026-10"]) != "whsec_old" || len(secret.Labels) != 0 {
		t.Errorf("keys %v, labels %v", slices.Collect(maps.Keys(secret.Data)), secret.Labels)
	}
}

// TestAnyStepMayFail, done or not, be it the process's last or not: in the end there is one endpoint, and its secret is
// stored.
func TestAnyStepMayFail(t *testing.T) {
	for _, restart := range []bool{false, true} {
		for _, done := range []bool{false, true} {
			for failAt := range theSteps {
				t.Run(fmt.Sprintf("restart=%t/done=%t/%d. %s", restart, done, failAt+1, theSteps[failAt]), func(t *testing.T) {
					o := newOutpost(t)
					o.failAt, o.done = failAt+1, done
					if err := o.look(); err != nil && !errors.Is(err, errCrash) {
						t.Fatal(err)
					}
					if len(o.taken) < o.failAt {
						t.Fatalf("never got there: %q", o.taken)
					}
					if restart {
						o.start()
					}
					o.failAt = 0
					for range 2 {
						if err := o.look(); err != nil {
							t.Error(err)
						}
					}
					found := o.endpoints()
					if len(found) != 1 {
						t.Fatalf("endpoints: %v", found)
					}
					if keys := slices.Collect(maps.Keys(o.secret().Data)); !slices.Equal(keys, []string{found[0].ID}) {
						t.Fatalf("%s: keys %v", found[0].ID, keys)
					}
					o.mustVerify(found[0].ID)
					o.says("ok: " + found[0].ID)
					if o.request() != "" {
						t.Error("the request is still kept")
					}
					o.mustLook()
				})
			}
		}
	}
}

// TestSecretCannotBeStored: it is said, and tried again.
func TestSecretCannotBeStored(t *testing.T) {
	o := newOutpost(t)
	o.refuse = func(object client.Object, body []byte) error {
		if object.GetName() != "paylink-webhook" {
			return nil
		}
		return fmt.Errorf("an admission webhook denied %s", body)
	}
	o.mustLook("patch paylink-stripe-live", "create paylink-stripe-live", "make an endpoint", "patch paylink-webhook", "patch paylink-stripe-live")
	id := o.endpoints()[0].ID
	o.says("wrong: "+id, "its signing secret is not in the Secret paylink-webhook yet", `write Secret paylink-webhook: an admission webhook denied {"data":{"`+id+`":"[secret]"}}`)
	o.passes("exists", 1)
	o.passes("secret", 0)
	o.mustLook("make an endpoint", "patch paylink-webhook")
	o.start()
	o.mustLook("make an endpoint", "patch paylink-webhook")

	o.refuse = nil
	o.mustLook("make an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
	o.says("ok: " + id)
	o.passes("secret", 1)
	o.mustVerify(id)
}

// TestNothingIsMadeThatCouldNotBeStored: Stripe tells a secret but once.
func TestNothingIsMadeThatCouldNotBeStored(t *testing.T) {
	t.Run("the Secret cannot be read", func(t *testing.T) {
		o := newOutpost(t)
		o.watch.Keeper.Secret.Reader = interceptor.NewClient(o.api, interceptor.Funcs{
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return errors.New("secrets \"paylink-webhook\" is forbidden")
			},
		})
		o.mustLook("patch paylink-stripe-live", "create paylink-stripe-live")
		o.says("wrong: no endpoint", "read Secret paylink-webhook: secrets \"paylink-webhook\" is forbidden")
		o.passes("exists", 0)
		o.passes("secret", 0)
		id := o.add("", nil, true)
		o.mustLook("patch paylink-stripe-live")
		o.says("wrong: "+id, "whether its signing secret is stored cannot be seen")
	})
	t.Run("the Secret is immutable", func(t *testing.T) {
		secret := webhookSecret(map[string][]byte{"2026-10": []byte("whsec_old")})
		secret.Immutable = new(true)
		o := newOutpost(t, secret)
		o.mustLook("patch paylink-stripe-live", "create paylink-stripe-live")
		o.says("wrong: no endpoint", "the Secret paylink-webhook is immutable: delete it, and create it anew")
	})
	t.Run("the request cannot be kept", func(t *testing.T) {
		o := newOutpost(t)
		o.refuse = func(client.Object, []byte) error { return errors.New("configmaps is forbidden") }
		for range 2 {
			if err := o.look(); err == nil || !strings.Contains(err.Error(), "write ConfigMap paylink-stripe-live: configmaps is forbidden") {
				t.Error(err)
			}
		}
		o.passes("exists", 0)
		if found := o.endpoints(); len(found) != 0 {
			t.Errorf("endpoints: %v", found)
		}
	})
}

// TestEndpointsOfOthers: one that a person made is looked at, and never changed, however wrong it is.
func TestEndpointsOfOthers(t *testing.T) {
	o := newOutpost(t)
	id := o.add("", []string{"payout.paid"}, false)
	o.update(id, "disabled=true")
	o.mustLook("patch paylink-stripe-live", "create paylink-stripe-live")
	o.says("wrong: "+id, "it is disabled", "it does not get charge.")
	o.passes("events", 0)
	o.passes("secret", 1)
	o.mustLook()
	if len(o.endpoints()) != 1 {
		t.Error("another one was made")
	}
}

// TestEndpointOfOurs: it gets exactly our types, and is not enabled by us.
func TestEndpointOfOurs(t *testing.T) {
	for name, types := range map[string][]string{"too few": {"charge.refunded"}, "all": {"*"}, "others too": append(stripeclient.EndpointEvents(), "payout.paid")} {
		t.Run(name, func(t *testing.T) {
			o := newOutpost(t)
			o.mustLook(theSteps...)
			id := o.endpoints()[0].ID
			for i, eventType := range types {
				types[i] = "enabled_events[]=" + eventType
			}
			o.update(id, strings.Join(types, "&")+"&disabled=true")
			o.failAt = 1
			o.mustLook("set events of "+id, "patch paylink-stripe-live")
			o.says("wrong: "+id, "it is disabled", "the request that sets the event types of "+id+" failed: crash")
			o.failAt = 0
			o.mustLook("set events of "+id, "patch paylink-stripe-live")
			o.says("wrong: "+id, "it is disabled")
			o.passes("events", 1)
			o.passes("enabled", 0)
			o.mustLook()
			if got := o.endpoints()[0]; got.Status != "disabled" || !slices.Equal(got.Events, stripeclient.EndpointEvents()) {
				t.Errorf("%+v", got)
			}
			o.update(id, "disabled=false")
			o.mustLook("patch paylink-stripe-live")
			o.says("ok: " + id)
		})
	}
}

// TestNotManaged: without a keeper nothing is made or stored.
func TestNotManaged(t *testing.T) {
	o := newOutpost(t)
	o.watch.Keeper = nil
	o.mustLook("patch paylink-stripe-live", "create paylink-stripe-live")
	o.says("wrong: no endpoint", "add one in Stripe under Developers > Webhooks")
	id := o.add("", nil, false)
	o.mustLook("patch paylink-stripe-live")
	o.says("ok: " + id)
}
