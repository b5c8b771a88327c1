package metrics

import "github.com/prometheus/client_golang/prometheus"

// Audit are the metrics of comparing Stripe's books with the orders. The gauges have no sample before the first audit.
type Audit struct {
	// Missing counts facts that Stripe's books had and the orders did not, by type.
	Missing *prometheus.CounterVec
	// Compared and Disagreements are of the last audit: how many sessions were looked at, and how many orders say otherwise.
	Compared, Disagreements *prometheus.GaugeVec
	// LastSuccess is when an audit last came to its end, in seconds since 1970.
	LastSuccess *prometheus.GaugeVec
}

// NewAudit makes and registers the metrics of the audit.
func NewAudit(r prometheus.Registerer) *Audit {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: "audit", Name: name, Help: help}, nil)
	}
	m := &Audit{
		Missing: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "audit", Name: "missing_total",
			Help: "Payments, refunds and disputes that Stripe's books had and the orders did not, by the type of event that should have told. Each got past webhooks and backfill, and is made good by the audit, unless that is a dry run: look into why.",
		}, []string{"type"}),
		Compared:      gauge("compared_sessions", "Checkout Sessions that the last audit looked at."),
		Disagreements: gauge("disagreements", "Payments of orders that the last audit found otherwise at Stripe: kubectl describe an order whose condition Verified is False says in what."),
		LastSuccess:   gauge("last_success_timestamp_seconds", "When the leading controller last compared all of Stripe's books with the orders."),
	}
	r.MustRegister(m.Missing, m.Compared, m.Disagreements, m.LastSuccess)
	return m
}
