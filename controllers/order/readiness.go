package order

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/checkout"
	"github.com/paylink-dev/paylink/internal/payment"
)

// inputs are the objects that the readiness of an order depends on, beside the order.
type inputs struct {
	// owner is the order that owns the reference: this one, or an older one.
	owner *v1alpha1.Order
	// link is the PaymentLink of the order; nil if it does not exist, or the order has a URL.
	link *v1alpha1.PaymentLink
}

// readiness is the part of an order's status that the reconciler writes.
type readiness struct {
	ready           bool
	reason, message string
	reference       string
	checkoutURL     string
	paymentLinkID   string
}

// evaluate computes the readiness of an order. An order that has a checkout URL keeps it, with its price and link, also if
// the PaymentLink changes.
func evaluate(order *v1alpha1.Order, in inputs) readiness {
	reference := order.ClientReferenceID()
	r := readiness{reference: order.Status.ClientReferenceID, paymentLinkID: order.Status.PaymentLinkID}
	switch {
	case in.owner != nil && in.owner.UID != order.UID:
		r.reason = v1alpha1.ReasonDuplicateOrderID
		r.message = fmt.Sprintf("The id %q belongs to the older Order %s/%s: create a new Order with another orderId, or with none.",
			reference, in.owner.Namespace, in.owner.Name)
		return r
	case order.Status.ExpiredAt != nil:
		r.reason = v1alpha1.ReasonExpired
		r.message = "The order was not paid within spec.expiresAfter: create a new Order."
		return r
	case order.Status.CheckoutURL != "":
		r.ready, r.checkoutURL = true, order.Status.CheckoutURL
		r.reason, r.message = v1alpha1.ReasonCheckoutReady, checkoutReady
		return r
	}

	address, linkID, reason, message := chooseLink(order, in.link)
	if reason != "" {
		r.reason, r.message = reason, message
		return r
	}
	checkoutURL, err := checkout.WithReference(address, reference)
	if err != nil {
		r.reason = v1alpha1.ReasonInvalidSpec
		r.message = "The Payment Link's address cannot be used: write one such as https://buy.stripe.com/abc123."
		return r
	}
	if r.reference == "" { // set them only once, because they decide which payments count
		r.reference, r.paymentLinkID = reference, linkID
	}
	r.ready, r.checkoutURL = true, checkoutURL
	r.reason, r.message = v1alpha1.ReasonCheckoutReady, checkoutReady
	return r
}

const checkoutReady = "The buyer pays at status.checkoutURL."

// chooseLink returns the address of the order's Payment Link, and its id at Stripe if known. If the link cannot be used, it
// returns the reason and message of the condition Ready.
func chooseLink(order *v1alpha1.Order, link *v1alpha1.PaymentLink) (address, id, reason, message string) {
	if order.Spec.PaymentLinkRef == nil {
		return order.Spec.PaymentLinkURL, "", "", ""
	}
	name := order.Spec.PaymentLinkRef.Name
	switch {
	case link == nil:
		return "", "", v1alpha1.ReasonPaymentLinkNotFound,
			fmt.Sprintf("There is no PaymentLink %q in this namespace: create it, and the order follows.", name)
	case !link.Ready():
		return "", "", v1alpha1.ReasonPaymentLinkNotReady,
			fmt.Sprintf("PaymentLink %q is not Ready: see its conditions.", name)
	}
	if difference := differenceFrom(order, link); difference != "" {
		return "", "", v1alpha1.ReasonPaymentLinkMismatch,
			fmt.Sprintf("PaymentLink %q sells %s: the buyer would pay for something else. Create a new Order that agrees with it.", name, difference)
	}
	return link.Status.URL, link.Status.PaymentLinkID, "", ""
}

// differenceFrom returns the difference between an order and its link; "" is none. An order of 0 is a full discount, which
// Stripe grants, so that the link's price does not matter.
func differenceFrom(order *v1alpha1.Order, link *v1alpha1.PaymentLink) string {
	switch {
	case order.Spec.ProductID != link.Spec.ProductID:
		return fmt.Sprintf("product %s, not %s", link.Spec.ProductID, order.Spec.ProductID)
	case order.Live() != link.Live():
		return fmt.Sprintf("in %s mode, not in %s mode (spec.livemode is true unless it is set)", v1alpha1.Mode(link.Live()), v1alpha1.Mode(order.Live()))
	case !strings.EqualFold(order.Spec.Currency, link.Spec.Currency),
		order.Spec.Amount != link.Spec.Amount && order.Spec.Amount != 0:
		return fmt.Sprintf("at %s, not %s", payment.FormatAmount(link.Spec.Amount, link.Spec.Currency),
			payment.FormatAmount(order.Spec.Amount, order.Spec.Currency))
	default:
		return ""
	}
}

// apply sets the readiness in the status of an order.
func (r readiness) apply(order *v1alpha1.Order, now metav1.Time) {
	status := metav1.ConditionFalse
	if r.ready {
		status = metav1.ConditionTrue
	}
	order.Status.ClientReferenceID = r.reference
	order.Status.CheckoutURL = r.checkoutURL
	order.Status.PaymentLinkID = r.paymentLinkID
	order.Status.Total = payment.FormatAmount(order.Spec.Amount, order.Spec.Currency)
	order.Status.ObservedGeneration = order.Generation
	meta.SetStatusCondition(&order.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: status, Reason: r.reason, Message: r.message,
		ObservedGeneration: order.Generation, LastTransitionTime: now,
	})
}
