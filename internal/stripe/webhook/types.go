package webhook

import (
	"maps"
	"slices"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// The types of event that say something about a payment, as Stripe names them.
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

// EventTypes returns the handled types of event, sorted. An endpoint at Stripe needs no others.
func EventTypes() []string { return slices.Sorted(maps.Keys(readers)) }

// Handles reports whether events of a type can say something about a payment.
func Handles(eventType string) bool {
	_, ok := readers[eventType]
	return ok
}

// ReadFact reads an object of Stripe's into a fact, as an event of that type would state it. It reports false where the
// object says nothing about a payment, and for types that are not handled.
func ReadFact(eventType string, o *Object, f *payment.Fact) bool {
	read, ok := readers[eventType]
	return ok && read(o, f)
}
