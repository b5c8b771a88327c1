package testclient

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// Order returns an Order, not yet created, for the PaymentLink "lifetime".
func (c *Client) Order(name string) *v1alpha1.Order {
	return &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: name},
		Spec: v1alpha1.OrderSpec{
			ProductID: "lifetime", ProductName: "Lifetime", Amount: Price, Currency: "USD", Livemode: ptr.To(false),
			PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "lifetime"},
		},
	}
}

// CreateReady creates an Order and returns it once it is Ready.
func (c *Client) CreateReady(name string) *v1alpha1.Order {
	c.T.Helper()
	o := c.Order(name)
	c.Create(o)
	return c.Await(o, "ready", Ready)
}

// CreateAllReady creates n Orders and returns them once all are Ready.
func (c *Client) CreateAllReady(n int) []*v1alpha1.Order {
	c.T.Helper()
	orders := make([]*v1alpha1.Order, n)
	first := len(c.Orders())
	for i := range orders {
		orders[i] = c.Order(fmt.Sprintf("order-%03d", first+i))
		c.Create(orders[i])
	}
	for i := range orders {
		orders[i] = c.Await(orders[i], "ready", Ready)
	}
	return orders
}

// Orders returns all orders of the namespace.
func (c *Client) Orders() []v1alpha1.Order {
	c.T.Helper()
	var list v1alpha1.OrderList
	c.Must(c.Stack.Client.List(c.Ctx, &list, client.InNamespace(c.Namespace)))
	return list.Items
}

// Await reads the order until a condition holds.
func (c *Client) Await(o *v1alpha1.Order, what string, is func(*v1alpha1.Order) bool) *v1alpha1.Order {
	c.T.Helper()
	current := &v1alpha1.Order{}
	c.Eventually(fmt.Sprintf("order %s is %s", o.Name, what), func(ctx context.Context) (bool, error) {
		if err := c.Stack.Client.Get(ctx, client.ObjectKeyFromObject(o), current); err != nil || is(current) {
			return err == nil, err
		}
		return false, fmt.Errorf("it is %+v", current.Status)
	})
	return current
}

// AwaitPhase reads the order until it is in a phase.
func (c *Client) AwaitPhase(o *v1alpha1.Order, phase v1alpha1.OrderPhase) *v1alpha1.Order {
	c.T.Helper()
	return c.Await(o, string(phase), InPhase(phase))
}

// Read returns the order as the API server has it now.
func (c *Client) Read(o *v1alpha1.Order) *v1alpha1.Order {
	c.T.Helper()
	current := &v1alpha1.Order{}
	c.Must(c.Stack.Client.Get(c.Ctx, client.ObjectKeyFromObject(o), current))
	return current
}

// StripeEventsOf returns the StripeEvents of a session and of its payment.
func (c *Client) StripeEventsOf(session stripesim.Session) []v1alpha1.StripeEvent {
	c.T.Helper()
	intent := c.PaymentIntent(session.ID)
	return c.StripeEvents(func(e v1alpha1.StripeEventFact) bool { return e.PaymentIntentID == intent })
}

// StripeEvents returns the StripeEvents that match.
func (c *Client) StripeEvents(matches func(v1alpha1.StripeEventFact) bool) []v1alpha1.StripeEvent {
	c.T.Helper()
	var list v1alpha1.StripeEventList
	c.Must(c.Stack.Client.List(c.Ctx, &list, client.InNamespace(c.Stack.Namespace)))
	return slices.DeleteFunc(list.Items, func(e v1alpha1.StripeEvent) bool { return !matches(e.Spec.Fact) })
}

// Ready reports whether the order has a checkout URL.
func Ready(o *v1alpha1.Order) bool {
	return meta.IsStatusConditionTrue(o.Status.Conditions, v1alpha1.ConditionReady)
}

// NotReady reports whether the order is not Ready, for this reason.
func NotReady(reason string) func(*v1alpha1.Order) bool {
	return condition(v1alpha1.ConditionReady, metav1.ConditionFalse, reason)
}

// NeedsAttention reports whether the order needs a person, for this reason.
func NeedsAttention(reason string) func(*v1alpha1.Order) bool {
	return condition(v1alpha1.ConditionNeedsAttention, metav1.ConditionTrue, reason)
}

// NeedsNoAttention reports whether the order needs no person.
func NeedsNoAttention(o *v1alpha1.Order) bool {
	return meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionNeedsAttention) == nil
}

func condition(kind string, status metav1.ConditionStatus, reason string) func(*v1alpha1.Order) bool {
	return func(o *v1alpha1.Order) bool {
		c := meta.FindStatusCondition(o.Status.Conditions, kind)
		return c != nil && c.Status == status && c.Reason == reason
	}
}

// InPhase reports whether the order is in a phase.
func InPhase(phase v1alpha1.OrderPhase) func(*v1alpha1.Order) bool {
	return func(o *v1alpha1.Order) bool { return o.Status.Phase == phase }
}
