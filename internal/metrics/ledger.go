package metrics

import "github.com/prometheus/client_golang/prometheus"

// Ledger are the metrics of writing facts to orders.
type Ledger struct {
	// Writes counts status patches that changed an order.
	Writes prometheus.Counter
	// Conflicts counts status patches that were repeated after a conflict.
	Conflicts prometheus.Counter
	// LiveReads counts look-ups that went to the API server after a cache miss, by result.
	LiveReads *prometheus.CounterVec
	// Invalid counts status patches that the API server rejects as invalid.
	Invalid prometheus.Counter
}

// NewLedger makes and registers the metrics of the ledger.
func NewLedger(r prometheus.Registerer) *Ledger {
	m := &Ledger{
		Writes: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "ledger", Name: "writes_total",
			Help: "Orders whose payment status was changed.",
		}),
		Conflicts: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "ledger", Name: "conflicts_total",
			Help: "Status patches that were repeated after a conflict. Few are normal; many mean that something else writes to orders.",
		}),
		LiveReads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "ledger", Name: "live_reads_total",
			Help: "Look-ups that went to the API server after a cache miss. Many with result=found mean that the cache lags behind.",
		}, []string{"result"}),
		Invalid: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "ledger", Name: "invalid_total",
			Help: "Facts that the API server rejected in an order's status. Each is parked as a StripeEvent; the log has the reason. Older CRDs are a possible cause: apply those of this release.",
		}),
	}
	r.MustRegister(m.Writes, m.Conflicts, m.LiveReads, m.Invalid)
	return m
}
