package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Provider is a payment provider.
//
// +kubebuilder:validation:Enum=stripe
type Provider string

// ProviderStripe is Stripe, the only provider there is.
const ProviderStripe Provider = "stripe"

// LocalObjectReference names an object in the namespace of the one that refers to it.
type LocalObjectReference struct {
	// Name of the object.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// OrderSpec says what is sold, for how much, and through which Payment Link.
//
// +kubebuilder:validation:XValidation:rule="has(self.paymentLinkRef) != has(self.paymentLinkURL)",message="set exactly one of paymentLinkRef (a PaymentLink in this namespace) and paymentLinkURL (a Stripe Payment Link's address)"
// +kubebuilder:validation:XValidation:rule="has(self.orderId) && self.orderId.size() > 0 ? has(oldSelf.orderId) && self.orderId == oldSelf.orderId : !has(oldSelf.orderId) || oldSelf.orderId.size() == 0",fieldPath=".orderId",message="orderId is immutable: create a new Order instead"
// +kubebuilder:validation:XValidation:rule="!has(self.paymentLinkURL) || !self.paymentLinkURL.startsWith('http:') || !self.livemode",fieldPath=".paymentLinkURL",message="a live Order needs an https:// paymentLinkURL; http:// is for test mode (livemode: false)"
type OrderSpec struct {
	// ProductID is your own id of what is sold, as your shop knows it. Immutable.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="productId is immutable: create a new Order instead"
	ProductID string `json:"productId"`

	// ProductName is the product's name for people. Unset, the productId is all there is.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=250
	ProductName string `json:"productName,omitempty"`

	// Amount is the price in minor units, as Stripe counts them: 19900 is 199.00 USD, 19900 JPY is 19900 yen.
	// A payment settles the order only if its total equals this. 0 is an order that costs nothing (a full
	// discount). Immutable.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=999999999999
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="amount is immutable: create a new Order instead"
	Amount int64 `json:"amount"`

	// Currency is the three-letter ISO 4217 code of the amount, in either case. Immutable.
	//
	// +required
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z]{3}$')",message="currency is a three-letter ISO 4217 code such as USD or eur"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="currency is immutable: create a new Order instead"
	Currency string `json:"currency"`

	// Provider takes the payment. Unset, it is stripe, the only one. Immutable.
	//
	// +optional
	// +kubebuilder:default=stripe
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="provider is immutable: create a new Order instead"
	Provider Provider `json:"provider,omitempty"`

	// Livemode says whether real money is expected: only events of the same mode settle the order. Unset, it is
	// true; set false to sell in Stripe's test mode. Immutable.
	//
	// +optional
	// +kubebuilder:default=true
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="livemode is immutable: create a new Order instead"
	Livemode *bool `json:"livemode,omitempty"`

	// PaymentLinkRef names the PaymentLink, in the order's namespace, that the buyer pays through. Exactly one of
	// paymentLinkRef and paymentLinkURL is set. It cannot change once the order has a checkout URL.
	//
	// +optional
	PaymentLinkRef *LocalObjectReference `json:"paymentLinkRef,omitempty"`

	// PaymentLinkURL is the address of a Stripe Payment Link, for a link that has no PaymentLink resource. A query
	// (such as prefilled_promo_code) is kept. It cannot change once the order has a checkout URL.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#]+[^#]*$') && isURL(self)",message="write the Payment Link's full address, such as https://buy.stripe.com/abc123, without a #fragment"
	// +kubebuilder:validation:XValidation:rule="!self.contains('client_reference_id=')",message="leave client_reference_id out of the URL: Paylink adds the order's own"
	PaymentLinkURL string `json:"paymentLinkURL,omitempty"`

	// OrderID is your own id of the order. It travels to Stripe as client_reference_id, so it must be unique among
	// all orders: a later Order with the same id never becomes Ready. Unset or empty, metadata.uid is used.
	// Immutable.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_-]*$')",message="orderId may hold only letters, digits, _ and - (Stripe drops any other client_reference_id); leave it empty to use the Order's uid"
	OrderID string `json:"orderId,omitempty"`

	// CustomerID is your own id of the buyer, opaque to Paylink and never sent to Stripe. Do not put a name or an
	// e-mail address here.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=200
	CustomerID string `json:"customerId,omitempty"`

	// ExpiresAfter is how long after its creation an order that nobody paid becomes Failed, such as 30m or 168h.
	// Unset, the order waits for ever. A payment that arrives later still counts, and asks for attention.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(h|m|s))+$') && duration(self) >= duration('1s') && duration(self) <= duration('87600h')",message="expiresAfter is a duration in hours, minutes and seconds, from 1s to 87600h (ten years), such as 168h or 30m"
	ExpiresAfter *metav1.Duration `json:"expiresAfter,omitempty"`
}

