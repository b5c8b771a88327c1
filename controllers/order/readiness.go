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

// surroundings are what an order's readiness depends on beside the order itself.
type surroundings struct {
	// owner is the order that the reference belongs to: this one, or an older one.
	owner *v1alpha1.Order
	// link is the PaymentLink that the order names; nil where there is none of that name, or the order names a URL.
	link *v1alpha1.PaymentLink
}

// readiness is what the order reconciler writes.
type readiness struct {
	ready           bool
	reason, message string
	reference       string
	checkoutURL     string
	paymentLinkID   string
}

// judgeReadiness says whether a buyer can be sent to pay for the order, and where. An order that has its checkout URL
// keeps it, with the price and link it was given, whatever becomes of the PaymentLink.
func judgeReadiness(order *v1alpha1.Order, around surroundings) readiness {
	reference := order.ClientReferenceID()
	given := readiness{reference: order.Status.ClientReferenceID, paymentLinkID: order.Status.PaymentLinkID}
	switch {
	case around.owner != nil && around.owner.UID != order.UID:
		given.reason = v1alpha1.ReasonDuplicateOrderID
		given.message = fmt.Sprintf("The id %q belongs to the older Order %s/%s: create a new Order with another orderId, or with none.",
			reference, around.owner.Namespace, around.owner.Name)
		return given
	case order.Status.ExpiredAt != nil:
		given.reason = v1alpha1.ReasonExpired
		given.message = "The order waited for its money longer than spec.expiresAfter: create a new Order."
		return given
	case order.Status.CheckoutURL != "":
		given.ready, given.checkoutURL = true, order.Status.CheckoutURL
		given.reason, given.message = v1alpha1.ReasonCheckoutReady, checkoutReady
		return given
	}

	address, linkID, reason, message := chooseLink(order, around.link)
	if reason != "" {
		given.reason, given.message = reason, message
		return given
	}
	checkoutURL, err := checkout.WithReference(address, reference)
	if err != nil {
		given.reason = v1alpha1.ReasonInvalidSpec
		given.message = "The Payment Link's address cannot be used: write one such as https://buy.stripe.com/abc123."
		return given
	}
	if given.reference == "" { // copied once: what counts as the order's payment never changes
		given.reference, given.paymentLinkID = reference, linkID
	}
	given.ready, given.checkoutURL = true, checkoutURL
	given.reason, given.message = v1alpha1.ReasonCheckoutReady, checkoutReady
	return given
}

const checkoutReady = "The buyer pays at status.checkoutURL."

// chooseLink returns the address of the order's Payment Link and, where it is known, Stripe's id of it; or the reason
// why there is none to use.
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
	if difference := differsFrom(order, link); difference != "" {
		return "", "", v1alpha1.ReasonPaymentLinkMismatch,
			fmt.Sprintf("PaymentLink %q sells %s: the buyer would pay for something else. Create a new Order that agrees with it.", name, difference)
	}
	return link.Status.URL, link.Status.PaymentLinkID, "", ""
}

// differsFrom says in what the link does not sell what the order is for. An order of 0 is a full discount, which is given
// at Stripe, so the link's own price does not matter.
func differsFrom(order *v1alpha1.Order, link *v1alpha1.PaymentLink) string {
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

// apply writes the readiness into the order's status.
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
