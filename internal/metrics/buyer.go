package metrics

import "github.com/prometheus/client_golang/prometheus"

// Limits that keep a request from being served.
const (
	// LimitAddress: one client's looks at payments.
	LimitAddress = "address"
	// LimitStripeAddress and LimitStripe: calls to Stripe for one client, and in all.
	LimitStripeAddress = "stripe_address"
	LimitStripe        = "stripe"
	// LimitToken: one client's tokens that Kubernetes does not know.
	LimitToken = "token"
	// LimitBuyAddress, LimitBuyLink and LimitBuyOpen: anonymous orders of one client, of one link, and open of one link.
	LimitBuyAddress = "buy_address"
	LimitBuyLink    = "buy_link"
	LimitBuyOpen    = "buy_open"
	// LimitInFlight: orders being created.
	LimitInFlight = "in_flight"
)

// Buyer are the metrics of the routes that shops and buyers use.
type Buyer struct {
	// Requests counts requests by route and status.
	Requests *prometheus.CounterVec
	// Duration is how long answering took, by route, in seconds.
	Duration *prometheus.HistogramVec
	// Limited counts what a limit kept from being done, by limit.
	Limited *prometheus.CounterVec
	// Orders counts orders created, by the value of their label payments.paylink.dev/checkout.
	Orders *prometheus.CounterVec
}

// NewBuyer makes and registers the metrics of the routes that shops and buyers use.
func NewBuyer(r prometheus.Registerer) *Buyer {
	m := &Buyer{
		Requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "checkout", Name: "requests_total",
			Help: "Requests of shops and buyers, by route and HTTP status. Many 5xx: see the webhook server's log. Many 429: see paylink_checkout_limited_total.",
		}, []string{"route", "code"}),
		Duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: "checkout", Name: "duration_seconds",
			Help:    "Time to answer shops and buyers, by route. Creating an order waits for the controller to make it ready; a return page may wait for Stripe.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		Limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "checkout", Name: "limited_total",
			Help: "What a limit kept from being done, by limit. buy_open: a PaymentLink with publicCheckout has as many unpaid orders as --public-orders-open allows, and sells nothing to others until they expire. " +
				"buy_address, address, token: if real buyers are hit, all of them share one count, as the proxy in front is not in --trusted-proxies or does not see their addresses itself.",
		}, []string{"limit"}),
		Orders: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "checkout", Name: "orders_created_total",
			Help: "Orders created by the webhook server: api for a caller with a token, public for an anonymous buyer.",
		}, []string{"checkout"}),
	}
	r.MustRegister(m.Requests, m.Duration, m.Limited, m.Orders)
	return m
}

// NewStripeAPI makes and registers the counter of calls to Stripe's API, by operation and code.
func NewStripeAPI(r prometheus.Registerer) *prometheus.CounterVec {
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: "stripe_api", Name: "requests_total",
		Help: "Calls to Stripe's API by operation and HTTP status; error where none came. 401 and 403: the API key is wrong, or lacks a permission. 429: something else uses up the account's calls.",
	}, []string{"operation", "code"})
	r.MustRegister(calls)
	return calls
}
