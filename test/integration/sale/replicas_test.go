package sale_test

import (
	"context"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/testclient"
)

// addWebhookServer starts a second webhook server with an endpoint of its own, until the test ends.
func addWebhookServer(t *testing.T) {
	t.Helper()
	second, endpoint, err := paylink.AddWebhookServer(t.Context(), "webhookserver-2")
	check.Must(t, err)
	t.Cleanup(func() {
		paylink.Stripe.RemoveEndpoint(endpoint.ID)
		check.NoError(t, second.Stop())
	})
}

func TestStandbyControllerTakesOver(t *testing.T) {
	s := newClient(t)
	s.Must(paylink.Controller.Stop()) // which elects no leader
	t.Cleanup(func() {
		check.NoError(t, paylink.Controller.Start(context.WithoutCancel(s.Ctx)))
	})
	var controllers []*stack.Server
	for _, name := range []string{"controller-1", "controller-2"} {
		controller, err := paylink.AddController(s.Ctx, name, "--leader-elect")
		s.Must(err)
		check.AtEnd(t, controller.Stop)
		controllers = append(controllers, controller)
	}
	s.CreateReady("under-the-first-leader")
	leader := leaseHolder(s)
	s.Must(controllers[0].Stop()) // exit code 0, and the lease released
	s.Pay(s.CreateReady("under-the-second-leader").Status.CheckoutURL)
	if got := leaseHolder(s); got == leader || got == "" || leader == "" {
		t.Errorf("got the lease held by %q, and before by %q, want two holders", got, leader)
	}
}

// leaseHolder is the identity of the leader.
func leaseHolder(s *testclient.Client) string {
	s.T.Helper()
	var lease coordinationv1.Lease
	key := client.ObjectKey{Namespace: paylink.Namespace, Name: "controller.payments.paylink.dev"}
	s.Must(paylink.Client.Get(s.Ctx, key, &lease))
	return ptr.Deref(lease.Spec.HolderIdentity, "")
}
