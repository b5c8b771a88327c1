package sale_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// sales is how many payments are under way when something is killed.
const sales = 500

func TestKillingTheWebhookServerLosesNothing(t *testing.T) {
	s := openShop(t)
	orders := s.sellMany(sales)
	s.payAll(orders, map[int]func() error{
		sales / 4: paylink.Webhook.Kill,
		sales / 2: func() error { return paylink.Webhook.Start(s.Ctx) },
		// A stop, unlike a kill, must end well: exit code 0.
		sales * 3 / 4: func() error {
			if err := paylink.Webhook.Stop(); err != nil {
				return err
			}
			return paylink.Webhook.Start(s.Ctx)
		},
	})
	s.reconcileBooks(orders)
}

func TestKillingTheAPIServerLosesNothing(t *testing.T) {
	s := openShop(t)
	orders := s.sellMany(sales)
	s.payAll(orders, map[int]func() error{
		sales / 4: paylink.Cluster.KillAPIServer,
		sales / 2: paylink.Cluster.StartAPIServer,
	})
	s.reconcileBooks(orders)
	// Without the API server a leader cannot renew its lease and exits; a Deployment starts it again.
	if !paylink.Controller.Ready(s.Ctx) {
		_ = paylink.Controller.Kill()
		if err := paylink.Controller.Start(s.Ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// sellMany creates orders and returns them once each can be paid.
func (s *shop) sellMany(n int) []*v1alpha1.Order {
	s.T.Helper()
	orders := make([]*v1alpha1.Order, n)
	for i := range orders {
		orders[i] = s.Order(fmt.Sprintf("sale-%03d", i))
		s.Create(orders[i])
	}
	for i := range orders {
		orders[i] = s.Await(orders[i], "ready", seller.Ready)
	}
	return orders
}

// payAll pays for every order, eight buyers at a time, and does what is planned once so many have paid.
func (s *shop) payAll(orders []*v1alpha1.Order, planned map[int]func() error) {
	s.T.Helper()
	var paid atomic.Int64
	var buyers sync.WaitGroup
	queue := make(chan *v1alpha1.Order)
	for range 8 {
		buyers.Go(func() {
			for o := range queue {
				if _, err := paylink.Stripe.Buyer().Pay(s.Ctx, o.Status.CheckoutURL, stripesim.Card4242); err != nil {
					s.T.Errorf("pay for %s: %v", o.Name, err)
				}
				paid.Add(1)
			}
		})
	}
	for i, o := range orders {
		if do := planned[i]; do != nil {
			if err := do(); err != nil {
				s.T.Errorf("after %d payments: %v", paid.Load(), err)
			}
		}
		queue <- o
	}
	close(queue)
	buyers.Wait()
}

// reconcileBooks compares Stripe's books with the orders, penny by penny, once Stripe has delivered everything.
func (s *shop) reconcileBooks(orders []*v1alpha1.Order) {
	s.T.Helper()
	s.Settled()
	received := map[string]int64{}
	for _, entry := range paylink.Stripe.Books() {
		received[entry.Session.ClientReferenceID] += entry.Received
	}
	var list v1alpha1.OrderList
	s.Eventually("the orders can be listed", func(ctx context.Context) (bool, error) {
		err := paylink.Client.List(ctx, &list, client.InNamespace(s.Namespace))
		return err == nil, err
	})
	if len(list.Items) != len(orders) {
		s.T.Errorf("there are %d orders, want %d", len(list.Items), len(orders))
	}
	lost := 0
	for i := range list.Items {
		o := &list.Items[i]
		var held int64
		for _, p := range o.Status.Payments {
			held += p.Amount
		}
		if o.Status.Phase != v1alpha1.OrderPaid || held != received[o.Status.ClientReferenceID] || held != seller.Price {
			lost++
			s.T.Errorf("order %s is %s with %d, Stripe received %d", o.Name, o.Status.Phase, held, received[o.Status.ClientReferenceID])
		}
	}
	failed := 0
	for _, a := range paylink.Stripe.Attempts() {
		if !a.Delivered() {
			failed++
		}
	}
	s.T.Logf("orders: %d, lost: %d, deliveries that failed and were repeated so far: %d", len(orders), lost, failed)
}
