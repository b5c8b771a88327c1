package metrics

import "github.com/prometheus/client_golang/prometheus"

// Backfill are the metrics of reading Stripe's events. The gauges have no sample before they are known, so that a
// controller which does not lead reports none.
type Backfill struct {
	// Found counts events that no webhook had brought, by type and by what became of them.
	Found *prometheus.CounterVec
	// Unreadable counts events that are not of Stripe's shape.
	Unreadable prometheus.Counter
	// Gap is how far the reading is behind Stripe's clock, in seconds.
	Gap *prometheus.GaugeVec
	// LastSuccess is when a round last ended well, in seconds since 1970.
	LastSuccess *prometheus.GaugeVec
	// Undelivered is how many events Stripe calls undelivered.
	Undelivered *prometheus.GaugeVec
}

// NewBackfill makes and registers the metrics of the backfill.
func NewBackfill(r prometheus.Registerer) *Backfill {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: "backfill", Name: name, Help: help}, nil)
	}
	m := &Backfill{
		Found: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "backfill", Name: "found_total",
			Help: "Events read from Stripe that no webhook had brought, by type and result. Each is a delivery that failed, and is made good by this: see the endpoint's page at Stripe, and paylink_webhook_failures_total.",
		}, []string{"type", "result"}),
		Unreadable: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "backfill", Name: "unreadable_total",
			Help: "Events read from Stripe that are not of the expected shape. The log has their ids: look at their payments at Stripe.",
		}),
		Gap: gauge("gap_seconds",
			"How far the reading of Stripe's events is behind Stripe's clock. It stays within --backfill-period and --backfill-grace; one that grows means that Stripe's API or the API server is away, or refuses: see paylink_stripe_api_requests_total and the controller's log."),
		LastSuccess: gauge("last_success_timestamp_seconds",
			"When the leading controller last read Stripe's events to their end. Long ago means that a lost webhook is not made good."),
		Undelivered: gauge("undelivered_events",
			"Events of the last 30 days that Stripe has not delivered to every endpoint that wants them, 100 for that many or more. Other endpoints of the account count too; those that still fail are made good by the backfill."),
	}
	r.MustRegister(m.Found, m.Unreadable, m.Gap, m.LastSuccess, m.Undelivered)
	return m
}
