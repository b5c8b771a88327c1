package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// StripeEventSpec holds a fact that Stripe stated, and a person's decision about it.
//
// +kubebuilder:validation:XValidation:rule="has(self.fact.session) || !has(self.resolution)",message="set the resolution of the StripeEvent of the session: refunds and disputes follow their payment"
type StripeEventSpec struct {
	// Fact is the statement of one verified Stripe event: ids and amounts, nothing about the buyer. Paylink sets it when
	// it creates the StripeEvent. Immutable.
	//
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec.fact is Stripe's statement and is immutable: decide in spec.resolution, or delete the StripeEvent if it is of no use"
	Fact StripeEventFact `json:"fact"`

	// Resolution is a person's decision about a payment that no Order has. Unset: nobody has decided. Only the StripeEvent
	// of a session takes one; its refunds and disputes follow.
	//
	// +optional
	Resolution StripeEventResolution `json:"resolution,omitempty,omitzero"`
}

// StripeEventFact is the statement of one verified Stripe event about one payment. Exactly one of session, refund,
// failedRefund and dispute is set.
//
// +kubebuilder:validation:XValidation:rule="[has(self.session), has(self.refund), has(self.failedRefund), has(self.dispute)].exists_one(x, x)",message="set exactly one of session, refund, failedRefund and dispute"
// +kubebuilder:validation:XValidation:rule="has(self.session) || self.?paymentIntentId.orValue(\"\") != \"\"",message="a refund or dispute names its payment: set paymentIntentId"
type StripeEventFact struct {
	// EventID is Stripe's id of the event (evt_…). A fact that was looked up at Stripe has the id of the session, refund or
	// dispute and its state instead (cs_…:Paid).
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	EventID string `json:"eventId"`

	// Type is Stripe's type of the event, such as checkout.session.completed.
	//
	// +required
	// +kubebuilder:validation:MaxLength=100
	Type string `json:"type"`

	// Created is the time at which Stripe created the event, by Stripe's clock. Unset: Stripe reported none.
	//
	// +optional
	Created metav1.Time `json:"created,omitempty,omitzero"`

	// Livemode is true for real money and false for Stripe's test mode. Unset, it is false.
	//
	// +optional
	Livemode bool `json:"livemode"`

	// ClientReferenceID is the session's client_reference_id: the order's id. Unset for refunds and disputes, and for a
	// session that names no order.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=200
	ClientReferenceID string `json:"clientReferenceId,omitempty"`

	// PaymentIntentID is the PaymentIntent (pi_…) of the payment. Unset for a session whose total is 0.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	PaymentIntentID string `json:"paymentIntentId,omitempty"`

	// Session is the state of a Checkout Session. Unset: the event is about something else.
	//
	// +optional
	Session *SessionFact `json:"session,omitempty"`

	// Refund is the refunded part of the payment. Unset: the event is about something else.
	//
	// +optional
	Refund *RefundFact `json:"refund,omitempty"`

	// FailedRefund is a refund that failed after it had been made. Unset: the event is about something else.
	//
	// +optional
	FailedRefund *FailedRefund `json:"failedRefund,omitempty"`

	// Dispute is the state of a dispute of the payment. Unset: the event is about something else.
	//
	// +optional
	Dispute *Dispute `json:"dispute,omitempty"`
}

// StripeEventResolution is a person's decision about the payment of a Checkout Session.
type StripeEventResolution struct {
	// AssignTo is the Order that the payment is for, where the session names none, or one that does not exist. The Order
	// evaluates the payment like any other. Unset: the session's clientReferenceId names the Order. It cannot be changed
	// once the event is Applied.
	//
	// +optional
	AssignTo *OrderReference `json:"assignTo,omitempty"`

	// Acknowledged says that a person has dealt with an orphan payment, and that it needs no Order. Unset, it is false.
	//
	// +optional
	Acknowledged bool `json:"acknowledged,omitempty"`
}

// SessionFact is one event's statement about a Checkout Session.
type SessionFact struct {
	// ID is the Checkout Session (cs_…).
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	ID string `json:"id"`

	// Outcome is the result of the payment.
	//
	// +required
	Outcome Outcome `json:"outcome"`

	// Amount is the session's total in minor units of currency. Unset, it is 0.
	//
	// +optional
	Amount int64 `json:"amount"`

	// Currency is the session's three-letter currency code in Stripe's spelling (lower case). Unset: Stripe reported none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Currency string `json:"currency,omitempty"`

	// PaymentLinkID is the Payment Link (plink_…) that the session was opened from. Unset: from none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	PaymentLinkID string `json:"paymentLinkId,omitempty"`

	// Created is the time at which the session was created, by Stripe's clock. Unset: Stripe reported none.
	//
	// +optional
	Created metav1.Time `json:"created,omitempty,omitzero"`
}

