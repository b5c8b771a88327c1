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

// OrderSpec describes the sale: a product, its price, and the Payment Link.
//
// +kubebuilder:validation:XValidation:rule="has(self.paymentLinkRef) != has(self.paymentLinkURL)",message="set exactly one of paymentLinkRef (a PaymentLink in this namespace) and paymentLinkURL (a Stripe Payment Link's address)"
// +kubebuilder:validation:XValidation:rule="has(self.orderId) && self.orderId.size() > 0 ? has(oldSelf.orderId) && self.orderId == oldSelf.orderId : !has(oldSelf.orderId) || oldSelf.orderId.size() == 0",fieldPath=".orderId",message="orderId is immutable: create a new Order instead"
// +kubebuilder:validation:XValidation:rule="!has(self.paymentLinkURL) || !self.paymentLinkURL.startsWith('http:') || !self.livemode",fieldPath=".paymentLinkURL",message="a live Order needs an https:// paymentLinkURL; http:// is for test mode (livemode: false)"
type OrderSpec struct {
	// ProductID is your own id of the product. Immutable.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="productId is immutable: create a new Order instead"
	ProductID string `json:"productId"`

	// ProductName is the product's name for people. Unset, the productId is shown.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=250
	ProductName string `json:"productName,omitempty"`

	// Amount is the price in minor units, as Stripe counts them: 19900 is 199.00 USD, 19900 JPY is 19900 yen.
	// A payment settles the order only if its total equals this amount. 0 is an order that costs nothing (a full
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

	// Livemode says whether the order expects real money. Only events of the same mode settle the order. Unset, it is
	// true. Set it to false to sell in Stripe's test mode. Immutable.
	//
	// +optional
	// +kubebuilder:default=true
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="livemode is immutable: create a new Order instead"
	Livemode *bool `json:"livemode,omitempty"`

	// PaymentLinkRef names the PaymentLink that the buyer pays through, in the order's namespace. Unset: paymentLinkURL
	// is the link. Exactly one of the two is set. It cannot change once the order has a checkout URL.
	//
	// +optional
	PaymentLinkRef *LocalObjectReference `json:"paymentLinkRef,omitempty"`

	// PaymentLinkURL is the address of a Stripe Payment Link that has no PaymentLink resource. Its query (such as
	// prefilled_promo_code) is kept. Unset: paymentLinkRef names the link. It cannot change once the order has a
	// checkout URL.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#]+[^#]*$') && isURL(self)",message="write the Payment Link's full address, such as https://buy.stripe.com/abc123, without a #fragment"
	// +kubebuilder:validation:XValidation:rule="!self.contains('client_reference_id=')",message="leave client_reference_id out of the URL: Paylink adds the order's own"
	PaymentLinkURL string `json:"paymentLinkURL,omitempty"`

	// OrderID is your own id of the order. Stripe receives it as client_reference_id, so it must be unique among all
	// orders: a later Order with the same id never becomes Ready. Unset or empty, metadata.uid is used. Immutable.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_-]*$')",message="orderId may hold only letters, digits, _ and - (Stripe drops any other client_reference_id); leave it empty to use the Order's uid"
	OrderID string `json:"orderId,omitempty"`

	// CustomerID is your own id of the buyer. Paylink neither reads it nor sends it to Stripe. Do not put a name or an
	// e-mail address here. Unset: the buyer has none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=200
	CustomerID string `json:"customerId,omitempty"`

	// ExpiresAfter is the time from the order's creation after which it becomes Failed if nobody paid, such as 30m or
	// 168h. Unset, the order never expires. A later payment still counts, and sets the condition NeedsAttention.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(h|m|s))+$') && duration(self) >= duration('1s') && duration(self) <= duration('87600h')",message="expiresAfter is a duration in hours, minutes and seconds, from 1s to 87600h (ten years), such as 168h or 30m"
	ExpiresAfter *metav1.Duration `json:"expiresAfter,omitempty"`
}

// OrderPhase is the state of an order's payment.
//
// +kubebuilder:validation:Enum=Pending;Paid;Failed;Refunded
type OrderPhase string

// The phases of an Order.
const (
	// OrderPending means that no accepted payment is known yet.
	OrderPending OrderPhase = "Pending"
	// OrderPaid means that an accepted payment is held.
	OrderPaid OrderPhase = "Paid"
	// OrderFailed means that a payment failed or is still being processed, or that the order expired. It can still become
	// Paid.
	OrderFailed OrderPhase = "Failed"
	// OrderRefunded means that every accepted payment was given back in full.
	OrderRefunded OrderPhase = "Refunded"
)

