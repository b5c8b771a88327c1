// Package metrics names every metric of Paylink, with its labels and what to do about it. It imports nothing else of
// Paylink's.
package metrics

import "github.com/prometheus/client_golang/prometheus"

const namespace = "paylink"

// Results of a webhook that was answered with 200.
const (
	// ResultApplied: the fact was written to its order.
	ResultApplied = "applied"
	// ResultUnchanged: the order knew it already (a redelivery).
	ResultUnchanged = "unchanged"
	// ResultParked: kept as a StripeEvent until its order or payment is known.
	ResultParked = "parked"
	// ResultIgnored: of no interest: another type, another shop's payment.
	ResultIgnored = "ignored"
	// ResultUnusable: without its object (a thin event), so nothing can be read from it.
	ResultUnusable = "unusable"
)

// Reasons why a webhook was not answered with 200.
const (
	FailureSignature  = "bad_signature"
	FailureStale      = "stale_timestamp"
	FailureFuture     = "future_timestamp"
	FailureMalformed  = "malformed"
	FailureTooLarge   = "too_large"
	FailureUnreadable = "unreadable"
	FailureMethod     = "method"
	FailureOverloaded = "overloaded"
	FailureDeadline   = "deadline"
	FailureConflict   = "conflict"
	FailureAPIServer  = "apiserver"
)

// TypeOther is the type label shared by all events that Paylink has no use for, so that nobody can make up labels.
const TypeOther = "other"

// Webhook are the metrics of the webhook route.
type Webhook struct {
	// Events counts deliveries answered with 200, by type and result.
	Events *prometheus.CounterVec
	// Failures counts deliveries answered with 4xx or 5xx, by reason.
	Failures *prometheus.CounterVec
	// Duration is how long answering took, in seconds.
	Duration prometheus.Histogram
	// DeliveryLag is from Stripe's creation of an event to its fact being written, in seconds.
	DeliveryLag prometheus.Histogram
	// InFlight is how many verified events are being written.
	InFlight prometheus.Gauge
	// LastEvent is when the last verified event came, in seconds since 1970.
	LastEvent prometheus.Gauge
}

// NewWebhook makes and registers the metrics of the webhook route.
func NewWebhook(r prometheus.Registerer) *Webhook {
	m := &Webhook{
		Events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "events_total",
			Help: "Verified Stripe events answered with 200, by type and result. parked ones wait for their order: see kubectl get stripeevents.payments.paylink.dev. " +
				"unusable ones came without their object: set the endpoint at Stripe to snapshot payloads.",
		}, []string{"type", "result"}),
		Failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "failures_total",
			Help: "Webhook deliveries answered with 4xx or 5xx, by reason; Stripe sends them again for up to three days. " +
				"bad_signature: the signing secret is not the endpoint's, or somebody else is calling. stale_timestamp, future_timestamp: check the clock. " +
				"overloaded, deadline, conflict, apiserver: the API server is slow or away.",
		}, []string{"reason"}),
		Duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "duration_seconds",
			Help:    "Time to answer a webhook delivery. Stripe's checkout page waits for the answer: keep it under 2 s.",
			Buckets: []float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 4, 8},
		}),
		DeliveryLag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "delivery_lag_seconds",
			Help:    "Time from Stripe's creation of an event to its fact being written to the order. Minutes or hours mean that earlier deliveries failed: see paylink_webhook_failures_total and the endpoint's page at Stripe.",
			Buckets: []float64{1, 2, 5, 10, 30, 60, 300, 1800, 3600, 4 * 3600, 24 * 3600, 72 * 3600},
		}),
		InFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "in_flight",
			Help: "Verified events being written now. At its limit further ones are answered 503: add replicas, or look at the API server.",
		}),
		LastEvent: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "last_event_timestamp_seconds",
			Help: "When the last verified event came; 0 if none came since the start. Long ago while buyers pay means that Stripe does not reach the endpoint.",
		}),
	}
	r.MustRegister(m.Events, m.Failures, m.Duration, m.DeliveryLag, m.InFlight, m.LastEvent)
	return m
}
