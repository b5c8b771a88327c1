package reconciliation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/oracle"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// expectAgreement waits until the orders agree with Stripe's records to the cent, and every StripeEvent is applied.
func (s *fixture) expectAgreement() {
	s.T.Helper()
	s.AwaitDelivered()
	s.Eventually("the orders agree with Stripe's records", func(ctx context.Context) (bool, error) {
		if all := s.differences(); len(all) > 0 {
			return false, fmt.Errorf("there are %d differences: %v", len(all), all[:min(len(all), 5)])
		}
		waiting := s.StripeEvents(func(v1alpha1.StripeEventFact) bool { return true })
		waiting = slices.DeleteFunc(waiting, func(e v1alpha1.StripeEvent) bool { return e.Status.Phase == v1alpha1.StripeEventApplied })
		return len(waiting) == 0, fmt.Errorf("the StripeEvents are %+v", waiting)
	})
}

func (s *fixture) differences() []oracle.Difference {
	s.T.Helper()
	return oracle.Compare(s.Stripe.Books(), s.Orders()).Differences
}

// total is the sum of all counts.
func total(counts map[string]float64) (sum float64) {
	for n := range maps.Values(counts) {
		sum += n
	}
	return sum
}

// watchProgress checks, whenever the controller reports the time until which it has read, that every earlier event is
// recorded in that version of the cluster. The returned function ends that, and returns the number of reports.
func (s *fixture) watchProgress() (stop func() int) {
	ctx, cancel := context.WithCancel(s.Ctx)
	w := &progress{fixture: s}
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if err := w.look(ctx); err != nil && ctx.Err() == nil {
				s.T.Error(err)
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	end := func() int {
		cancel()
		watching.Wait()
		return w.steps
	}
	s.T.Cleanup(func() { end() })
	return end
}

type progress struct {
	fixture *fixture
	until   time.Time
	// steps counts the reports, and checked the events that were recorded.
	steps, checked int
}

func (w *progress) look(ctx context.Context) error {
	kept, version, err := w.fixture.state(ctx)
	if err != nil || kept["events-read-until"] == "" {
		return err
	}
	until, err := time.Parse(time.RFC3339, kept["events-read-until"])
	if err != nil || until.Equal(w.until) {
		return err
	}
	if until.Before(w.until) {
		return fmt.Errorf("got progress from %s back to %s", w.until, until)
	}
	w.until = until
	w.steps++
	var orders v1alpha1.OrderList
	var events v1alpha1.StripeEventList
	for namespace, list := range map[string]client.ObjectList{w.fixture.Namespace: &orders, w.fixture.Stack.Namespace: &events} {
		err := w.fixture.Stack.Client.List(ctx, list, client.InNamespace(namespace), &client.ListOptions{
			Raw: &metav1.ListOptions{ResourceVersion: version, ResourceVersionMatch: metav1.ResourceVersionMatchExact},
		})
		if err != nil {
			return fmt.Errorf("list the objects of the time when the controller had read until %s: %w", until, err)
		}
	}
	for _, event := range w.fixture.Stripe.Events()[w.checked:] {
		if event.Created.Unix() >= until.Unix() {
			return nil
		}
		isKept := slices.ContainsFunc(events.Items, func(e v1alpha1.StripeEvent) bool { return e.Spec.Fact.EventID == event.ID })
		if !isKept && !recorded(event, orders.Items) {
			return fmt.Errorf("the controller had read until %s, and no order had the event %s (%s) of %s", until, event.ID, event.Type, event.Created)
		}
		w.checked++
	}
	return nil
}

// recorded reports whether an order has the fact of an event, or whether the event has none.
func recorded(event stripesim.Event, orders []v1alpha1.Order) bool {
	var object struct {
		ID             string `json:"id"`
		PaymentIntent  string `json:"payment_intent"`
		AmountRefunded int64  `json:"amount_refunded"`
		Status         string `json:"status"`
	}
	if err := json.Unmarshal(event.Data, &object); err != nil {
		return false
	}
	var is func(v1alpha1.Payment) bool
	switch event.Type {
	case sessionCompleted:
		is = func(p v1alpha1.Payment) bool { return p.SessionID == object.ID }
	case debitArrived:
		is = func(p v1alpha1.Payment) bool { return p.SessionID == object.ID && p.Outcome == v1alpha1.OutcomePaid }
	case debitFailed:
		is = func(p v1alpha1.Payment) bool { return p.SessionID == object.ID && p.Outcome == v1alpha1.OutcomeFailed }
	case chargeRefunded:
		is = func(p v1alpha1.Payment) bool {
			return p.PaymentIntentID == object.PaymentIntent && p.AmountRefunded >= object.AmountRefunded
		}
	case disputeCreated, disputeClosed:
		is = func(p v1alpha1.Payment) bool {
			return slices.ContainsFunc(p.Disputes, func(d v1alpha1.Dispute) bool {
				return d.ID == object.ID && (event.Type == disputeCreated || d.Status == object.Status)
			})
		}
	default:
		return true
	}
	return slices.ContainsFunc(orders, func(o v1alpha1.Order) bool { return slices.ContainsFunc(o.Status.Payments, is) })
}
