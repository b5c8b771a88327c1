package sale_test

import (
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

func TestTwoWebhookServersAreOneWrite(t *testing.T) {
	s := openShop(t)
	s.awaitLinkReady()
	second, endpoint, err := paylink.AddWebhookServer(s.Ctx, "webhookserver-2")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		paylink.Stripe.RemoveEndpoint(endpoint.ID)
		if err := second.Stop(); err != nil {
			t.Error(err)
		}
	})
	o := s.Sell("twice")
	before, _ := s.writesTo("twice")
	s.Deliver(stripesim.Plan{Copies: 10, Concurrent: true})
	s.Pay(o.Status.CheckoutURL)
	s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
	s.Settled()
	after, _ := s.writesTo("twice")
	if n := len(after) - len(before); n != 1 {
		t.Errorf("10 copies to each of two servers made %d writes, want 1", n)
	}
}

func TestAStandbyControllerTakesOver(t *testing.T) {
	s := openShop(t)
	standby, err := paylink.AddController(s.Ctx, "controller-2", "--leader-elect")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(); err != nil {
			t.Error(err)
		}
	})
	leader := holder(s)
	if err := paylink.Controller.Stop(); err != nil { // exit code 0, and the lease given up
		t.Fatal(err)
	}
	s.Pay(s.Sell("under-the-new-leader").Status.CheckoutURL)
	if now := holder(s); now == leader || now == "" {
		t.Errorf("the lease is held by %q, as before", now)
	}
	if err := paylink.Controller.Start(s.Ctx); err != nil {
		t.Fatal(err)
	}
}

// holder returns who leads.
func holder(s *shop) string {
	s.T.Helper()
	var lease coordinationv1.Lease
	key := client.ObjectKey{Namespace: paylink.Namespace, Name: "controller.payments.paylink.dev"}
	if err := paylink.Client.Get(s.Ctx, key, &lease); err != nil {
		s.T.Fatal(err)
	}
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}
