package statemetrics

import (
	"slices"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ordercache"
	"github.com/paylink-dev/paylink/internal/payment"
)

// orderPhases are the phases in which orders are counted.
var orderPhases = []v1alpha1.OrderPhase{v1alpha1.OrderPending, v1alpha1.OrderPaid, v1alpha1.OrderFailed, v1alpha1.OrderRefunded}

// attentionReasons are reported even at 0, so that an alert on their growth sees the first order.
var attentionReasons = []string{
	v1alpha1.ReasonPaymentMismatch, v1alpha1.ReasonModeMismatch, v1alpha1.ReasonDuplicatePayment, v1alpha1.ReasonDisputed,
	v1alpha1.ReasonRefundFailed, v1alpha1.ReasonPaidAfterExpiry, v1alpha1.ReasonTooManyPayments,
}

// Bits of a state. Bits 0 and 1 are the phase and bit 2 is the mode. Each further bit is a reason for attention.
const (
	phaseMask     ordercache.State = 0b11
	liveBit       ordercache.State = 0b100
	attentionBits                  = 3
)

// OrderState returns the phase, the mode and the reasons for attention of an order as a state, by which the cache counts
// orders. The cache computes it once for each change, so that no scrape decodes an order.
func OrderState(o *v1alpha1.Order) ordercache.State {
	state := ordercache.State(max(0, slices.Index(orderPhases, o.Status.Phase))) //nolint:gosec // there are four phases; none is Pending
	if o.Live() {
		state |= liveBit
	}
	for _, attention := range payment.AttentionOf(o) {
		if i := slices.Index(attentionReasons, attention.Reason); i >= 0 {
			state |= 1 << (attentionBits + i)
		}
	}
	return state
}

// orderCounts are the numbers of orders.
type orderCounts struct {
	byPhase map[phaseAndMode]int
	// byAttention is the number of orders that need a person, by reason.
	byAttention map[string]int
}

type phaseAndMode struct {
	phase v1alpha1.OrderPhase
	live  bool
}

// countOrders returns the counts of states, with zeros.
func countOrders(states map[ordercache.State]int) orderCounts {
	c := orderCounts{byPhase: map[phaseAndMode]int{}, byAttention: map[string]int{}}
	for _, phase := range orderPhases {
		c.byPhase[phaseAndMode{phase, true}], c.byPhase[phaseAndMode{phase, false}] = 0, 0
	}
	for _, reason := range attentionReasons {
		c.byAttention[reason] = 0
	}
	for state, n := range states {
		c.byPhase[phaseAndMode{orderPhases[state&phaseMask], state&liveBit != 0}] += n
		for i, reason := range attentionReasons {
			if state&(1<<(attentionBits+i)) != 0 {
				c.byAttention[reason] += n
			}
		}
	}
	return c
}
