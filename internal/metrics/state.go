package metrics

import "github.com/prometheus/client_golang/prometheus"

// State has the descriptions of the gauges that count resources. The leading controller collects them.
type State struct {
	// Orders is the number of orders, by phase and livemode.
	Orders *prometheus.Desc
	// Attention is the number of orders that need a person, by reason.
	Attention *prometheus.Desc
	// StripeEvents is the number of StripeEvents, by phase.
	StripeEvents *prometheus.Desc
	// Orphans is the number of payments without an order, by livemode.
	Orphans *prometheus.Desc
	// OldestParked is the age in seconds of the StripeEvent that has waited longest.
	OldestParked *prometheus.Desc
}

// NewState returns the descriptions of the state gauges.
func NewState() State {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	return State{
		Orders: desc("orders",
			"Orders by phase and mode, as the leading controller sees them.", "phase", "livemode"),
		Attention: desc("orders_needing_attention",
			"Orders whose condition NeedsAttention is true, by reason; one with several reasons counts for each: kubectl get orders.payments.paylink.dev -A -o wide shows which, kubectl describe says what to do.", "reason"),
		StripeEvents: desc("stripe_events",
			"StripeEvents by phase: events that were parked because their order or payment was unknown. Expired ones need a person: kubectl get stripeevents.payments.paylink.dev -A.", "phase"),
		Orphans: desc("orphan_payments",
			"Payments through a PaymentLink that belong to no Order: kubectl get stripeevents.payments.paylink.dev -A shows them as Orphaned. Assign each to an Order, or refund it.", "livemode"),
		OldestParked: desc("stripe_events_oldest_parked_seconds",
			"Age of the event that has waited longest for its order or payment; 0 if none waits. It can be a payment for an order that does not exist."),
	}
}

// Controller has the counters of the controller.
type Controller struct {
	// ExpiredEvents counts StripeEvents that expired before they could be applied, by Stripe's type.
	ExpiredEvents *prometheus.CounterVec
	// ExpiredOrders counts orders that were not paid in time.
	ExpiredOrders prometheus.Counter
	// ForeignEvents counts StripeEvents that were removed because their payment belongs to another shop.
	ForeignEvents prometheus.Counter
}

// NewController makes and registers the counters of the controller.
func NewController(r prometheus.Registerer) *Controller {
	m := &Controller{
		ExpiredEvents: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "stripe_events_expired_total",
			Help: "Events whose order or payment never appeared, by type. Each can be a payment without an order: look for it at Stripe.",
		}, []string{"type"}),
		ExpiredOrders: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "orders_expired_total",
			Help: "Orders that became Failed because nobody paid within spec.expiresAfter.",
		}),
		ForeignEvents: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "stripe_events_foreign_total",
			Help: "Parked refunds and disputes that were removed, because their payment at Stripe is of no order or PaymentLink here. Something else sells on the same Stripe account.",
		}),
	}
	r.MustRegister(m.ExpiredEvents, m.ExpiredOrders, m.ForeignEvents)
	return m
}
