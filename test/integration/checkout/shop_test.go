package checkout_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
)

// shop is one seller, whose PaymentLink "lifetime" is for everybody.
type shop struct{ seller.Seller }

// openShop makes a shop whose link is Ready.
func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{seller.New(t, paylink, paylink.Stripe, "")}
	s.offer(s.paymentLink("lifetime"))
	return s
}

// paymentLink returns a PaymentLink, not yet created, that is for everybody.
func (s *shop) paymentLink(name string) *v1alpha1.PaymentLink {
	link := s.PaymentLink(name)
	link.Spec.PublicCheckout = true
	return link
}

// offer creates a PaymentLink, or changes it, and returns once orders can be made of it.
func (s *shop) offer(link *v1alpha1.PaymentLink) {
	s.T.Helper()
	write := paylink.Client.Create
	if link.ResourceVersion != "" {
		write = func(ctx context.Context, o client.Object, _ ...client.CreateOption) error {
			return paylink.Client.Update(ctx, o)
		}
	}
	if err := write(s.Ctx, link); err != nil {
		s.T.Fatal(err)
	}
	s.awaitReady(link)
}

// awaitReady waits until a PaymentLink is Ready, and the webhook server has seen it.
func (s *shop) awaitReady(link *v1alpha1.PaymentLink) {
	s.T.Helper()
	generation := link.Generation
	s.Eventually("PaymentLink "+link.Name+" is Ready", func(ctx context.Context) (bool, error) {
		err := paylink.Client.Get(ctx, client.ObjectKeyFromObject(link), link)
		return err == nil && link.Generation >= generation && link.Ready(), err
	})
	if link.Spec.PublicCheckout {
		s.Eventually("PaymentLink "+link.Name+" is for sale", func(context.Context) (bool, error) {
			a, err := send(s.Ctx, call{path: buyPath(link.Namespace, link.Name)})
			return err == nil && a.status == 200 && strings.Contains(a.body, link.Status.Price), err
		})
	}
}

// orderOf returns the shop's order of an id.
func (s *shop) orderOf(id string) *v1alpha1.Order {
	s.T.Helper()
	for _, o := range s.Orders() {
		if o.ClientReferenceID() == id {
			return &o
		}
	}
	s.T.Fatalf("there is no order %q in %s", id, s.Namespace)
	return nil
}

// await reads the order of an id until it is in a phase.
func (s *shop) await(id string, phase v1alpha1.OrderPhase) *v1alpha1.Order {
	s.T.Helper()
	var order *v1alpha1.Order
	s.Eventually(fmt.Sprintf("order %s is %s", id, phase), func(context.Context) (bool, error) {
		order = s.orderOf(id)
		return order.Status.Phase == phase, nil
	})
	return order
}
