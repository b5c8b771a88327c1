package metrics

import "github.com/prometheus/client_golang/prometheus"

// Backfill are the metrics of reading Stripe's events. A gauge has no sample before its first value, so that only the leader
// reports it.
type Backfill struct {
	// Found counts events that no webhook had delivered, by type and result.
	Found *prometheus.CounterVec
	// Unreadable counts events of an unexpected shape.
	Unreadable prometheus.Counter
	// Gap is the time in seconds since the last event that was read, by Stripe's clock.
	Gap *prometheus.GaugeVec
	// LastSuccess is when a pass last completed, in seconds since 1970.
	LastSuccess *prometheus.GaugeVec
	// Undelivered is the number of events that Stripe calls undelivered.
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
			Help: "Events read from Stripe that no webhook had delivered, by type and result. Each is a failed delivery, which the backfill repairs: see the endpoint's page at Stripe, and paylink_webhook_failures_total.",
		}, []string{"type", "result"}),
		Unreadable: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "backfill", Name: "unreadable_total",
			Help: "Events read from Stripe that have an unexpected shape. The log has their ids: look at their payments at Stripe.",
		}),
		Gap: gauge("gap_seconds",
			"How far the reading of Stripe's events is behind Stripe's clock. It stays within --backfill-period and --backfill-grace; one that grows means that Stripe's API or the API server fails: see paylink_stripe_api_requests_total and the controller's log."),
		LastSuccess: gauge("last_success_timestamp_seconds",
			"When the leading controller last read Stripe's events to their end. If that is long ago, lost webhooks are not found."),
		Undelivered: gauge("undelivered_events",
			"Events of the last 30 days that Stripe has not delivered to all their endpoints; 100 is 100 or more. Other endpoints of the account count too. The backfill repairs failed deliveries to this one."),
	}
	r.MustRegister(m.Found, m.Unreadable, m.Gap, m.LastSuccess, m.Undelivered)
	return m
}
