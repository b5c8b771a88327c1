package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Outcome is how far a payment got. It only grows: Unpaid, Failed, Paid.
//
// +kubebuilder:validation:Enum=Unpaid;Failed;Paid
type Outcome string

// The outcomes of a payment, in growing order.
const (
	// OutcomeUnpaid means that the buyer finished, but the money is still on its way (a bank debit).
	OutcomeUnpaid Outcome = "Unpaid"
	// OutcomeFailed means that the money did not arrive.
	OutcomeFailed Outcome = "Failed"
	// OutcomePaid means that the money arrived, or that none was due.
	OutcomePaid Outcome = "Paid"
)

// Payment is what Stripe reported of one Checkout Session. It holds ids and amounts, nothing about the buyer.
type Payment struct {
	// SessionID is the Checkout Session (cs_…).
	//
	// +required
	// +kubebuilder:validation:MaxLength=255
	SessionID string `json:"sessionId"`

	// Outcome is how far the payment got.
	//
	// +required
	Outcome Outcome `json:"outcome"`

	// PaymentIntentID is the PaymentIntent (pi_…), by which refunds and disputes find the payment. Unset where
	// nothing was due.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	PaymentIntentID string `json:"paymentIntentId,omitempty"`

	// Amount is the session's total in minor units of currency.
	//
	// +optional
	Amount int64 `json:"amount"`

	// Currency is the session's three-letter currency code, as Stripe wrote it (lower case).
	//
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Currency string `json:"currency,omitempty"`

	// Livemode is true for real money and false for Stripe's test mode.
	//
	// +optional
	Livemode bool `json:"livemode"`

	// PaymentLinkID is the Payment Link (plink_…) the session was opened from. Unset: from none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	PaymentLinkID string `json:"paymentLinkId,omitempty"`

	// Created is when the session was created, by Stripe's clock.
	//
	// +optional
	Created metav1.Time `json:"created,omitempty,omitzero"`

	// PaidAt is when Stripe first reported the payment as paid. Unset: it has not.
	//
	// +optional
	PaidAt *metav1.Time `json:"paidAt,omitempty"`

	// AmountRefunded is the largest refunded total that Stripe reported, in minor units. Unset is 0.
	//
	// +optional
	AmountRefunded int64 `json:"amountRefunded,omitempty"`

	// FullyRefunded says that Stripe reported the payment as given back in full.
	//
	// +optional
	FullyRefunded bool `json:"fullyRefunded,omitempty"`

	// FailedRefunds are the refunds of this payment that failed or were canceled after they had been made.
	//
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=16
	FailedRefunds []FailedRefund `json:"failedRefunds,omitempty"`

	// Disputes are the disputes (chargebacks and inquiries) of this payment.
	//
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=16
	Disputes []Dispute `json:"disputes,omitempty"`
}

// FailedRefund is a refund that did not reach the buyer after all: the money is still with the seller.
type FailedRefund struct {
	// ID is the Refund (re_…).
	//
	// +required
	// +kubebuilder:validation:MaxLength=255
	ID string `json:"id"`

	// Amount is the refund's amount in minor units.
	//
	// +optional
	Amount int64 `json:"amount"`
}

// Dispute is the latest that Stripe reported of one dispute.
type Dispute struct {
	// ID is the Dispute (du_… or dp_…).
	//
	// +required
	// +kubebuilder:validation:MaxLength=255
	ID string `json:"id"`

	// Status is Stripe's: warning_needs_response, warning_under_review, warning_closed, needs_response,
	// under_review, won, lost or prevented.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Status string `json:"status,omitempty"`

	// Reason is Stripe's category, such as fraudulent or product_not_received.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// Amount is the disputed amount in minor units.
	//
	// +optional
	Amount int64 `json:"amount"`

	// ReportedAt is when Stripe reported this status, by Stripe's clock.
	//
	// +optional
	ReportedAt metav1.Time `json:"reportedAt,omitempty,omitzero"`
}
