package metrics

import "github.com/prometheus/client_golang/prometheus"

// NewStripeAPI creates and registers the counter of calls to Stripe's API, by operation and code.
func NewStripeAPI(r prometheus.Registerer) *prometheus.CounterVec {
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: "stripe_api", Name: "requests_total",
		Help: "Calls to Stripe's API by operation and HTTP status; error: no answer. 401 and 403: the API key is wrong, or lacks a permission. 429: another program uses up the calls of the account.",
	}, []string{"operation", "code"})
	r.MustRegister(calls)
	return calls
}
