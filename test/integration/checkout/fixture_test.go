package checkout_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/testclient"
)

// fixture is a client with the public PaymentLink "lifetime".
type fixture struct{ testclient.Client }

// newFixture returns a fixture whose link is Ready.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	s := &fixture{testclient.New(t, paylink, paylink.Stripe, "")}
	s.createLink(s.paymentLink("lifetime"))
	return s
}

// paymentLink returns a public PaymentLink, not yet created.
func (s *fixture) paymentLink(name string) *v1alpha1.PaymentLink {
	link := s.PaymentLink(name)
	link.Spec.PublicCheckout = true
	return link
}

// createLink creates a PaymentLink, or updates it, and returns once it is ready.
func (s *fixture) createLink(link *v1alpha1.PaymentLink) {
	s.T.Helper()
	write := paylink.Client.Create
	if link.ResourceVersion != "" {
		write = func(ctx context.Context, o client.Object, _ ...client.CreateOption) error {
			return paylink.Client.Update(ctx, o)
		}
	}
	s.Must(write(s.Ctx, link))
	s.awaitReady(link)
}

// awaitReady waits until a PaymentLink is Ready, and in the webhook server's cache.
func (s *fixture) awaitReady(link *v1alpha1.PaymentLink) {
	s.T.Helper()
	generation := link.Generation
	s.Eventually("PaymentLink "+link.Name+" is Ready", func(ctx context.Context) (bool, error) {
		err := paylink.Client.Get(ctx, client.ObjectKeyFromObject(link), link)
		return err == nil && link.Generation >= generation && link.Ready(), err
	})
	if link.Spec.PublicCheckout {
		s.Eventually("PaymentLink "+link.Name+" is on its page", func(context.Context) (bool, error) {
			a, err := trySend(s.Ctx, call{path: buyPath(link.Namespace, link.Name)})
			return err == nil && a.status == 200 && strings.Contains(a.body, link.Status.Price), err
		})
	}
}

// orderOf returns the order with a reference.
func (s *fixture) orderOf(id string) *v1alpha1.Order {
	s.T.Helper()
	for _, o := range s.Orders() {
		if o.ClientReferenceID() == id {
			return &o
		}
	}
	s.T.Fatalf("got no order %q in %s, want one", id, s.Namespace)
	return nil
}

// await reads the order with a reference until it is in a phase.
func (s *fixture) await(id string, phase v1alpha1.OrderPhase) *v1alpha1.Order {
	s.T.Helper()
	var order *v1alpha1.Order
	s.Eventually(fmt.Sprintf("order %s is %s", id, phase), func(context.Context) (bool, error) {
		order = s.orderOf(id)
		return order.Status.Phase == phase, nil
	})
	return order
}
