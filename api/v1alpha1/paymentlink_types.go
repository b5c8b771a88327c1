package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PaymentLinkSpec is one entry of the catalogue: a product, its current price, and the link it is sold through.
// Orders that already have a checkout URL keep the price and link they were created with.
//
// +kubebuilder:validation:XValidation:rule="!self.url.startsWith('http:') || !self.livemode",fieldPath=".url",message="a live PaymentLink needs an https:// url; http:// is for test mode (livemode: false)"
type PaymentLinkSpec struct {
	// ProductID is your own id of the product.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	ProductID string `json:"productId"`

	// ProductName is the product's name for people. Unset, the productId is shown.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=250
	ProductName string `json:"productName,omitempty"`

	// Amount is the current price in minor units, as Stripe counts them: 19900 is 199.00 USD, 19900 JPY is 19900 yen.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=999999999999
	Amount int64 `json:"amount"`

	// Currency is the three-letter ISO 4217 code of the amount, in either case.
	//
	// +required
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z]{3}$')",message="currency is a three-letter ISO 4217 code such as USD or eur"
	Currency string `json:"currency"`

	// Provider takes the payment. Unset, it is stripe, the only one.
	//
	// +optional
	// +kubebuilder:default=stripe
	Provider Provider `json:"provider,omitempty"`

	// Livemode says whether the link takes real money. Unset, it is true; set false for a link of Stripe's test
	// mode. Immutable.
	//
	// +optional
	// +kubebuilder:default=true
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="livemode is immutable: create a new PaymentLink instead"
	Livemode *bool `json:"livemode,omitempty"`

	// URL is the address of the Payment Link, from Stripe's Dashboard. A query (such as prefilled_promo_code) is
	// kept in every checkout URL made from it.
	//
	// +required
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#]+[^#]*$') && isURL(self)",message="write the Payment Link's full address, such as https://buy.stripe.com/abc123, without a #fragment"
	// +kubebuilder:validation:XValidation:rule="!self.contains('client_reference_id=')",message="leave client_reference_id out of the URL: Paylink adds each order's own"
	URL string `json:"url"`

	// PaymentLinkID is Stripe's id of the link (plink_…), from the link's page in the Dashboard. Where it is set, orders
	// of this PaymentLink accept only payments through that link, and a payment through it that names no order is kept.
	// Unset, amount, currency and mode alone decide.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^plink_[A-Za-z0-9]+$')",message="paymentLinkId is Stripe's id of the link and begins with plink_; the address goes into url"
	PaymentLinkID string `json:"paymentLinkId,omitempty"`

	// PublicCheckout lets anybody create an Order for this link, by POST /buy/NAMESPACE/NAME at the webhook server. It is
	// for a web page that has no backend. Such orders have the label payments.paylink.dev/checkout=public and expire.
	// Unset, it is false: orders are created with kubectl, or through the API with a token.
	//
	// +optional
	PublicCheckout bool `json:"publicCheckout,omitempty"`
}

// PaymentLinkStatus says whether buyers can be sent to the link.
type PaymentLinkStatus struct {
	// URL is spec.url where it can be used, and unset otherwise.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

	// PaymentLinkID is Stripe's id of the link (plink_…), from spec.paymentLinkId. Unset: it is not known.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	PaymentLinkID string `json:"paymentLinkId,omitempty"`

	// Price is spec.amount and spec.currency for people, such as "199.00 USD". Unset until the controller has seen the link.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Price string `json:"price,omitempty"`

	// Conditions are Ready: orders can be made from this link. Unset until the controller has seen the link.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// ObservedGeneration is the metadata.generation that this status is about. Unset until the controller has seen the link.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// PaymentLink is a product for sale at its current price, through one Stripe Payment Link.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=paylink
// +kubebuilder:selectablefield:JSONPath=".spec.paymentLinkId"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=".status.conditions[?(@.type==\"Ready\")].status"
// +kubebuilder:printcolumn:name="Product",type=string,JSONPath=".spec.productId"
// +kubebuilder:printcolumn:name="Price",type=string,JSONPath=".status.price"
// +kubebuilder:printcolumn:name="Live",type=boolean,JSONPath=".spec.livemode"
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=".status.url"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=".metadata.creationTimestamp"
// +kubebuilder:printcolumn:name="Link-ID",type=string,priority=1,JSONPath=".status.paymentLinkId"
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=".status.conditions[?(@.type==\"Ready\")].reason"
type PaymentLink struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is the product, its current price, and the link it is sold through.
	//
	// +required
	Spec PaymentLinkSpec `json:"spec"`

	// Status says whether buyers can be sent to the link.
	//
	// +optional
	Status PaymentLinkStatus `json:"status,omitempty,omitzero"`
}

// PaymentLinkList is a list of PaymentLinks.
//
// +kubebuilder:object:root=true
type PaymentLinkList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []PaymentLink `json:"items"`
}

// Live reports whether the link takes real money. An unset livemode is true, as in the CRD.
func (l *PaymentLink) Live() bool { return l.Spec.Livemode == nil || *l.Spec.Livemode }

// Ready reports whether orders can be made from the link, according to a status that is about the current spec.
func (l *PaymentLink) Ready() bool {
	return meta.IsStatusConditionTrue(l.Status.Conditions, ConditionReady) && l.Status.ObservedGeneration == l.Generation
}
