// Package metrics defines every metric of Paylink. The help text of a metric says how to react to it.
package metrics

import "github.com/prometheus/client_golang/prometheus"

const namespace = "paylink"

// Results of a delivery that was answered 200.
const (
	// ResultApplied: the fact was written to its order.
	ResultApplied = "applied"
	// ResultUnchanged: the order had the fact already (a redelivery).
	ResultUnchanged = "unchanged"
	// ResultParked: kept as a StripeEvent until its order or payment is known.
	ResultParked = "parked"
	// ResultIgnored: of no interest, such as another type or the payment of another shop.
	ResultIgnored = "ignored"
	// ResultUnusable: a thin event, which does not contain its object.
	ResultUnusable = "unusable"
)

// Reasons of a delivery that was answered 4xx or 5xx.
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
	// FailureInternal is a bug of Paylink.
	FailureInternal = "internal"
)

// TypeOther is the label of all event types that Paylink does not handle. It bounds the number of labels.
const TypeOther = "other"

// Webhook are the metrics of the webhook route.
type Webhook struct {
	// Events counts deliveries answered with 200, by type and result.
	Events *prometheus.CounterVec
	// Failures counts deliveries answered with 4xx or 5xx, by reason.
	Failures *prometheus.CounterVec
	// Duration is the time to answer a delivery, in seconds. It has no labels.
	Duration *prometheus.HistogramVec
	// DeliveryLag is the time from Stripe's creation of an event to the write of its fact, in seconds.
	DeliveryLag prometheus.Histogram
	// InFlight is the number of verified events that are being written.
	InFlight prometheus.Gauge
	// LastEvent is the time of the last verified event, in seconds since 1970.
	LastEvent prometheus.Gauge
}

// NewWebhook creates and registers the metrics of the webhook route.
func NewWebhook(r prometheus.Registerer) *Webhook {
	m := &Webhook{
		Events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "events_total",
			Help: "Verified Stripe events answered with 200, by type and result. parked: waits for its order, see kubectl get stripeevents.payments.paylink.dev. " +
				"unusable: came without its object, set the endpoint at Stripe to snapshot payloads.",
		}, []string{"type", "result"}),
		Failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "failures_total",
			Help: "Webhook deliveries answered with 4xx or 5xx, by reason; Stripe sends them again for up to three days. " +
				"bad_signature: the signing secret is not the secret of the endpoint, or the request is not from Stripe. stale_timestamp, future_timestamp: check the clock. " +
				"overloaded, deadline, conflict, apiserver: the API server is slow or unavailable. internal: a bug, see the log.",
		}, []string{"reason"}),
		Duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "duration_seconds",
			Help:    "Time to answer a webhook delivery. Stripe's checkout page waits for the answer: keep it under 2 s.",
			Buckets: []float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 4, 8},
		}, nil),
		DeliveryLag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "delivery_lag_seconds",
			Help:    "Time from Stripe's creation of an event to the write of its fact to the order. Minutes or hours mean that earlier deliveries failed: see paylink_webhook_failures_total and the endpoint's page at Stripe.",
			Buckets: []float64{1, 2, 5, 10, 30, 60, 300, 1800, 3600, 4 * 3600, 24 * 3600, 72 * 3600},
		}),
		InFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "in_flight",
			Help: "Verified events that are being written. At the limit, further ones are answered 503: add replicas, or check the API server.",
		}),
		LastEvent: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: "webhook", Name: "last_event_timestamp_seconds",
			Help: "Time of the last verified event; 0: none since the start. If it is long ago while buyers pay, Stripe does not reach the endpoint.",
		}),
	}
	m.Duration.WithLabelValues() // shows 0 before the first delivery
	r.MustRegister(m.Events, m.Failures, m.Duration, m.DeliveryLag, m.InFlight, m.LastEvent)
	return m
}