// OrderPhase is where an order's money stands.
//
// +kubebuilder:validation:Enum=Pending;Paid;Failed;Refunded
type OrderPhase string

// The phases of an Order.
const (
	// OrderPending means that no payment that counts is known yet.
	OrderPending OrderPhase = "Pending"
	// OrderPaid means that an accepted payment is held.
	OrderPaid OrderPhase = "Paid"
	// OrderFailed means that a payment failed or is still being processed, or that the order expired. It may yet become Paid.
	OrderFailed OrderPhase = "Failed"
	// OrderRefunded means that every accepted payment was given back in full.
	OrderRefunded OrderPhase = "Refunded"
)

// OrderStatus holds the facts known about an order's payments, and what follows from them.
//
// Two writers share it. The order reconciler owns clientReferenceId, paymentLinkId, checkoutURL, total,
// observedGeneration and the condition Ready. The ledger owns everything else. Both write with the
// resourceVersion they read, so neither can undo the other.
type OrderStatus struct {
	// Phase is Pending, Paid, Failed or Refunded. It is computed from payments and expiredAt.
	//
	// +optional
	// +kubebuilder:default=Pending
	Phase OrderPhase `json:"phase,omitempty"`

	// ClientReferenceID is the order's id at Stripe: spec.orderId or, where that is empty, metadata.uid. Unset
	// until the order is Ready.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=200
	ClientReferenceID string `json:"clientReferenceId,omitempty"`

	// PaymentLinkID is Stripe's id of the Payment Link (plink_…), copied once from the PaymentLink when the order
	// becomes Ready. Where it is set, only payments made through that link count. Unset: not known then.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	PaymentLinkID string `json:"paymentLinkId,omitempty"`

	// CheckoutURL is where to send the buyer. Unset until the order is Ready, and again once it has expired.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	CheckoutURL string `json:"checkoutURL,omitempty"`

	// Total is spec.amount and spec.currency for people, such as "199.00 USD".
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Total string `json:"total,omitempty"`

	// ProviderOrderID is the Checkout Session (cs_…) of the payment that counts: the earliest one held or, when
	// all were refunded, the earliest of those. Unset until one is paid.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	ProviderOrderID string `json:"providerOrderId,omitempty"`

	// ProviderCaptureID is the PaymentIntent (pi_…) of the payment that counts. Unset until one is paid, and for
	// an order that cost nothing.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	ProviderCaptureID string `json:"providerCaptureId,omitempty"`

	// AmountRefunded is how much of the payment that counts was given back, in minor units. Unset is 0.
	//
	// +optional
	AmountRefunded int64 `json:"amountRefunded,omitempty"`

	// PaidAt is when Stripe recorded the payment that counts, by Stripe's clock. Unset until one is paid.
	//
	// +optional
	PaidAt *metav1.Time `json:"paidAt,omitempty"`

	// ExpiredAt is when spec.expiresAfter ran out with no payment made or under way. Unset: it has not.
	//
	// +optional
	ExpiredAt *metav1.Time `json:"expiredAt,omitempty"`

	// PaymentsDropped says that more payments were reported than payments holds; those that count least were
	// left out. The condition NeedsAttention says so too.
	//
	// +optional
	PaymentsDropped bool `json:"paymentsDropped,omitempty"`

	// Payments are the facts: every payment Stripe reported for this order, accepted or not. They only grow.
	//
	// +optional
	// +listType=map
	// +listMapKey=sessionId
	// +kubebuilder:validation:MaxItems=16
	Payments []Payment `json:"payments,omitempty"`

	// Conditions are Ready (the buyer can be sent to checkoutURL), Paid (the money is held; there once a payment was
	// reported or the order expired), NeedsAttention (a person must look, and the reason says why; there while it is
	// True, and only then) and Verified (whether Stripe has the same payments; there once it had others).
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// ObservedGeneration is the generation of the spec that Ready speaks of.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// Order is one sale of one product, created before the buyer is sent to Stripe.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=payorder,categories=paylink
// +kubebuilder:selectablefield:JSONPath=".spec.orderId"
// +kubebuilder:selectablefield:JSONPath=".status.clientReferenceId"
// +kubebuilder:selectablefield:JSONPath=".status.providerCaptureId"
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=".status.phase"
// +kubebuilder:printcolumn:name="Product",type=string,JSONPath=".spec.productId"
// +kubebuilder:printcolumn:name="Total",type=string,JSONPath=".status.total"
// +kubebuilder:printcolumn:name="Paid-At",type=string,JSONPath=".status.paidAt"
// +kubebuilder:printcolumn:name="Live",type=boolean,JSONPath=".spec.livemode"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=".metadata.creationTimestamp"
// +kubebuilder:printcolumn:name="Ready",type=string,priority=1,JSONPath=".status.conditions[?(@.type==\"Ready\")].status"
// +kubebuilder:printcolumn:name="Attention",type=string,priority=1,JSONPath=".status.conditions[?(@.type==\"NeedsAttention\")].reason"
// +kubebuilder:printcolumn:name="Refunded",type=integer,priority=1,JSONPath=".status.amountRefunded"
// +kubebuilder:printcolumn:name="Reference",type=string,priority=1,JSONPath=".status.clientReferenceId"
// +kubebuilder:printcolumn:name="Session",type=string,priority=1,JSONPath=".status.providerOrderId"
// +kubebuilder:printcolumn:name="Payment",type=string,priority=1,JSONPath=".status.providerCaptureId"
// +kubebuilder:validation:XValidation:rule="!(oldSelf.?status.phase.orValue('Pending') in ['Paid', 'Refunded']) || self.?status.phase.orValue('Pending') in ['Paid', 'Refunded']",fieldPath=".status",message="an Order that was Paid or Refunded never goes back to Pending or Failed, and its status cannot be wiped: record what happened to the money at Stripe instead"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.clientReferenceId) || oldSelf.status.clientReferenceId.size() == 0 || (has(self.spec.paymentLinkURL) ? has(oldSelf.spec.paymentLinkURL) && self.spec.paymentLinkURL == oldSelf.spec.paymentLinkURL : has(self.spec.paymentLinkRef) && has(oldSelf.spec.paymentLinkRef) && self.spec.paymentLinkRef.name == oldSelf.spec.paymentLinkRef.name)",fieldPath=".spec",message="the payment link cannot change once the order has been given a checkout URL: create a new Order instead"
type Order struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says what is sold, for how much, and through which Payment Link.
	//
	// +required
	Spec OrderSpec `json:"spec"`

	// Status says where the money stands.
	//
	// +optional
	// +kubebuilder:default={phase: Pending}
	Status OrderStatus `json:"status,omitempty,omitzero"`
}

// OrderList is a list of Orders.
//
// +kubebuilder:object:root=true
type OrderList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Order `json:"items"`
}

// ClientReferenceID is the id that the order has at Stripe, known from the moment the order exists: spec.orderId
// or, where that is empty, metadata.uid.
func (o *Order) ClientReferenceID() string {
	if o.Spec.OrderID != "" {
		return o.Spec.OrderID
	}
	return string(o.UID)
}

// Live reports whether the order expects real money. An unset livemode is true, as in the CRD.
func (o *Order) Live() bool { return o.Spec.Livemode == nil || *o.Spec.Livemode }
