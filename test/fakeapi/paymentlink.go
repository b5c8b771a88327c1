package fakeapi

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// PaymentLinkBuilder builds a PaymentLink.
type PaymentLinkBuilder struct{ link v1alpha1.PaymentLink }

// MakePaymentLink starts a PaymentLink of Namespace that sells for 199.00 USD in live mode, and is Stripe's plink_1. It
// has no status: Ready adds it.
func MakePaymentLink(name string) *PaymentLinkBuilder {
	return &PaymentLinkBuilder{v1alpha1.PaymentLink{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: name, Generation: 1},
		Spec: v1alpha1.PaymentLinkSpec{
			ProductID: "lifetime", Amount: 19900, Currency: "USD", URL: "https://buy.stripe.com/b?locale=de", PaymentLinkID: "plink_1",
		},
	}}
}

// Obj returns the PaymentLink.
func (b *PaymentLinkBuilder) Obj() *v1alpha1.PaymentLink { return b.link.DeepCopy() }

// With applies changes for which there is no method.
func (b *PaymentLinkBuilder) With(changes ...func(*v1alpha1.PaymentLink)) *PaymentLinkBuilder {
	for _, change := range changes {
		change(&b.link)
	}
	return b
}

// Namespace sets the namespace.
func (b *PaymentLinkBuilder) Namespace(namespace string) *PaymentLinkBuilder {
	b.link.Namespace = namespace
	return b
}

// Product sets the id and the name of the product.
func (b *PaymentLinkBuilder) Product(id, name string) *PaymentLinkBuilder {
	b.link.Spec.ProductID, b.link.Spec.ProductName = id, name
	return b
}

// Price sets the amount and the currency.
func (b *PaymentLinkBuilder) Price(amount int64, currency string) *PaymentLinkBuilder {
	b.link.Spec.Amount, b.link.Spec.Currency = amount, currency
	return b
}

// TestMode makes it a Payment Link of Stripe's test mode.
func (b *PaymentLinkBuilder) TestMode() *PaymentLinkBuilder {
	b.link.Spec.Livemode = new(bool)
	return b
}

// URL sets spec.url.
func (b *PaymentLinkBuilder) URL(address string) *PaymentLinkBuilder {
	b.link.Spec.URL = address
	return b
}

// StripeID sets spec.paymentLinkId.
func (b *PaymentLinkBuilder) StripeID(id string) *PaymentLinkBuilder {
	b.link.Spec.PaymentLinkID = id
	return b
}

// PublicCheckout lets anybody order.
func (b *PaymentLinkBuilder) PublicCheckout() *PaymentLinkBuilder {
	b.link.Spec.PublicCheckout = true
	return b
}

// Ready adds the status that the PaymentLink reconciler writes where the address is usable. It comes last.
func (b *PaymentLinkBuilder) Ready() *PaymentLinkBuilder {
	l := &b.link
	l.Status = v1alpha1.PaymentLinkStatus{
		URL: l.Spec.URL, PaymentLinkID: l.Spec.PaymentLinkID, Price: payment.FormatAmount(l.Spec.Amount, l.Spec.Currency),
		ObservedGeneration: l.Generation,
		Conditions: []metav1.Condition{{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonLinkAvailable,
			Message: "Orders can be made from this link.", ObservedGeneration: l.Generation, LastTransitionTime: metav1.NewTime(Now),
		}},
	}
	return b
}
