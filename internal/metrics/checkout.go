package metrics

import "github.com/prometheus/client_golang/prometheus"

// Limits that reject a request, or a call to Stripe.
const (
	// LimitAddress: requests of one client for the state of payments.
	LimitAddress = "address"
	// LimitStripeAddress and LimitStripe: calls to Stripe for one client, and in all.
	LimitStripeAddress = "stripe_address"
	LimitStripe        = "stripe"
	// LimitToken: invalid tokens of one client.
	LimitToken = "token"
	// LimitBuyAddress, LimitBuyLink and LimitBuyOpen: anonymous orders of one client, of one PaymentLink, and unpaid ones of
	// one PaymentLink.
	LimitBuyAddress = "buy_address"
	LimitBuyLink    = "buy_link"
	LimitBuyOpen    = "buy_open"
	// LimitInFlight: orders that are being created.
	LimitInFlight = "in_flight"
)

// Checkout are the metrics of the routes of shops and buyers.
type Checkout struct {
	// Requests counts requests by route and status.
	Requests *prometheus.CounterVec
	// Duration is the time to answer, by route, in seconds.
	Duration *prometheus.HistogramVec
	// Limited counts rejections by a limit.
	Limited *prometheus.CounterVec
	// Orders counts orders created, by the value of their label payments.paylink.dev/checkout.
	Orders *prometheus.CounterVec
}

// NewCheckout creates and registers the metrics of the routes of shops and buyers.
func NewCheckout(r prometheus.Registerer) *Checkout {
	m := &Checkout{
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
			Help: "Requests and calls to Stripe that a limit rejected, by limit. buy_open: a PaymentLink with publicCheckout has as many unpaid orders as --public-orders-open allows, and sells nothing more until some are paid or expire. " +
				"buy_address, address, token: if real buyers are rejected, all of them share one limit: the proxy in front is not in --trusted-proxies, or does not see their addresses itself.",
		}, []string{"limit"}),
		Orders: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "checkout", Name: "orders_created_total",
			Help: "Orders created by the webhook server: api for a caller with a token, public for an anonymous buyer.",
		}, []string{"checkout"}),
	}
	r.MustRegister(m.Requests, m.Duration, m.Limited, m.Orders)
	return m
}
