package webhookserver

import (
	_ "embed" // openapi.yaml
	"net/http"
	"net/url"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/cors"

	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/weburl"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/problem"
	"github.com/paylink-dev/paylink/webhookserver/returnpage"
)

// OpenAPIPath is the route of the OpenAPI description.
const OpenAPIPath = "/openapi.yaml"

//go:embed openapi.yaml
var openAPI []byte

// Routes are the routes of shops and buyers.
type Routes struct {
	// AppURL is the address of the shop, whose scripts can read the responses. Nil: no other origin can.
	AppURL     *url.URL
	ReturnPage *returnpage.Handler
	// Orders and Buy create orders. Nil: the server has no such routes.
	Orders  *checkout.OrdersHandler
	Buy     *checkout.BuyHandler
	Metrics *metrics.Checkout
	Log     logr.Logger
}

// register adds the routes to a mux.
func (r *Routes) register(mux *http.ServeMux) {
	cors := r.cors()
	for _, route := range r.all() {
		var handler http.Handler = problem.Handler{Handle: route.methods.Handle, Render: route.render, Log: r.Log}
		if route.cors {
			handler = cors(handler)
		}
		mux.Handle(route.pattern, r.instrument(route.pattern, handler))
	}
}

// route is one route of shops and buyers.
type route struct {
	pattern string
	methods problem.Methods
	// render writes problems. Nil: as JSON.
	render func(http.ResponseWriter, *http.Request, *problem.Problem)
	// cors lets scripts of the shop call the route.
	cors bool
}

func (r *Routes) all() []route {
	routes := []route{
		{pattern: returnpage.CapturePath, methods: problem.Methods{http.MethodPost: r.ReturnPage.Capture}, cors: true},
		{pattern: page.BillingPath, methods: problem.Methods{http.MethodGet: r.ReturnPage.Page}, render: r.ReturnPage.RenderProblem},
		{pattern: page.BillingPath + "/", methods: problem.Methods{http.MethodGet: page.ServeAsset}},
		{pattern: OpenAPIPath, methods: problem.Methods{http.MethodGet: serveOpenAPI}, cors: true},
	}
	if r.Orders != nil {
		routes = append(routes,
			route{pattern: checkout.OrdersPath, methods: problem.Methods{http.MethodPost: r.Orders.Create}, cors: true},
			route{pattern: checkout.OrdersPath + "/{orderId}", methods: problem.Methods{http.MethodGet: r.Orders.Get}, cors: true})
	}
	if r.Buy != nil {
		routes = append(routes, route{
			pattern: checkout.BuyPattern, methods: problem.Methods{http.MethodGet: r.Buy.Page, http.MethodPost: r.Buy.Order}, render: r.Buy.RenderProblem,
		})
	}
	return routes
}

// cors returns the middleware that lets scripts of the shop's origin read the responses. Scripts of other origins cannot.
func (r *Routes) cors() func(http.Handler) http.Handler {
	if r.AppURL == nil {
		return func(h http.Handler) http.Handler { return h }
	}
	return cors.New(cors.Options{
		AllowedOrigins: []string{weburl.Origin(r.AppURL)},
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost},
		AllowedHeaders: []string{"Authorization", "Content-Type", "Idempotency-Key"},
		ExposedHeaders: []string{"Idempotent-Replayed", "Location", "Retry-After"},
		MaxAge:         600,
	}).Handler
}

// instrument adds the metrics of a route's requests to its handler.
func (r *Routes) instrument(pattern string, h http.Handler) http.Handler {
	labels := prometheus.Labels{"route": pattern}
	return promhttp.InstrumentHandlerCounter(r.Metrics.Requests.MustCurryWith(labels),
		promhttp.InstrumentHandlerDuration(r.Metrics.Duration.MustCurryWith(labels), h))
}

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(openAPI) // fails only if the client has closed the connection
	return nil
}
