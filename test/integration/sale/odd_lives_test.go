package sale_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
)

func TestAnOrderFollowsItsLink(t *testing.T) {
	s := openShop(t)
	o := s.order("early")
	o.Spec.PaymentLinkRef.Name = "later"
	s.Create(o)
	s.await(o, "without a link", unready(v1alpha1.ReasonPaymentLinkNotFound))
	s.Create(s.PaymentLink("later"))
	s.await(o, "ready", ready)
}

func TestARepricedLinkLeavesOrdersAlone(t *testing.T) {
	s := openShop(t)
	o := s.sell("before")
	link := s.PaymentLink("lifetime")
	if err := paylink.Client.Get(s.Ctx, client.ObjectKeyFromObject(link), link); err != nil {
		t.Fatal(err)
	}
	link.Spec.Amount += 5000
	if err := paylink.Client.Update(s.Ctx, link); err != nil {
		t.Fatal(err)
	}
	late := s.order("after")
	s.Create(late)
	s.await(late, "at another price than its link", unready(v1alpha1.ReasonPaymentLinkMismatch))
	s.pay(o)
	s.await(o, "Paid", inPhase(v1alpha1.OrderPaid))
}

func TestAnOrderIDBelongsToTheOldest(t *testing.T) {
	s := openShop(t)
	id := fmt.Sprintf("invoice-%s", s.Namespace)
	first := s.order("first")
	first.Spec.OrderID = id
	s.Create(first)
	first = s.await(first, "ready", ready)

	elsewhere := openShop(t)
	second := elsewhere.order("second")
	second.Spec.OrderID = id
	second.CreationTimestamp = metav1.Time{}
	awaitNextSecond(t, first.CreationTimestamp.Time)
	elsewhere.Create(second)
	second = elsewhere.await(second, "a duplicate", unready(v1alpha1.ReasonDuplicateOrderID))
	if second.Status.CheckoutURL != "" {
		t.Errorf("a duplicate was given the checkout URL %s", second.Status.CheckoutURL)
	}
	s.pay(first)
	s.await(first, "Paid", inPhase(v1alpha1.OrderPaid))
	elsewhere.await(second, "still Pending", inPhase(v1alpha1.OrderPending))

	if err := paylink.Client.Delete(s.Ctx, first); err != nil {
		t.Fatal(err)
	}
	elsewhere.await(second, "the oldest now", ready)
}

// awaitNextSecond lets the API server's clock move on: creation times are to the second, and of two in the same one
// the uid decides.
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

func TestAWrongAmountNeedsAPerson(t *testing.T) {
	s := openShop(t)
	o := s.sell("cheap")
	cheap := paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Sticker", Amount: 100, Currency: "usd"})
	session, err := paylink.Stripe.Buyer().Pay(s.Ctx, cheap.URL+"?client_reference_id="+o.Status.ClientReferenceID, stripesim.Card4242)
	if err != nil {
		t.Fatal(err)
	}
	o = s.await(o, "in need of a person", needsAttention(v1alpha1.ReasonPaymentMismatch))
	if o.Status.Phase != v1alpha1.OrderPending {
		t.Errorf("1.00 USD made an order of 199.00 USD %s", o.Status.Phase)
	}
	s.Eventually("an Event says so", func(ctx context.Context) (bool, error) {
		out := s.kubectl("get", "events.events.k8s.io", "-n", s.Namespace, "-o", "jsonpath={.items[*].reason}")
		return out == v1alpha1.ReasonPaymentMismatch, fmt.Errorf("the Events are %q", out)
	})

	s.pay(o)
	s.await(o, "Paid, and still in need of a person", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && needsAttention(v1alpha1.ReasonPaymentMismatch)(o)
	})
	if _, err := paylink.Stripe.Refund(sessionIntent(t, session.ID), 0); err != nil {
		t.Fatal(err)
	}
	s.await(o, "Paid and in order", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && !needsAttention(v1alpha1.ReasonPaymentMismatch)(o)
	})
}