// OrderStatus holds the facts about an order's payments, and the state that follows from them.
//
// It has three writers. The order reconciler owns clientReferenceId, paymentLinkId, checkoutURL, total,
// observedGeneration and the condition Ready. The reconciliation owns the condition Verified. The ledger owns everything
// else. Each writes with the resourceVersion that it read, so none can undo the work of another.
type OrderStatus struct {
	// Phase is Pending, Paid, Failed or Refunded. It is computed from payments and expiredAt. It is Pending from the
	// creation of the order on.
	//
	// +optional
	// +kubebuilder:default=Pending
	Phase OrderPhase `json:"phase,omitempty"`

	// ClientReferenceID is the order's id at Stripe: spec.orderId or, where that is empty, metadata.uid. Unset until the
	// order first becomes Ready.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=200
	ClientReferenceID string `json:"clientReferenceId,omitempty"`

	// PaymentLinkID is Stripe's id of the Payment Link (plink_…). It is copied once from the PaymentLink, when the order
	// first becomes Ready. Where it is set, only payments through that link count. Unset: it was not known then.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	PaymentLinkID string `json:"paymentLinkId,omitempty"`

	// CheckoutURL is the address at which the buyer pays. Unset until the order is Ready, and again once it has expired.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	CheckoutURL string `json:"checkoutURL,omitempty"`

	// Total is spec.amount and spec.currency for people, such as "199.00 USD". Unset until the controller has seen the
	// order.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Total string `json:"total,omitempty"`

	// ProviderOrderID is the Checkout Session (cs_…) of the payment that counts. This is the earliest payment that is paid
	// and not fully refunded. If all paid ones are fully refunded, it is the earliest of them. Unset until one is paid.
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

	// AmountRefunded is the refunded part of the payment that counts, in minor units of spec.currency, as reported by
	// Stripe. Unset, it is 0.
	//
	// +optional
	AmountRefunded int64 `json:"amountRefunded,omitempty"`

	// PaidAt is the time at which Stripe recorded the payment that counts, by Stripe's clock. Unset until one is paid.
	//
	// +optional
	PaidAt *metav1.Time `json:"paidAt,omitempty"`

	// ExpiredAt is the time at which the controller found that spec.expiresAfter had passed with no payment made or being
	// processed. Unset: the order has not expired.
	//
	// +optional
	ExpiredAt *metav1.Time `json:"expiredAt,omitempty"`

	// PaymentsDropped says that Stripe reported more payments than the list payments can hold, and that those that count
	// least are missing from it. The condition NeedsAttention has the reason TooManyPayments then. Unset, it is false.
	//
	// +optional
	PaymentsDropped bool `json:"paymentsDropped,omitempty"`

	// Payments are the facts: every payment that Stripe reported for this order, accepted or not. They only grow. Unset:
	// Stripe has reported none.
	//
	// +optional
	// +listType=map
	// +listMapKey=sessionId
	// +kubebuilder:validation:MaxItems=16
	Payments []Payment `json:"payments,omitempty"`

	// Conditions are Ready, Paid, NeedsAttention and Verified. Ready: the buyer can be sent to checkoutURL. Paid: the money
	// is held; it exists once a payment was reported or the order expired. NeedsAttention: a person must act, and the
	// reason says why; it exists only while it is True. Verified: Stripe has the same payments; it exists once they
	// differed. Unset: the controller has not seen the order.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// ObservedGeneration is the metadata.generation that the condition Ready is about. Unset until the controller has seen
	// the order.
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

	// Spec describes the sale: a product, its price, and the Payment Link.
	//
	// +required
	Spec OrderSpec `json:"spec"`

	// Status is the state of the order's payment.
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

// ClientReferenceID is the order's id at Stripe: spec.orderId or, where that is empty, metadata.uid. An order has it from
// its creation on.
func (o *Order) ClientReferenceID() string {
	if o.Spec.OrderID != "" {
		return o.Spec.OrderID
	}
	return string(o.UID)
}

// Live reports whether the order expects real money. An unset livemode is true, as in the CRD.
func (o *Order) Live() bool { return o.Spec.Livemode == nil || *o.Spec.Livemode }
