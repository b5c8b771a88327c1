package metrics

import "github.com/prometheus/client_golang/prometheus"

// What is looked at in the endpoint that Stripe sends webhooks to.
const (
	// EndpointExists: Stripe has one with our URL.
	EndpointExists = "exists"
	// EndpointEnabled: Stripe sends to it.
	EndpointEnabled = "enabled"
	// EndpointEvents: it gets every type of event that says something about a payment.
	EndpointEvents = "events"
	// EndpointMode: it is of the API key's mode.
	EndpointMode = "mode"
	// EndpointAPIVersion: its events are new enough to have every field that is read.
	EndpointAPIVersion = "api_version"
	// EndpointSecret: what it signs with is where the webhook server reads it. Only a managed endpoint is looked at.
	EndpointSecret = "secret"
)

// Endpoint are the metrics of watching Stripe's endpoint. They have no sample before Stripe was asked, so that a
// controller which does not lead reports none.
type Endpoint struct {
	// OK is 1 or 0, by check.
	OK *prometheus.GaugeVec
	// Checked is when Stripe last said how the endpoint is, in seconds since 1970.
	Checked *prometheus.GaugeVec
}

// NewEndpoint makes and registers the metrics of watching the endpoint.
func NewEndpoint(r prometheus.Registerer) *Endpoint {
	m := &Endpoint{
		OK: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "stripe_endpoint_ok",
			Help: "Whether the endpoint that Stripe sends webhooks to is as it should be, by check: 1, or 0 where it is not or there is no endpoint. " +
				"exists: one has our URL; enabled: Stripe sends to it; events: it gets all event types that are needed; mode: it is of the API key's mode; api_version: its events are new enough; " +
				"secret: with --manage-webhook-endpoint, its signing secret is stored. The ConfigMap paylink-stripe-live or paylink-stripe-test says what to do, under the key endpoint.",
		}, []string{"check"}),
		Checked: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "stripe_endpoint_checked_timestamp_seconds",
			Help: "When Stripe last told the leading controller how the endpoint is. Long ago means that Stripe's API does not answer, or refuses: see paylink_stripe_api_requests_total and the controller's log.",
		}, nil),
	}
	r.MustRegister(m.OK, m.Checked)
	return m
}

// Reset takes back what was reported.
func (m *Endpoint) Reset() {
	m.OK.Reset()
	m.Checked.Reset()
}
