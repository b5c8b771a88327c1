package metrics

import "github.com/prometheus/client_golang/prometheus"

// Ledger are the metrics of writing facts to orders.
type Ledger struct {
	// Writes counts status patches that changed an order.
	Writes prometheus.Counter
	// Conflicts counts status patches that were refused because somebody else wrote first, and were redone.
	Conflicts prometheus.Counter
	// LiveReads counts look-ups that the cache could not answer, by what the API server said.
	LiveReads *prometheus.CounterVec
	// Invalid counts status patches that the API server refuses for good.
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
			Help: "Status patches redone because another writer was first. Normal in small numbers; many mean that something else writes to orders.",
		}),
		LiveReads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "ledger", Name: "live_reads_total",
			Help: "Look-ups that the cache could not answer and the API server did. Many with result=found mean that the cache lags behind.",
		}, []string{"result"}),
		Invalid: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "ledger", Name: "invalid_total",
			Help: "Facts that the API server would not take into an order's status. Each is kept as a StripeEvent; the log says why. The CRDs may be older than this release: apply its CRDs.",
		}),
	}
	r.MustRegister(m.Writes, m.Conflicts, m.LiveReads, m.Invalid)
	return m
}
