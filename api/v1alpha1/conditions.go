package v1alpha1

// Types of conditions.
const (
	// ConditionReady says, of an Order, that the buyer can be sent to its checkout URL; of a PaymentLink, that
	// orders can be made from it.
	ConditionReady = "Ready"
	// ConditionPaid says that an accepted payment of the Order is held.
	ConditionPaid = "Paid"
	// ConditionNeedsAttention says that a person must look at the Order; the reason says why. It is there while it is True,
	// and only then.
	ConditionNeedsAttention = "NeedsAttention"
	// ConditionVerified says that the Order's payments are as Stripe's books have them. It is there once they were not.
	ConditionVerified = "Verified"
)

// Reasons of the condition Ready.
const (
	// ReasonCheckoutReady: the order has its checkout URL.
	ReasonCheckoutReady = "CheckoutReady"
	// ReasonLinkAvailable: orders can be made from the PaymentLink.
	ReasonLinkAvailable = "LinkAvailable"
	// ReasonPaymentLinkNotFound: spec.paymentLinkRef names no PaymentLink of the namespace.
	ReasonPaymentLinkNotFound = "PaymentLinkNotFound"
	// ReasonPaymentLinkNotReady: the PaymentLink is there but not Ready.
	ReasonPaymentLinkNotReady = "PaymentLinkNotReady"
	// ReasonPaymentLinkMismatch: the PaymentLink sells at another price, currency or mode, so that no payment
	// through it could settle the order.
	ReasonPaymentLinkMismatch = "PaymentLinkMismatch"
	// ReasonDuplicateOrderID: an older Order has the same orderId.
	ReasonDuplicateOrderID = "DuplicateOrderId"
	// ReasonInvalidSpec: the spec cannot work as it is; the message says what to write.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonExpired: the order waited for its money longer than spec.expiresAfter.
	ReasonExpired = "Expired"
)

// Reasons of the condition Paid. ReasonExpired is one too.
const (
	// ReasonPaymentReceived: an accepted payment is held.
	ReasonPaymentReceived = "PaymentReceived"
	// ReasonAwaitingPayment: no accepted payment is known.
	ReasonAwaitingPayment = "AwaitingPayment"
	// ReasonAwaitingAsyncPayment: the buyer finished, but the money is still on its way.
	ReasonAwaitingAsyncPayment = "AwaitingAsyncPayment"
	// ReasonPaymentFailed: the payment did not go through. The buyer may try again.
	ReasonPaymentFailed = "PaymentFailed"
	// ReasonRefunded: every accepted payment was given back in full.
	ReasonRefunded = "Refunded"
)

// Reasons of the condition NeedsAttention.
const (
	// ReasonPaymentMismatch: money came whose amount, currency or link is not the order's.
	ReasonPaymentMismatch = "PaymentMismatch"
	// ReasonModeMismatch: a test payment came for a live order, or a live payment for a test order.
	ReasonModeMismatch = "ModeMismatch"
	// ReasonDuplicatePayment: the order was paid more than once.
	ReasonDuplicatePayment = "DuplicatePayment"
	// ReasonDisputed: the buyer disputes a payment, or won the dispute.
	ReasonDisputed = "Disputed"
	// ReasonRefundFailed: a refund did not reach the buyer.
	ReasonRefundFailed = "RefundFailed"
	// ReasonPaidAfterExpiry: money came after the order had expired.
	ReasonPaidAfterExpiry = "PaidAfterExpiry"
	// ReasonTooManyPayments: more payments were reported than the order can list.
	ReasonTooManyPayments = "TooManyPayments"
)

// Reasons of the condition Verified.
const (
	// ReasonStripeAgrees: Stripe's books say the same, after they said otherwise.
	ReasonStripeAgrees = "StripeAgrees"
	// ReasonStripeDisagrees: Stripe's books say otherwise of a payment; the message says in what.
	ReasonStripeDisagrees = "StripeDisagrees"
)