func sessionIntent(t *testing.T, id string) string {
	t.Helper()
	session, ok := paylink.Stripe.Session(id)
	if !ok || session.PaymentIntent == "" {
		t.Fatalf("session %s has no payment", id)
	}
	return session.PaymentIntent
}

func TestAnOrderExpiresAndLateMoneyNeedsAPerson(t *testing.T) {
	s := openShop(t)
	o := s.order("late")
	o.Spec.ExpiresAfter = &metav1.Duration{Duration: 3 * time.Second}
	s.Create(o)
	o = s.await(o, "ready", ready)
	url := o.Status.CheckoutURL
	o = s.await(o, "expired", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderFailed && unready(v1alpha1.ReasonExpired)(o)
	})
	if o.Status.CheckoutURL != "" {
		t.Errorf("an expired order still has the checkout URL %s", o.Status.CheckoutURL)
	}
	if _, err := paylink.Stripe.Buyer().Pay(s.Ctx, url, stripesim.Card4242); err != nil {
		t.Fatal(err)
	}
	s.await(o, "Paid after expiry", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && needsAttention(v1alpha1.ReasonPaidAfterExpiry)(o)
	})
}

func TestAnEventBeforeItsOrderIsKept(t *testing.T) {
	s := openShop(t)
	id := "early-" + s.Namespace
	session, err := paylink.Stripe.Buyer().Pay(s.Ctx, s.Link.URL+"?client_reference_id="+id, stripesim.Card4242)
	if err != nil {
		t.Fatal(err)
	}
	s.Settled()
	// The whole history is there before the order is: the payment, and its refund.
	if _, err := paylink.Stripe.Refund(sessionIntent(t, session.ID), 0); err != nil {
		t.Fatal(err)
	}
	s.Settled()
	kept := s.kept(session)
	if len(kept) != 2 {
		t.Fatalf("kept %d events, want the payment and the refund: %+v", len(kept), kept)
	}

	o := s.order("after-its-money")
	o.Spec.OrderID = id
	s.Create(o)
	s.await(o, "Refunded", inPhase(v1alpha1.OrderRefunded))
	s.Eventually("both events are applied", func(context.Context) (bool, error) {
		for _, event := range s.kept(session) {
			if event.Status.Phase != v1alpha1.StripeEventApplied {
				return false, fmt.Errorf("%s is %+v", event.Name, event.Status)
			}
		}
		return true, nil
	})
}

// kept returns the StripeEvents that speak of a session.
func (s *shop) kept(session stripesim.Session) []v1alpha1.StripeEvent {
	s.T.Helper()
	var list v1alpha1.StripeEventList
	if err := paylink.Client.List(s.Ctx, &list, client.InNamespace(paylink.Namespace)); err != nil {
		s.T.Fatal(err)
	}
	intent := sessionIntent(s.T, session.ID)
	return slices.DeleteFunc(list.Items, func(e v1alpha1.StripeEvent) bool { return e.Spec.PaymentIntentID != intent })
}

func TestEventsInAnyOrderWithCopies(t *testing.T) {
	s := openShop(t)
	var orders []*v1alpha1.Order
	for i := range 10 {
		orders = append(orders, s.sell(fmt.Sprintf("shuffled-%d", i)))
	}
	// Everything is held back, then delivered twice, in a random order: refunds come before payments.
	s.Deliver(stripesim.Plan{Hold: true, Copies: 2, Shuffle: true, Seed: 7})
	for i, o := range orders {
		session := s.pay(o)
		if i%2 == 0 {
			if _, err := paylink.Stripe.Refund(sessionIntent(t, session.ID), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	paylink.Stripe.Delivery(stripesim.Plan{})
	s.Settled()
	for i, o := range orders {
		want := v1alpha1.OrderPaid
		if i%2 == 0 {
			want = v1alpha1.OrderRefunded
		}
		s.await(o, string(want), inPhase(want))
	}
}
