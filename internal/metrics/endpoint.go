package metrics

import "github.com/prometheus/client_golang/prometheus"

// Checks of the endpoint to which Stripe sends webhooks.
const (
	// EndpointExists: Stripe has an endpoint with our URL.
	EndpointExists = "exists"
	// EndpointEnabled: Stripe sends to it.
	EndpointEnabled = "enabled"
	// EndpointEvents: it gets every type of event that concerns a payment.
	EndpointEvents = "events"
	// EndpointMode: it is in the mode of the API key.
	EndpointMode = "mode"
	// EndpointAPIVersion: its events are new enough to have every field that Paylink reads.
	EndpointAPIVersion = "api_version"
	// EndpointSecret: its signing secret is where the webhook server reads it. Only a managed endpoint is checked.
	EndpointSecret = "secret"
)

// Endpoint are the metrics of monitoring Stripe's endpoint. They have no sample before the first check, so that only the
// leader reports them.
type Endpoint struct {
	// OK is 1 or 0, by check.
	OK *prometheus.GaugeVec
	// Checked is when the endpoint was last checked, in seconds since 1970.
	Checked *prometheus.GaugeVec
}

// NewEndpoint makes and registers the metrics of monitoring the endpoint.
func NewEndpoint(r prometheus.Registerer) *Endpoint {
	m := &Endpoint{
		OK: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "stripe_endpoint_ok",
			Help: "Whether the endpoint to which Stripe sends webhooks passes a check: 1, or 0 if it fails or there is no endpoint. " +
				"exists: one has our URL; enabled: Stripe sends to it; events: it gets all needed event types; mode: it is in the mode of the API key; api_version: its events are new enough; " +
				"secret: with --manage-webhook-endpoint, its signing secret is stored. The ConfigMap paylink-stripe-live or paylink-stripe-test has the remedy under the key endpoint.",
		}, []string{"check"}),
		Checked: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "stripe_endpoint_checked_timestamp_seconds",
			Help: "When the leading controller last checked the endpoint. If that is long ago, Stripe's API fails: see paylink_stripe_api_requests_total and the controller's log.",
		}, nil),
	}
	r.MustRegister(m.OK, m.Checked)
	return m
}

// Reset removes all samples.
func (m *Endpoint) Reset() {
	m.OK.Reset()
	m.Checked.Reset()
}
