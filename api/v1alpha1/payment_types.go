package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Outcome is the result of a payment. It only grows: Unpaid, Failed, Paid.
//
// +kubebuilder:validation:Enum=Unpaid;Failed;Paid
type Outcome string

// The outcomes of a payment, in growing order.
const (
	// OutcomeUnpaid means that the buyer finished, but the payment is still being processed (a bank debit).
	OutcomeUnpaid Outcome = "Unpaid"
	// OutcomeFailed means that the money did not arrive.
	OutcomeFailed Outcome = "Failed"
	// OutcomePaid means that the money arrived, or that none was due.
	OutcomePaid Outcome = "Paid"
)

// Payment holds the facts that Stripe reported about one Checkout Session: ids and amounts, nothing about the buyer.
type Payment struct {
	// SessionID is the Checkout Session (cs_…).
	//
	// +required
	// +kubebuilder:validation:MaxLength=255
	SessionID string `json:"sessionId"`

	// Outcome is the furthest result that Stripe reported.
	//
	// +required
	Outcome Outcome `json:"outcome"`

	// PaymentIntentID is the PaymentIntent (pi_…), by which refunds and disputes find the payment. Unset where the total
	// was 0.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	PaymentIntentID string `json:"paymentIntentId,omitempty"`

	// Amount is the session's total in minor units of currency. Unset, it is 0.
	//
	// +optional
	Amount int64 `json:"amount"`

	// Currency is the session's three-letter currency code in Stripe's spelling (lower case). Unset: Stripe reported none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Currency string `json:"currency,omitempty"`

	// Livemode is true for real money and false for Stripe's test mode. Unset, it is false.
	//
	// +optional
	Livemode bool `json:"livemode"`

	// PaymentLinkID is the Payment Link (plink_…) that the session was opened from. Unset: from none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	PaymentLinkID string `json:"paymentLinkId,omitempty"`

	// Created is the time at which the session was created, by Stripe's clock. Unset: Stripe reported none.
	//
	// +optional
	Created metav1.Time `json:"created,omitempty,omitzero"`

	// PaidAt is the time of the first event that reported the payment as paid, by Stripe's clock. Unset: it is not paid.
	//
	// +optional
	PaidAt *metav1.Time `json:"paidAt,omitempty"`

	// AmountRefunded is the largest refunded total that Stripe reported, in minor units of currency. Unset, it is 0.
	//
	// +optional
	AmountRefunded int64 `json:"amountRefunded,omitempty"`

	// FullyRefunded says that Stripe reported the payment as given back in full. Unset, it is false.
	//
	// +optional
	FullyRefunded bool `json:"fullyRefunded,omitempty"`

	// FailedRefunds are the refunds of this payment that failed or were canceled after they had been made, by id. Unset:
	// Stripe reported none.
	//
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=16
	FailedRefunds []FailedRefund `json:"failedRefunds,omitempty"`

	// Disputes are the disputes (chargebacks and inquiries) of this payment, by id. Unset: Stripe reported none.
	//
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=16
	Disputes []Dispute `json:"disputes,omitempty"`
}

// FailedRefund is a refund that did not reach the buyer. The seller still has the money.
type FailedRefund struct {
	// ID is the Refund (re_…).
	//
	// +required
	// +kubebuilder:validation:MaxLength=255
	ID string `json:"id"`

	// Amount is the refund's amount in minor units of the payment's currency. Unset, it is 0.
	//
	// +optional
	Amount int64 `json:"amount"`
}

// Dispute is Stripe's latest report about one dispute.
type Dispute struct {
	// ID is the Dispute (du_… or dp_…).
	//
	// +required
	// +kubebuilder:validation:MaxLength=255
	ID string `json:"id"`

	// Status is Stripe's status of the dispute: warning_needs_response, warning_under_review, warning_closed, needs_response,
	// under_review, won, lost or prevented.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Status string `json:"status,omitempty"`

	// Reason is Stripe's category of the dispute, such as fraudulent or product_not_received. Unset: Stripe reported none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// Amount is the disputed amount in minor units of the dispute's currency. Unset, it is 0.
	//
	// +optional
	Amount int64 `json:"amount"`

	// ReportedAt is the time of the event that reported this status, by Stripe's clock. Unset: the time is unknown.
	//
	// +optional
	ReportedAt metav1.Time `json:"reportedAt,omitempty,omitzero"`
}
