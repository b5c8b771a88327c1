package fakeapi

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// OrderURL is the address of the Payment Link that an order is paid through, where it names no PaymentLink.
const OrderURL = "https://buy.stripe.com/a"

// OrderBuilder builds an Order.
type OrderBuilder struct{ order v1alpha1.Order }

// MakeOrder starts an order for 199.00 USD in live mode, created at Now in Namespace, with the uid "NAME-uid". It has no
// status: Ready adds it.
func MakeOrder(name string) *OrderBuilder {
	return &OrderBuilder{v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: Namespace, Name: name, UID: types.UID(name + "-uid"), Generation: 1, CreationTimestamp: metav1.NewTime(Now),
		},
		Spec: v1alpha1.OrderSpec{ProductID: "lifetime", Amount: 19900, Currency: "USD", PaymentLinkURL: OrderURL},
	}}
}

// Obj returns the order.
func (b *OrderBuilder) Obj() *v1alpha1.Order { return b.order.DeepCopy() }

// With applies changes for which there is no method.
func (b *OrderBuilder) With(changes ...func(*v1alpha1.Order)) *OrderBuilder {
	for _, change := range changes {
		change(&b.order)
	}
	return b
}

// Namespace sets the namespace.
func (b *OrderBuilder) Namespace(namespace string) *OrderBuilder {
	b.order.Namespace = namespace
	return b
}

// UID sets the uid.
func (b *OrderBuilder) UID(uid string) *OrderBuilder {
	b.order.UID = types.UID(uid)
	return b
}

// Age sets the creation time to so long before Now.
func (b *OrderBuilder) Age(age time.Duration) *OrderBuilder {
	b.order.CreationTimestamp = metav1.NewTime(Now.Add(-age))
	return b
}

// OrderID sets spec.orderId.
func (b *OrderBuilder) OrderID(id string) *OrderBuilder {
	b.order.Spec.OrderID = id
	return b
}

// CustomerID sets spec.customerId.
func (b *OrderBuilder) CustomerID(id string) *OrderBuilder {
	b.order.Spec.CustomerID = id
	return b
}

// Product sets the id and the name of the product.
func (b *OrderBuilder) Product(id, name string) *OrderBuilder {
	b.order.Spec.ProductID, b.order.Spec.ProductName = id, name
	return b
}

// Price sets the amount and the currency.
func (b *OrderBuilder) Price(amount int64, currency string) *OrderBuilder {
	b.order.Spec.Amount, b.order.Spec.Currency = amount, currency
	return b
}

// TestMode makes it an order in Stripe's test mode.
func (b *OrderBuilder) TestMode() *OrderBuilder {
	b.order.Spec.Livemode = new(bool)
	return b
}

// PaymentLink has the order refer to a PaymentLink.
func (b *OrderBuilder) PaymentLink(name string) *OrderBuilder {
	b.order.Spec.PaymentLinkURL, b.order.Spec.PaymentLinkRef = "", &v1alpha1.LocalObjectReference{Name: name}
	return b
}

// URL has the order paid through the Payment Link at an address.
func (b *OrderBuilder) URL(address string) *OrderBuilder {
	b.order.Spec.PaymentLinkURL, b.order.Spec.PaymentLinkRef = address, nil
	return b
}

// ExpiresAfter sets spec.expiresAfter.
func (b *OrderBuilder) ExpiresAfter(d time.Duration) *OrderBuilder {
	b.order.Spec.ExpiresAfter = &metav1.Duration{Duration: d}
	return b
}

// Phase sets status.phase.
func (b *OrderBuilder) Phase(phase v1alpha1.OrderPhase) *OrderBuilder {
	b.order.Status.Phase = phase
	return b
}

// Payments adds payments to the status.
func (b *OrderBuilder) Payments(payments ...v1alpha1.Payment) *OrderBuilder {
	b.order.Status.Payments = append(b.order.Status.Payments, payments...)
	return b
}

// Ready adds the status that the order reconciler writes: the reference, the checkout URL, the total and the condition
// Ready. It depends on the fields before it, so it comes after them.
func (b *OrderBuilder) Ready() *OrderBuilder {
	o := &b.order
	o.Status.ClientReferenceID = o.ClientReferenceID()
	o.Status.CheckoutURL = OrderURL + "?client_reference_id=" + o.ClientReferenceID()
	o.Status.Total = payment.FormatAmount(o.Spec.Amount, o.Spec.Currency)
	o.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonCheckoutReady, LastTransitionTime: metav1.NewTime(Now),
	}}
	return b
}