// RefundFact is one event's statement about a payment's refunds.
type RefundFact struct {
	// AmountRefunded is the total refunded so far, in minor units of the payment's currency. Unset, it is 0.
	//
	// +optional
	AmountRefunded int64 `json:"amountRefunded"`

	// Full says that the payment is refunded in full. Unset, it is false.
	//
	// +optional
	Full bool `json:"full,omitempty"`
}

// StripeEventPhase is the state of a kept event.
//
// +kubebuilder:validation:Enum=Parked;Applied;Expired;Orphaned;Closed
type StripeEventPhase string

// The phases of a StripeEvent.
const (
	// StripeEventParked means that its order or payment is not known yet. It is retried.
	StripeEventParked StripeEventPhase = "Parked"
	// StripeEventApplied means that its fact is in an order's status.
	StripeEventApplied StripeEventPhase = "Applied"
	// StripeEventExpired means that its order or payment did not appear in time, and that a person must look. It is still
	// applied if its order appears.
	StripeEventExpired StripeEventPhase = "Expired"
	// StripeEventOrphaned means that somebody paid through a PaymentLink and no Order has the payment. The event is kept
	// until a person assigns it to an Order, acknowledges it, or refunds it at Stripe. It is applied if the Order that it
	// names appears.
	StripeEventOrphaned StripeEventPhase = "Orphaned"
	// StripeEventClosed means that an orphan payment was refunded in full, or acknowledged.
	StripeEventClosed StripeEventPhase = "Closed"
)

// OrderReference names an Order in any namespace.
type OrderReference struct {
	// Namespace of the Order.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`

	// Name of the Order.
	//
	// +required
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// StripeEventStatus is the state of a kept event.
type StripeEventStatus struct {
	// Phase is Parked, Applied, Expired, Orphaned or Closed. It is Parked from the creation of the event on.
	//
	// +optional
	// +kubebuilder:default=Parked
	Phase StripeEventPhase `json:"phase,omitempty"`

	// Message explains the phase, and says what to do. Unset until the controller has seen the event.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// OrderRef is the Order whose status holds the fact. Unset until Applied.
	//
	// +optional
	OrderRef *OrderReference `json:"orderRef,omitempty"`

	// AppliedAt is the time at which the fact was written to the Order, by the controller's clock. Unset until Applied.
	//
	// +optional
	AppliedAt *metav1.Time `json:"appliedAt,omitempty"`

	// ExpiredAt is the time at which the event became Expired, by the controller's clock. Unset: it never did.
	//
	// +optional
	ExpiredAt *metav1.Time `json:"expiredAt,omitempty"`
}

// StripeEvent is a verified event that could not be applied when it came: its order or its payment was unknown.
// Paylink creates, retries and removes StripeEvents. Those that are Orphaned wait for a person: set spec.resolution.assignTo to
// the Order that the payment is for, or spec.resolution.acknowledged.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=stripeevent,categories=paylink
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=".status.phase"
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=".spec.fact.type"
// +kubebuilder:printcolumn:name="Reference",type=string,JSONPath=".spec.fact.clientReferenceId"
// +kubebuilder:printcolumn:name="Payment",type=string,JSONPath=".spec.fact.paymentIntentId"
// +kubebuilder:printcolumn:name="Live",type=boolean,JSONPath=".spec.fact.livemode"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=".metadata.creationTimestamp"
// +kubebuilder:printcolumn:name="Event",type=string,priority=1,JSONPath=".spec.fact.eventId"
// +kubebuilder:printcolumn:name="Order",type=string,priority=1,JSONPath=".status.orderRef.name"
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=".status.message"
// +kubebuilder:validation:XValidation:rule="oldSelf.?status.phase.orValue('Parked') != 'Applied' || (has(self.spec.resolution) && has(self.spec.resolution.assignTo) ? has(oldSelf.spec.resolution) && has(oldSelf.spec.resolution.assignTo) && self.spec.resolution.assignTo == oldSelf.spec.resolution.assignTo : !has(oldSelf.spec.resolution) || !has(oldSelf.spec.resolution.assignTo))",message="the payment is in an Order's status already: spec.resolution.assignTo cannot be changed any more"
type StripeEvent struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is the event's fact and a person's decision about it.
	//
	// +required
	Spec StripeEventSpec `json:"spec"`

	// Status is the state of the event.
	//
	// +optional
	// +kubebuilder:default={phase: Parked}
	Status StripeEventStatus `json:"status,omitempty,omitzero"`
}

// StripeEventList is a list of StripeEvents.
//
// +kubebuilder:object:root=true
type StripeEventList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []StripeEvent `json:"items"`
}
