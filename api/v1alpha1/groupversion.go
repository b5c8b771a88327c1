// Package v1alpha1 holds the payments.paylink.dev/v1alpha1 API: Order, PaymentLink and StripeEvent.
//
// +kubebuilder:object:generate=true
// +groupName=payments.paylink.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of every kind in this package.
const GroupName = "payments.paylink.dev"

// GroupVersion is the group and version of every kind in this package.
var GroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

// LabelCheckout is on every Order that the webhook server created, and says for whom.
const LabelCheckout = GroupName + "/checkout"

// Values of LabelCheckout.
const (
	// CheckoutAPI: for a caller with a token.
	CheckoutAPI = "api"
	// CheckoutPublic: for an anonymous buyer, through a PaymentLink with publicCheckout.
	CheckoutPublic = "public"
)

// AddToScheme registers the kinds of this package in a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&Order{}, &OrderList{},
		&PaymentLink{}, &PaymentLinkList{},
		&StripeEvent{}, &StripeEventList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
