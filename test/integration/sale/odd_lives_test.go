package sale_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

func TestAnOrderFollowsItsLink(t *testing.T) {
	s := openShop(t)
	o := s.Order("early")
	o.Spec.PaymentLinkRef.Name = "later"
	s.Create(o)
	s.Await(o, "without a link", seller.Unready(v1alpha1.ReasonPaymentLinkNotFound))
	s.Create(s.PaymentLink("later"))
	s.Await(o, "ready", seller.Ready)
}

func TestARepricedLinkLeavesOrdersAlone(t *testing.T) {
	s := openShop(t)
	o := s.Sell("before")
	link := s.PaymentLink("lifetime")
	if err := paylink.Client.Get(s.Ctx, client.ObjectKeyFromObject(link), link); err != nil {
		t.Fatal(err)
	}
	link.Spec.Amount += 5000
	if err := paylink.Client.Update(s.Ctx, link); err != nil {
		t.Fatal(err)
	}
	s.Eventually("the controller has seen the new price", func(ctx context.Context) (bool, error) {
		err := paylink.Client.Get(ctx, client.ObjectKeyFromObject(link), link)
		return link.Ready(), err // of this generation
	})
	late := s.Order("after")
	s.Create(late)
	s.Await(late, "at another price than its link", seller.Unready(v1alpha1.ReasonPaymentLinkMismatch))
	s.Pay(o.Status.CheckoutURL)
	s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
}

func TestAnOrderIDBelongsToTheOldest(t *testing.T) {
	s := openShop(t)
	id := fmt.Sprintf("invoice-%s", s.Namespace)
	first := s.Order("first")
	first.Spec.OrderID = id
	s.Create(first)
	first = s.Await(first, "ready", seller.Ready)

	elsewhere := openShop(t)
	second := elsewhere.Order("second")
	second.Spec.OrderID = id
	second.CreationTimestamp = metav1.Time{}
	awaitNextSecond(t, first.CreationTimestamp.Time)
	elsewhere.Create(second)
	second = elsewhere.Await(second, "a duplicate", seller.Unready(v1alpha1.ReasonDuplicateOrderID))
	if second.Status.CheckoutURL != "" {
		t.Errorf("a duplicate was given the checkout URL %s", second.Status.CheckoutURL)
	}
	s.Pay(first.Status.CheckoutURL)
	s.Await(first, "Paid", seller.InPhase(v1alpha1.OrderPaid))
	elsewhere.Await(second, "still Pending", seller.InPhase(v1alpha1.OrderPending))

	if err := paylink.Client.Delete(s.Ctx, first); err != nil {
		t.Fatal(err)
	}
	elsewhere.Await(second, "the oldest now", seller.Ready)
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
	o := s.Sell("cheap")
	cheap := paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Sticker", Amount: 100, Currency: "usd"})
	session, err := paylink.Stripe.Buyer().Pay(s.Ctx, cheap.URL+"?client_reference_id="+o.Status.ClientReferenceID, stripesim.Card4242)
	if err != nil {
		t.Fatal(err)
	}
	o = s.Await(o, "in need of a person", seller.NeedsAttention(v1alpha1.ReasonPaymentMismatch))
	if o.Status.Phase != v1alpha1.OrderPending {
		t.Errorf("1.00 USD made an order of 199.00 USD %s", o.Status.Phase)
	}
	s.Eventually("an Event says so", func(ctx context.Context) (bool, error) {
		out := s.kubectl("get", "events.events.k8s.io", "-n", s.Namespace, "-o", "jsonpath={.items[*].reason}")
		return out == v1alpha1.ReasonPaymentMismatch, fmt.Errorf("the Events are %q", out)
	})

	s.Pay(o.Status.CheckoutURL)
	s.Await(o, "Paid, and still in need of a person", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && seller.NeedsAttention(v1alpha1.ReasonPaymentMismatch)(o)
	})
	if _, err := paylink.Stripe.Refund(s.Intent(session.ID), 0); err != nil {
		t.Fatal(err)
	}
	s.Await(o, "Paid and in order", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && !seller.NeedsAttention(v1alpha1.ReasonPaymentMismatch)(o)
	})
}

func TestAnOrderExpiresAndLateMoneyNeedsAPerson(t *testing.T) {
	s := openShop(t)
	o := s.Order("late")
	o.Spec.ExpiresAfter = &metav1.Duration{Duration: 3 * time.Second}
	s.Create(o)
	o = s.Await(o, "ready", seller.Ready)
	url := o.Status.CheckoutURL
	o = s.Await(o, "expired", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderFailed && seller.Unready(v1alpha1.ReasonExpired)(o)
	})
	if o.Status.CheckoutURL != "" {
		t.Errorf("an expired order still has the checkout URL %s", o.Status.CheckoutURL)
	}
	if _, err := paylink.Stripe.Buyer().Pay(s.Ctx, url, stripesim.Card4242); err != nil {
		t.Fatal(err)
	}
	s.Await(o, "Paid after expiry", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && seller.NeedsAttention(v1alpha1.ReasonPaidAfterExpiry)(o)
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
	if _, err := paylink.Stripe.Refund(s.Intent(session.ID), 0); err != nil {
		t.Fatal(err)
	}
	s.Settled()
	kept := s.Kept(session)
	if len(kept) != 2 {
		t.Fatalf("kept %d events, want the payment and the refund: %+v", len(kept), kept)
	}

	o := s.Order("after-its-money")
	o.Spec.OrderID = id
	s.Create(o)
	s.Await(o, "Refunded", seller.InPhase(v1alpha1.OrderRefunded))
	s.Eventually("both events are applied", func(context.Context) (bool, error) {
		for _, event := range s.Kept(session) {
			if event.Status.Phase != v1alpha1.StripeEventApplied {
				return false, fmt.Errorf("%s is %+v", event.Name, event.Status)
			}
		}
		return true, nil
	})
}

func TestEventsInAnyOrderWithCopies(t *testing.T) {
	s := openShop(t)
	var orders []*v1alpha1.Order
	for i := range 10 {
		orders = append(orders, s.Sell(fmt.Sprintf("shuffled-%d", i)))
	}
	// Everything is held back, then delivered twice, in a random order: refunds come before payments.
	s.Deliver(stripesim.Plan{Hold: true, Copies: 2, Shuffle: true, Seed: 7})
	for i, o := range orders {
		session := s.Pay(o.Status.CheckoutURL)
		if i%2 == 0 {
			if _, err := paylink.Stripe.Refund(s.Intent(session.ID), 0); err != nil {
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
		s.Await(o, string(want), seller.InPhase(want))
	}
}
