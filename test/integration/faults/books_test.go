package faults_test

import (
	"context"
	"fmt"
	"os"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/bookkeeper"
	"github.com/paylink-dev/paylink/test/stack"
)

// list returns all orders of the sale, by name.
func (s *sale) list(ctx context.Context) ([]v1alpha1.Order, error) {
	var list v1alpha1.OrderList
	err := s.Paylink.Client.List(ctx, &list, client.InNamespace(s.Namespace))
	return list.Items, err
}

// settle waits until Stripe has delivered, or given up, all that it has to tell, and then until the books agree. What was
// kept for later is applied by the controller in its own time, and what Stripe gave up is fetched.
func (s *sale) settle() {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.Ctx, patience())
	defer cancel()
	if err := s.Stripe.WaitDelivered(ctx); err != nil {
		s.T.Errorf("Stripe still has events to deliver: %v", err)
	}
	s.until("the orders agree with Stripe's books", func(ctx context.Context) error {
		orders, err := s.list(ctx)
		if err != nil {
			return err
		}
		s.report = bookkeeper.Compare(s.Stripe.Books(), orders)
		if all := s.report.Differences; len(all) > 0 {
			return fmt.Errorf("there are %d differences: %v", len(all), all[:min(len(all), 10)])
		}
		return s.applied(ctx)
	})
}

// applied tells what was kept for later and still is.
func (s *sale) applied(ctx context.Context) error {
	var kept v1alpha1.StripeEventList
	if err := s.Paylink.Client.List(ctx, &kept, client.InNamespace(s.Paylink.Namespace)); err != nil {
		return err
	}
	for _, event := range kept.Items {
		if event.Status.Phase != v1alpha1.StripeEventApplied {
			return fmt.Errorf("event %s is kept: %+v", event.Name, event)
		}
	}
	return nil
}

// clear removes what the sale made, so that the next one's servers do not carry it.
func (s *sale) clear() {
	s.T.Helper()
	for kind, namespace := range map[client.Object]string{
		&v1alpha1.Order{}: s.Namespace, &v1alpha1.PaymentLink{}: s.Namespace, &v1alpha1.StripeEvent{}: s.Paylink.Namespace,
	} {
		s.until("what was made is removed", func(ctx context.Context) error {
			return s.Paylink.Client.DeleteAllOf(ctx, kind, client.InNamespace(namespace))
		})
	}
}

// removeLog removes a server's log, which the next sale's servers would add to.
func (s *sale) removeLog(server *stack.Server) {
	s.T.Helper()
	if err := os.Remove(server.Log); err != nil {
		s.T.Error(err)
	}
}
