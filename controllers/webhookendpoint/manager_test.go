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

// createSteps create an endpoint where there is neither a ConfigMap nor a Secret.
var createSteps = []string{
	"patch paylink-stripe-live", "create paylink-stripe-live", // the pending request
	"create an endpoint",
	"patch paylink-webhook", "create paylink-webhook", // its signing secret
	"patch paylink-stripe-live", // the pending request is removed
	"patch paylink-stripe-live", // the text
}

// TestCreatesEndpoint once, and stores its signing secret where the webhook server reads it.
func TestCreatesEndpoint(t *testing.T) {
	f := newFixture(t)
	f.mustCheck(createSteps...)
	got := f.oneEndpoint()
	want := endpoint(got.ID, ofPaylink)
	want.URL = f.monitor.URL
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("endpoint (-want +got): %s", diff)
	}
	secret := f.secret()
	if diff := cmp.Diff(map[string]string{"app.kubernetes.io/managed-by": "paylink"}, secret.Labels); diff != "" || secret.Type != corev1.SecretTypeOpaque || len(secret.Data) != 1 {
		t.Errorf("secret: got type %s, keys %v, labels (-want +got): %s", secret.Type, slices.Collect(maps.Keys(secret.Data)), diff)
	}
	f.mustVerify(want.ID)
	f.says("ok: " + want.ID)
	for _, check := range []string{"exists", "enabled", "events", "mode", "api_version", "secret"} {
		f.passes(check, 1)
	}
	f.mustCheck()
	f.restart()
	f.mustCheck()
}

// TestKeepsOtherSecrets: other keys and labels of the Secret stay.
func TestKeepsOtherSecrets(t *testing.T) {
	f := newFixture(t, webhookSecret(map[string][]byte{"2026-10": []byte("whsec_old")}))
	f.mustCheck(slices.DeleteFunc(slices.Clone(createSteps), func(s string) bool { return s == "create paylink-webhook" })...)
	secret := f.secret()
	if len(secret.Data) != 2 || string(secret.Data["2026-10"]) != "whsec_old" || len(secret.Labels) != 0 {
		t.Errorf("secret: got keys %v and labels %v, want 2026-10 and the endpoint, without labels", slices.Collect(maps.Keys(secret.Data)), secret.Labels)
	}
}

// TestAnyStepCanFail, before or after it is done, with and without a restart: in the end there is one endpoint, and its
// signing secret is stored.
func TestAnyStepCanFail(t *testing.T) {
	for _, restart := range []bool{false, true} {
		for _, done := range []bool{false, true} {
			for failAt := range createSteps {
				t.Run(fmt.Sprintf("restart=%t/done=%t/%d. %s", restart, done, failAt+1, createSteps[failAt]), func(t *testing.T) {
					f := newFixture(t)
					f.failAt, f.done = failAt+1, done
					if err := f.check(); err != nil && !errors.Is(err, errCrash) {
						t.Fatal(err)
					}
					if len(f.taken) < f.failAt {
						t.Fatalf("steps: got %q, want %d", f.taken, f.failAt)
					}
					if restart {
						f.restart()
					}
					f.failAt = 0
					for range 2 {
						if err := f.check(); err != nil {
							t.Error(err)
						}
					}
					id := f.oneEndpoint().ID
					if keys := slices.Collect(maps.Keys(f.secret().Data)); !slices.Equal(keys, []string{id}) {
						t.Fatalf("keys of the Secret: got %v, want %s", keys, id)
					}
					f.mustVerify(id)
					f.says("ok: " + id)
					if f.request() != "" {
						t.Errorf("pending request: got %q, want none", f.request())
					}
					f.mustCheck()
				})
			}
		}
	}
}

// TestSecretCannotBeStored: the text says so, and the Manager tries again.
func TestSecretCannotBeStored(t *testing.T) {
	f := newFixture(t)
	f.refuse = func(object client.Object, body []byte) error {
		if object.GetName() != "paylink-webhook" {
			return nil
		}
		return fmt.Errorf("an admission webhook denied %s", body)
	}
	f.mustCheck("patch paylink-stripe-live", "create paylink-stripe-live", "create an endpoint", "patch paylink-webhook", "patch paylink-stripe-live")
	id := f.endpoints()[0].ID
	f.says("wrong: "+id, "its signing secret is not in the Secret paylink-webhook yet", `write Secret paylink-webhook: an admission webhook denied {"data":{"`+id+`":"[secret]"}}`)
	f.passes("exists", 1)
	f.passes("secret", 0)
	f.mustCheck("create an endpoint", "patch paylink-webhook")
	f.restart()
	f.mustCheck("create an endpoint", "patch paylink-webhook")

	f.refuse = nil
	f.mustCheck("create an endpoint", "patch paylink-webhook", "create paylink-webhook", "patch paylink-stripe-live", "patch paylink-stripe-live")
	f.says("ok: " + id)
	f.passes("secret", 1)
	f.mustVerify(id)
}

