package metrics

import "github.com/prometheus/client_golang/prometheus"

// Reconciliation are the metrics of comparing Stripe with the orders. The gauges have no sample before the first comparison.
type Reconciliation struct {
	// Missing counts facts that Stripe had and the orders lacked, by type.
	Missing *prometheus.CounterVec
	// Compared is the number of sessions in the last comparison, and Disagreements the number of orders that disagreed.
	Compared, Disagreements *prometheus.GaugeVec
	// LastSuccess is when a comparison last completed, in seconds since 1970.
	LastSuccess *prometheus.GaugeVec
}

// NewReconciliation makes and registers the metrics of the reconciliation.
func NewReconciliation(r prometheus.Registerer) *Reconciliation {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: "reconciliation", Name: name, Help: help}, nil)
	}
	m := &Reconciliation{
		Missing: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "reconciliation", Name: "missing_total",
			Help: "Payments, refunds and disputes that Stripe had and the orders lacked, by the type of the event that reports them. Webhooks and backfill missed each of them: find out why. The reconciliation applies them, unless it is a dry run.",
		}, []string{"type"}),
		Compared:      gauge("compared_sessions", "Checkout Sessions that the last reconciliation compared."),
		Disagreements: gauge("disagreements", "Orders that disagreed with Stripe in the last reconciliation: kubectl describe an order whose condition Verified is False shows how."),
		LastSuccess:   gauge("last_success_timestamp_seconds", "When the leading controller last compared all orders with Stripe."),
	}
	r.MustRegister(m.Missing, m.Compared, m.Disagreements, m.LastSuccess)
	return m
}
