package webhook

import (
	"maps"
	"slices"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// The handled event types, by Stripe's names.
const (
	TypeSessionCompleted       = "checkout.session.completed"
	TypeSessionAsyncSucceeded  = "checkout.session.async_payment_succeeded"
	TypeSessionAsyncFailed     = "checkout.session.async_payment_failed"
	TypeChargeRefunded         = "charge.refunded"
	TypeChargeRefundUpdated    = "charge.refund.updated"
	TypeRefundUpdated          = "refund.updated"
	TypeRefundFailed           = "refund.failed"
	TypeDisputeCreated         = "charge.dispute.created"
	TypeDisputeUpdated         = "charge.dispute.updated"
	TypeDisputeFundsWithdrawn  = "charge.dispute.funds_withdrawn"
	TypeDisputeFundsReinstated = "charge.dispute.funds_reinstated"
	TypeDisputeClosed          = "charge.dispute.closed"
)

// readers maps each handled type to the function that reads its object.
var readers = map[string]func(*Object, *payment.Fact) bool{
	TypeSessionCompleted:       readCompletedSession,
	TypeSessionAsyncSucceeded:  readSession(v1alpha1.OutcomePaid),
	TypeSessionAsyncFailed:     readSession(v1alpha1.OutcomeFailed),
	TypeChargeRefunded:         readRefundedCharge,
	TypeChargeRefundUpdated:    readFailedRefund,
	TypeRefundUpdated:          readFailedRefund,
	TypeRefundFailed:           readFailedRefund,
	TypeDisputeCreated:         readDispute,
	TypeDisputeUpdated:         readDispute,
	TypeDisputeFundsWithdrawn:  readDispute,
	TypeDisputeFundsReinstated: readDispute,
	TypeDisputeClosed:          readDispute,
}

// EventTypes returns the handled event types, sorted. An endpoint at Stripe needs no others.
func EventTypes() []string { return slices.Sorted(maps.Keys(readers)) }

// Handles reports whether events of a type can state a fact about a payment.
func Handles(eventType string) bool {
	_, ok := readers[eventType]
	return ok
}

// ReadFact reads an object of Stripe's into the fact that an event of this type states. It reports false if the object
// states nothing about a payment, or if the type is not handled.
func ReadFact(eventType string, o *Object, f *payment.Fact) bool {
	read, ok := readers[eventType]
	return ok && read(o, f)
}
