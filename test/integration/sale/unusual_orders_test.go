package sale_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

func TestOrderBeforeItsLink(t *testing.T) {
	s := newClient(t)
	o := s.Order("early")
	o.Spec.PaymentLinkRef.Name = "later"
	s.Create(o)
	s.Await(o, "without a link", testclient.NotReady(v1alpha1.ReasonPaymentLinkNotFound))
	s.Create(s.PaymentLink("later"))
	s.Await(o, "ready", testclient.Ready)
}

func TestOrderIDBelongsToTheOldest(t *testing.T) {
	s := newClient(t)
	id := fmt.Sprintf("invoice-%s", s.Namespace)
	first := s.Order("first")
	first.Spec.OrderID = id
	s.Create(first)
	first = s.Await(first, "ready", testclient.Ready)

	elsewhere := newClient(t)
	second := elsewhere.Order("second")
	second.Spec.OrderID = id
	awaitNextSecond(t, first.CreationTimestamp.Time)
	elsewhere.Create(second)
	second = elsewhere.Await(second, "a duplicate", testclient.NotReady(v1alpha1.ReasonDuplicateOrderID))
	check.Equal(t, "", second.Status.CheckoutURL, "checkoutURL of a duplicate")
	s.Pay(first.Status.CheckoutURL)
	s.AwaitPhase(first, v1alpha1.OrderPaid)
	elsewhere.AwaitPhase(second, v1alpha1.OrderPending)

	s.Delete(first)
	elsewhere.Await(second, "the oldest now", testclient.Ready)
}

// awaitNextSecond waits for the next second of the API server's clock: of two orders created in one second, the uid decides
// which is the older.
func awaitNextSecond(t *testing.T, after time.Time) {
	t.Helper()
	timer := time.NewTimer(time.Until(after.Add(1100 * time.Millisecond)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

func TestWrongAmountNeedsAttention(t *testing.T) {
	s := newClient(t)
	o := s.CreateReady("cheap")
	cheap := paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Sticker", Amount: 100, Currency: "usd"})
	session := s.Pay(cheap.URL + "?client_reference_id=" + o.Status.ClientReferenceID)
	o = s.Await(o, "in need of attention", testclient.NeedsAttention(v1alpha1.ReasonPaymentMismatch))
	check.Equal(t, v1alpha1.OrderPending, o.Status.Phase, "phase of an order for 199.00 USD after 1.00 USD")
	s.Eventually("there is an Event", func(ctx context.Context) (bool, error) {
		out := s.Kubectl("get", "events.events.k8s.io", "-n", s.Namespace, "-o", "jsonpath={.items[*].reason}")
		return out == v1alpha1.ReasonPaymentMismatch, fmt.Errorf("the Events are %q", out)
	})

	s.Pay(o.Status.CheckoutURL)
	s.Await(o, "Paid, and still in need of attention", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && testclient.NeedsAttention(v1alpha1.ReasonPaymentMismatch)(o)
	})
	s.Refund(session, 0)
	s.Await(o, "Paid and in order", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && !testclient.NeedsAttention(v1alpha1.ReasonPaymentMismatch)(o)
	})
}

func TestPaymentAfterExpiryNeedsAttention(t *testing.T) {
	s := newClient(t)
	o := s.Order("late")
	o.Spec.ExpiresAfter = &metav1.Duration{Duration: 3 * time.Second}
	s.Create(o)
	o = s.Await(o, "ready", testclient.Ready)
	url := o.Status.CheckoutURL
	o = s.Await(o, "expired", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderFailed && testclient.NotReady(v1alpha1.ReasonExpired)(o)
	})
	check.Equal(t, "", o.Status.CheckoutURL, "checkoutURL of an expired order")
	s.Pay(url)
	s.Await(o, "Paid after expiry", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && testclient.NeedsAttention(v1alpha1.ReasonPaidAfterExpiry)(o)
	})
}

func TestEventsBeforeTheirOrder(t *testing.T) {
	s := newClient(t)
	id := "early-" + s.Namespace
	session := s.Pay(s.Link.URL + "?client_reference_id=" + id)
	s.AwaitDelivered()
	// The payment and its refund come before the order.
	s.Refund(session, 0)
	s.AwaitDelivered()
	kept := s.StripeEventsOf(session)
	if len(kept) != 2 {
		t.Fatalf("got %d StripeEvents, want the payment and the refund: %+v", len(kept), kept)
	}

	o := s.Order("after-its-payment")
	o.Spec.OrderID = id
	s.Create(o)
	s.AwaitPhase(o, v1alpha1.OrderRefunded)
	s.Eventually("both events are applied", func(context.Context) (bool, error) {
		for _, event := range s.StripeEventsOf(session) {
			if event.Status.Phase != v1alpha1.StripeEventApplied {
				return false, fmt.Errorf("%s is %+v", event.Name, event.Status)
			}
		}
		return true, nil
	})
}

func TestShuffledEventsWithCopies(t *testing.T) {
	s := newClient(t)
	var orders []*v1alpha1.Order
	for i := range 10 {
		orders = append(orders, s.CreateReady(fmt.Sprintf("shuffled-%d", i)))
	}
	// Stripe holds every event back, then delivers it twice, in a random order: refunds come before payments.
	s.PlanDelivery(stripesim.Plan{Hold: true, Copies: 2, Shuffle: true, Seed: 7})
	for i, o := range orders {
		session := s.Pay(o.Status.CheckoutURL)
		if i%2 == 0 {
			s.Refund(session, 0)
		}
	}
	paylink.Stripe.Delivery(stripesim.Plan{})
	s.AwaitDelivered()
	for i, o := range orders {
		want := v1alpha1.OrderPaid
		if i%2 == 0 {
			want = v1alpha1.OrderRefunded
		}
		s.AwaitPhase(o, want)
	}
}