// TestCreatesNothingUnstorable: Stripe returns a signing secret only once.
func TestCreatesNothingUnstorable(t *testing.T) {
	t.Run("the Secret cannot be read", func(t *testing.T) {
		f := newFixture(t)
		f.monitor.Manager.Secret.Reader = interceptor.NewClient(f.api, interceptor.Funcs{
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return errors.New("secrets \"paylink-webhook\" is forbidden")
			},
		})
		f.mustCheck("patch paylink-stripe-live", "create paylink-stripe-live")
		f.says("wrong: no endpoint", "read Secret paylink-webhook: secrets \"paylink-webhook\" is forbidden")
		f.passes("exists", 0)
		f.passes("secret", 0)
		id := f.addEndpoint("", nil, true)
		f.mustCheck("patch paylink-stripe-live")
		f.says("wrong: "+id, "whether its signing secret is stored cannot be seen")
	})
	t.Run("the Secret is immutable", func(t *testing.T) {
		secret := webhookSecret(map[string][]byte{"2026-10": []byte("whsec_old")})
		secret.Immutable = new(true)
		f := newFixture(t, secret)
		f.mustCheck("patch paylink-stripe-live", "create paylink-stripe-live")
		f.says("wrong: no endpoint", "the Secret paylink-webhook is immutable: delete it, and create it anew")
	})
	t.Run("the request cannot be saved", func(t *testing.T) {
		f := newFixture(t)
		f.refuse = func(client.Object, []byte) error { return errors.New("configmaps is forbidden") }
		for range 2 {
			if err := f.check(); err == nil || !strings.Contains(err.Error(), "write ConfigMap paylink-stripe-live: configmaps is forbidden") {
				t.Errorf("got error %v, want the write of the ConfigMap to fail", err)
			}
		}
		f.passes("exists", 0)
		if found := f.endpoints(); len(found) != 0 {
			t.Errorf("endpoints: got %v, want none", found)
		}
	})
}

// TestForeignEndpoint: the endpoint of a person is checked, and never changed.
func TestForeignEndpoint(t *testing.T) {
	f := newFixture(t)
	id := f.addEndpoint("", []string{"payout.paid"}, false)
	f.updateEndpoint(id, "disabled=true")
	f.mustCheck("patch paylink-stripe-live", "create paylink-stripe-live")
	f.says("wrong: "+id, "it is disabled", "it does not get charge.")
	f.passes("events", 0)
	f.passes("secret", 1)
	f.mustCheck()
	f.oneEndpoint()
}

// TestManagedEndpoint: the Manager sets exactly our event types, and does not enable the endpoint.
func TestManagedEndpoint(t *testing.T) {
	for name, types := range map[string][]string{"too few": {"charge.refunded"}, "all": {"*"}, "others too": append(stripeclient.EndpointEvents(), "payout.paid")} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.mustCheck(createSteps...)
			id := f.endpoints()[0].ID
			f.updateEndpoint(id, enabledEvents(types)+"&disabled=true")
			f.failAt = 1
			f.mustCheck("set events of "+id, "patch paylink-stripe-live")
			f.says("wrong: "+id, "it is disabled", "set the event types of "+id+": crash")
			f.failAt = 0
			f.mustCheck("set events of "+id, "patch paylink-stripe-live")
			f.says("wrong: "+id, "it is disabled")
			f.passes("events", 1)
			f.passes("enabled", 0)
			f.mustCheck()
			if got := f.endpoints()[0]; got.Status != "disabled" || !slices.Equal(got.Events, stripeclient.EndpointEvents()) {
				t.Errorf("endpoint: got %+v, want it disabled with our event types", got)
			}
			f.updateEndpoint(id, "disabled=false")
			f.mustCheck("patch paylink-stripe-live")
			f.says("ok: " + id)
		})
	}
}

// TestNotManaged: without a Manager nothing is created or stored.
func TestNotManaged(t *testing.T) {
	f := newFixture(t)
	f.monitor.Manager = nil
	f.mustCheck("patch paylink-stripe-live", "create paylink-stripe-live")
	f.says("wrong: no endpoint", "add one in Stripe under Developers > Webhooks")
	id := f.addEndpoint("", nil, false)
	f.mustCheck("patch paylink-stripe-live")
	f.says("ok: " + id)
}
