package rotation_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestAnEndpointIsMade: the controller makes the endpoint at Stripe and stores its signing secret in the Secret that the
// webhook server mounts, and buyers' payments come through. It says so where a person disables it.
func TestAnEndpointIsMade(t *testing.T) {
	s := openShop(t)
	paylink.Stripe.RemoveEndpoint(s.endpoint.ID) // nobody has made one yet
	if err := paylink.Allow(s.Ctx, "paylink-maker", "config/rbac/controller/webhook_secret_role.yaml"); err != nil {
		t.Fatal(err)
	}
	controller, err := paylink.AddControllerOf(s.Ctx, "maker", stack.Controller{
		Env:   []string{"STRIPE_SECRET_KEY=" + stripesim.TestKey, "NEXT_PUBLIC_APP_URL=" + s.server.URL},
		Flags: []string{"--manage-webhook-endpoint", "--endpoint-period=1s", "--backfill-period=0", "--audit-period=0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	stored := &corev1.Secret{}
	t.Cleanup(func() {
		if err := controller.Stop(); err != nil {
			t.Error(err)
		}
		if err := paylink.Client.Delete(context.Background(), stored); err != nil {
			t.Error(err)
		}
	})

	// The kubelet's part: what is in the Secret comes into the folder.
	s.Eventually("the signing secret is stored", func(ctx context.Context) (bool, error) {
		err := paylink.Client.Get(ctx, client.ObjectKey{Namespace: paylink.Namespace, Name: "paylink-webhook"}, stored)
		return len(stored.Data) == 1, err
	})
	files := map[string]string{}
	for id, secret := range stored.Data {
		files[id] = string(secret)
		s.endpoint.ID = id
	}
	s.secrets.Update(files)
	s.awaitVerified("it is known", has(s.endpoint.ID))

	stop := s.sell()
	s.awaitVerified("it verifies", func(now map[string]float64) bool { return now[s.endpoint.ID] > 0 })
	stop()
	s.allPaid()

	state := func(begins string) {
		t.Helper()
		kept := &corev1.ConfigMap{}
		s.Eventually("the endpoint is "+begins, func(ctx context.Context) (bool, error) {
			err := paylink.Client.Get(ctx, client.ObjectKey{Namespace: paylink.Namespace, Name: "paylink-stripe-test"}, kept)
			return strings.HasPrefix(kept.Data["endpoint"], begins), fmt.Errorf("it is %q: %w", kept.Data["endpoint"], err)
		})
	}
	ok := func(check string) float64 {
		t.Helper()
		text, err := controller.Scrape(s.Ctx)
		if err != nil {
			t.Fatal(err)
		}
		return scrape.Samples(t, text)[fmt.Sprintf("paylink_stripe_endpoint_ok{check=%q}", check)]
	}
	state("ok: " + s.endpoint.ID + " at " + s.server.URL + "/api/webhooks/stripe gets all 11 event types")
	if ok("enabled") != 1 || ok("secret") != 1 {
		t.Error("the metric says otherwise")
	}
	if !paylink.Stripe.DisableEndpoint(s.endpoint.ID) {
		t.Fatal("there is no such endpoint")
	}
	state("wrong: " + s.endpoint.ID + " at " + s.server.URL + "/api/webhooks/stripe: it is disabled")
	if ok("enabled") != 0 || ok("exists") != 1 {
		t.Error("the metric says otherwise")
	}

	log, err := os.ReadFile(controller.Log)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range files {
		if strings.Contains(string(log), strings.TrimPrefix(secret, "whsec_")) {
			t.Error("the signing secret was logged")
		}
	}
}
