package sale_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestManagedEndpoint: the controller makes the endpoint at Stripe and stores its signing secret in the Secret that the
// webhook server mounts, and buyers' payments arrive. It reports an endpoint that a person disables.
func TestManagedEndpoint(t *testing.T) {
	s := newRotation(t)
	s.Stripe.RemoveEndpoint(s.endpoint.ID) // there is none yet
	s.Must(paylink.Allow(s.Ctx, "paylink-maker", "config/rbac/controller/webhook_secret_role.yaml"))
	controller, err := paylink.AddControllerOf(s.Ctx, "maker", stack.Controller{
		Env:   []string{"STRIPE_SECRET_KEY=" + stripesim.TestKey, "NEXT_PUBLIC_APP_URL=" + s.server.URL, "STRIPE_API_BASE=" + s.Stripe.URL()},
		Flags: []string{"--manage-webhook-endpoint", "--endpoint-period=1s", "--backfill-period=0", "--reconcile-period=0"},
	})
	s.Must(err)
	stored := &corev1.Secret{}
	t.Cleanup(func() {
		check.NoError(t, controller.Stop())
		check.NoError(t, paylink.Client.Delete(context.Background(), stored))
	})

	s.Eventually("the signing secret is stored", func(ctx context.Context) (bool, error) {
		err := paylink.Client.Get(ctx, client.ObjectKey{Namespace: paylink.Namespace, Name: "paylink-webhook"}, stored)
		return len(stored.Data) == 1, err
	})
	files := map[string]string{} // which the kubelet would write
	for id, secret := range stored.Data {
		files[id] = string(secret)
		s.endpoint.ID = id
	}
	s.secrets.Update(files)
	s.awaitVerified("the server has the secret", onlySecrets(s.endpoint.ID))

	stop := s.sellAll()
	s.awaitVerified("the secret verifies", func(now map[string]float64) bool { return now[s.endpoint.ID] > 0 })
	stop()
	s.expectAllPaid()

	expect := func(state string, metrics map[string]float64) {
		t.Helper()
		kept := &corev1.ConfigMap{}
		s.Eventually("the endpoint is "+state, func(ctx context.Context) (bool, error) {
			err := paylink.Client.Get(ctx, client.ObjectKey{Namespace: paylink.Namespace, Name: "paylink-stripe-test"}, kept)
			return strings.HasPrefix(kept.Data["endpoint"], state), fmt.Errorf("it is %q: %w", kept.Data["endpoint"], err)
		})
		for check, want := range metrics {
			if got := s.Samples(controller)[fmt.Sprintf("paylink_stripe_endpoint_ok{check=%q}", check)]; got != want {
				t.Errorf("got check %s %v, want %v", check, got, want)
			}
		}
	}
	expect("ok: "+s.endpoint.ID+" at "+s.server.URL+"/api/webhooks/stripe gets all 11 event types", map[string]float64{"enabled": 1, "secret": 1})
	if !s.Stripe.DisableEndpoint(s.endpoint.ID) {
		t.Fatal("no endpoint to disable")
	}
	expect("wrong: "+s.endpoint.ID+" at "+s.server.URL+"/api/webhooks/stripe: it is disabled", map[string]float64{"enabled": 0, "exists": 1})

	for _, secret := range files {
		if strings.Contains(s.Log(controller), strings.TrimPrefix(secret, "whsec_")) {
			t.Error("got the signing secret in the log")
		}
	}
}
