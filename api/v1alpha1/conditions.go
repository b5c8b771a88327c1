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
	// ConditionVerified says whether Stripe has the same payments as the Order. It is there once Stripe had others.
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
	// ReasonPaymentLinkMismatch: the PaymentLink has another product, price, currency or mode, so that no payment through it
	// could settle the order.
	ReasonPaymentLinkMismatch = "PaymentLinkMismatch"
	// ReasonDuplicateOrderID: an older Order has the same orderId.
	ReasonDuplicateOrderID = "DuplicateOrderId"
	// ReasonInvalidSpec: the spec cannot be used; the message says what to write.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonExpired: nobody paid the order within spec.expiresAfter.
	ReasonExpired = "Expired"
)

// Reasons of the condition Paid. ReasonExpired is one too.
const (
	// ReasonPaymentReceived: an accepted payment is held.
	ReasonPaymentReceived = "PaymentReceived"
	// ReasonAwaitingPayment: no accepted payment is known.
	ReasonAwaitingPayment = "AwaitingPayment"
	// ReasonAwaitingAsyncPayment: the buyer finished, but the payment is still being processed.
	ReasonAwaitingAsyncPayment = "AwaitingAsyncPayment"
	// ReasonPaymentFailed: the payment did not go through. The buyer may try again.
	ReasonPaymentFailed = "PaymentFailed"
	// ReasonRefunded: every accepted payment was given back in full.
	ReasonRefunded = "Refunded"
)

// Reasons of the condition NeedsAttention.
const (
	// ReasonPaymentMismatch: a payment was made whose amount, currency or link is not the order's.
	ReasonPaymentMismatch = "PaymentMismatch"
	// ReasonModeMismatch: a test payment was made for a live order, or a live payment for a test order.
	ReasonModeMismatch = "ModeMismatch"
	// ReasonDuplicatePayment: the order was paid more than once.
	ReasonDuplicatePayment = "DuplicatePayment"
	// ReasonDisputed: a dispute of a payment is open, or the buyer won it.
	ReasonDisputed = "Disputed"
	// ReasonRefundFailed: a refund did not reach the buyer.
	ReasonRefundFailed = "RefundFailed"
	// ReasonPaidAfterExpiry: the payment was made after the order had expired.
	ReasonPaidAfterExpiry = "PaidAfterExpiry"
	// ReasonTooManyPayments: more payments were reported than the order can list.
	ReasonTooManyPayments = "TooManyPayments"
)

// Reasons of the condition Verified.
const (
	// ReasonStripeAgrees: Stripe has the same payments, after it had others.
	ReasonStripeAgrees = "StripeAgrees"
	// ReasonStripeDisagrees: Stripe has a payment that differs; the message says how.
	ReasonStripeDisagrees = "StripeDisagrees"
)
