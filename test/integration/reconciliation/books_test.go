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
	"github.com/paylink-dev/paylink/test/bookkeeper"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// agree waits until the orders agree with Stripe's books to the penny, and nothing is kept that was not applied.
func (s *shop) agree() {
	s.T.Helper()
	s.Settled()
	s.Eventually("the orders agree with Stripe's books", func(ctx context.Context) (bool, error) {
		if all := s.differences(); len(all) > 0 {
			return false, fmt.Errorf("there are %d differences: %v", len(all), all[:min(len(all), 5)])
		}
		waiting := s.KeptThat(func(v1alpha1.StripeEventFact) bool { return true })
		waiting = slices.DeleteFunc(waiting, func(e v1alpha1.StripeEvent) bool { return e.Status.Phase == v1alpha1.StripeEventApplied })
		return len(waiting) == 0, fmt.Errorf("kept are %+v", waiting)
	})
}

func (s *shop) differences() []bookkeeper.Difference {
	s.T.Helper()
	return bookkeeper.Compare(s.Stripe.Books(), s.Orders()).Differences
}

// total is the sum of all counts.
func total(counts map[string]float64) (sum float64) {
	for n := range maps.Values(counts) {
		sum += n
	}
	return sum
}

// witness watches how far the controller says that it has read, and that everything before that is there: at the moment in
// which it said so, and not soon after. The returned function ends that, and returns how often the controller got further.
func (s *shop) witness() (stop func() int) {
	ctx, cancel := context.WithCancel(s.Ctx)
	w := &witness{shop: s}
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

type witness struct {
	shop  *shop
	until time.Time
	// steps is how often the controller got further, and checked how many of Stripe's events were found.
	steps, checked int
}

func (w *witness) look(ctx context.Context) error {
	kept, version, err := w.shop.state(ctx)
	if err != nil || kept["events-read-until"] == "" {
		return err
	}
	until, err := time.Parse(time.RFC3339, kept["events-read-until"])
	if err != nil || until.Equal(w.until) {
		return err
	}
	if until.Before(w.until) {
		return fmt.Errorf("the controller had read until %s, and now until %s", w.until, until)
	}
	w.until = until
	w.steps++
	var orders v1alpha1.OrderList
	var events v1alpha1.StripeEventList
	for namespace, list := range map[string]client.ObjectList{w.shop.Namespace: &orders, w.shop.Paylink.Namespace: &events} {
		err := w.shop.Paylink.Client.List(ctx, list, client.InNamespace(namespace), &client.ListOptions{
			Raw: &metav1.ListOptions{ResourceVersion: version, ResourceVersionMatch: metav1.ResourceVersionMatchExact},
		})
		if err != nil {
			return fmt.Errorf("list what there was when the controller had read until %s: %w", until, err)
		}
	}
	for _, event := range w.shop.Stripe.Events()[w.checked:] {
		if event.Created.Unix() >= until.Unix() {
			return nil
		}
		isKept := slices.ContainsFunc(events.Items, func(e v1alpha1.StripeEvent) bool { return e.Spec.Fact.EventID == event.ID })
		if !isKept && !recorded(event, orders.Items) {
			return fmt.Errorf("the controller said that it had read until %s, and no order knew of %s (%s) of %s", until, event.ID, event.Type, event.Created)
		}
		w.checked++
	}
	return nil
}

// recorded reports whether an order has what an event tells, if that is something of a payment.
func recorded(event stripesim.Event, orders []v1alpha1.Order) bool {
	var told struct {
		ID             string `json:"id"`
		PaymentIntent  string `json:"payment_intent"`
		AmountRefunded int64  `json:"amount_refunded"`
		Status         string `json:"status"`
	}
	if err := json.Unmarshal(event.Data, &told); err != nil {
		return false
	}
	var is func(v1alpha1.Payment) bool
	switch event.Type {
	case sessionCompleted:
		is = func(p v1alpha1.Payment) bool { return p.SessionID == told.ID }
	case debitArrived:
		is = func(p v1alpha1.Payment) bool { return p.SessionID == told.ID && p.Outcome == v1alpha1.OutcomePaid }
	case debitFailed:
		is = func(p v1alpha1.Payment) bool { return p.SessionID == told.ID && p.Outcome == v1alpha1.OutcomeFailed }
	case chargeRefunded:
		is = func(p v1alpha1.Payment) bool {
			return p.PaymentIntentID == told.PaymentIntent && p.AmountRefunded >= told.AmountRefunded
		}
	case disputeCreated, disputeClosed:
		is = func(p v1alpha1.Payment) bool {
			return slices.ContainsFunc(p.Disputes, func(d v1alpha1.Dispute) bool {
				return d.ID == told.ID && (event.Type == disputeCreated || d.Status == told.Status)
			})
		}
	default:
		return true
	}
	return slices.ContainsFunc(orders, func(o v1alpha1.Order) bool { return slices.ContainsFunc(o.Status.Payments, is) })
}
