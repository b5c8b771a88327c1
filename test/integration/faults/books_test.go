package faults_test

import (
	"context"
	"fmt"
	"os"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/oracle"
	"github.com/paylink-dev/paylink/test/stack"
)

// list returns all orders of the sale, by name.
func (s *sale) list(ctx context.Context) ([]v1alpha1.Order, error) {
	var list v1alpha1.OrderList
	err := s.Stack.Client.List(ctx, &list, client.InNamespace(s.Namespace))
	return list.Items, err
}

// settle waits until Stripe has delivered every event, or given up, and then until the orders agree with its records. The
// controller applies parked events, and fetches those that Stripe gave up.
func (s *sale) settle() {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.Ctx, timeout())
	defer cancel()
	if err := s.Stripe.WaitDelivered(ctx); err != nil {
		s.T.Errorf("Stripe still has events to deliver: %v", err)
	}
	s.until("the orders agree with Stripe's records", func(ctx context.Context) error {
		orders, err := s.list(ctx)
		if err != nil {
			return err
		}
		s.report = oracle.Compare(s.Stripe.Books(), orders)
		if all := s.report.Differences; len(all) > 0 {
			return fmt.Errorf("there are %d differences: %v", len(all), all[:min(len(all), 10)])
		}
		return s.applied(ctx)
	})
}

// applied returns an error while a StripeEvent is not applied.
func (s *sale) applied(ctx context.Context) error {
	var kept v1alpha1.StripeEventList
	if err := s.Stack.Client.List(ctx, &kept, client.InNamespace(s.Stack.Namespace)); err != nil {
		return err
	}
	for _, event := range kept.Items {
		if event.Status.Phase != v1alpha1.StripeEventApplied {
			return fmt.Errorf("StripeEvent %s is not applied: %+v", event.Name, event)
		}
	}
	return nil
}

// clear removes the sale's objects, so that the next one's servers do not cache them.
func (s *sale) clear() {
	s.T.Helper()
	for kind, namespace := range map[client.Object]string{
		&v1alpha1.Order{}: s.Namespace, &v1alpha1.PaymentLink{}: s.Namespace, &v1alpha1.StripeEvent{}: s.Stack.Namespace,
	} {
		s.until("the objects are removed", func(ctx context.Context) error {
			return s.Stack.Client.DeleteAllOf(ctx, kind, client.InNamespace(namespace))
		})
	}
}

// removeLog removes a server's log, to which the next sale's servers would append.
func (s *sale) removeLog(server *stack.Server) {
	s.T.Helper()
	check.NoError(s.T, os.Remove(server.Log))
}
