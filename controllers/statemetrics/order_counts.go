package statemetrics

import (
	"sync"

	toolscache "k8s.io/client-go/tools/cache"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// census counts orders as they come, change and go: to look at each of a hundred thousand at every scrape would be most of
// what the controller does.
type census struct {
	mu     sync.Mutex
	orders map[orderState]int
	// attention is how many orders need a person, by the reason.
	attention map[string]int
}

// orderState is by what orders are counted.
type orderState struct {
	phase v1alpha1.OrderPhase
	live  bool
}

// attentionReasons are reported even at 0, so that an alert on their growth sees the first one.
var attentionReasons = []string{
	v1alpha1.ReasonPaymentMismatch, v1alpha1.ReasonModeMismatch, v1alpha1.ReasonDuplicatePayment, v1alpha1.ReasonDisputed,
	v1alpha1.ReasonRefundFailed, v1alpha1.ReasonPaidAfterExpiry, v1alpha1.ReasonTooManyPayments,
}

func newCensus() *census {
	c := &census{orders: map[orderState]int{}, attention: map[string]int{}}
	for _, phase := range []v1alpha1.OrderPhase{v1alpha1.OrderPending, v1alpha1.OrderPaid, v1alpha1.OrderFailed, v1alpha1.OrderRefunded} {
		c.orders[orderState{phase, true}], c.orders[orderState{phase, false}] = 0, 0
	}
	for _, reason := range attentionReasons {
		c.attention[reason] = 0
	}
	return c
}

// count adds n orders like this one.
func (c *census) count(o any, n int) {
	if gone, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	order, ok := o.(*v1alpha1.Order)
	if !ok {
		return
	}
	state := orderState{order.Status.Phase, order.Live()}
	if state.phase == "" {
		state.phase = v1alpha1.OrderPending
	}
	c.orders[state] += n
	for _, need := range payment.Needs(order) {
		c.attention[need.Reason] += n
	}
}

// OnAdd counts an order.
func (c *census) OnAdd(o any, _ bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(o, 1)
}

// OnUpdate counts an order as it is now.
func (c *census) OnUpdate(was, is any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(was, -1)
	c.count(is, 1)
}

// OnDelete counts an order no more.
func (c *census) OnDelete(o any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(o, -1)
}

// report calls back with every count.
func (c *census) report(orders func(orderState, int), attention func(reason string, n int)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for state, n := range c.orders {
		orders(state, n)
	}
	for reason, n := range c.attention {
		attention(reason, n)
	}
}
