package webhookserver

import (
	_ "embed" // of the description
	"net/http"
	"net/url"
	"strconv"

	"github.com/rs/cors"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/problem"
	"github.com/paylink-dev/paylink/webhookserver/returnpage"
)

// Shop is the routes of shops and buyers. All fields are required but AppURL, API and Counter.
type Shop struct {
	// AppURL is the shop's address, whose scripts may read the answers; nil: no other origin's may.
	AppURL  *url.URL
	Billing *returnpage.Desk
	// API and Counter create orders; both nil: nobody does here.
	API     *checkout.API
	Counter *checkout.Counter
	Metrics *metrics.Buyer
	Clock   clock.PassiveClock
}

// OpenAPIPath is where the routes describe themselves, in openapi.yaml.
const OpenAPIPath = "/openapi.yaml"

//go:embed openapi.yaml
var description []byte

// register adds the routes.
func (s *Shop) register(mux *http.ServeMux) {
	share := s.sharing()
	route := func(pattern string, methods problem.Methods, around func(http.Handler) http.Handler) {
		mux.Handle(pattern, s.measure(pattern, around(methods)))
	}
	ours := func(h http.Handler) http.Handler { return h }

	route(returnpage.CapturePath, problem.Methods{http.MethodPost: s.Billing.Capture}, share)
	route(page.BillingPath, problem.Methods{http.MethodGet: s.Billing.Page}, ours)
	route(page.BillingPath+"/", problem.Methods{http.MethodGet: page.Assets}, ours)
	route(OpenAPIPath, problem.Methods{http.MethodGet: describe}, share)
	if s.API != nil {
		route(checkout.OrdersPath, problem.Methods{http.MethodPost: s.API.Create}, share)
		route(checkout.OrdersPath+"/{orderId}", problem.Methods{http.MethodGet: s.API.Get}, share)
	}
	if s.Counter != nil {
		route(checkout.BuyPattern, problem.Methods{http.MethodGet: s.Counter.Page, http.MethodPost: s.Counter.Order}, ours)
	}
}

// sharing returns what lets scripts of the shop's origin, and of no other, read the answers.
func (s *Shop) sharing() func(http.Handler) http.Handler {
	if s.AppURL == nil {
		return func(h http.Handler) http.Handler { return h }
	}
	return cors.New(cors.Options{
		AllowedOrigins: []string{s.AppURL.Scheme + "://" + s.AppURL.Host},
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost},
		AllowedHeaders: []string{"Authorization", "Content-Type", "Idempotency-Key"},
		ExposedHeaders: []string{"Idempotent-Replayed", "Location", "Retry-After"},
		MaxAge:         600,
	}).Handler
}

// measure counts a route's requests.
func (s *Shop) measure(route string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, answer := s.Clock.Now(), &answered{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(answer, r)
		s.Metrics.Requests.WithLabelValues(route, strconv.Itoa(answer.status)).Inc()
		s.Metrics.Duration.WithLabelValues(route).Observe(s.Clock.Since(start).Seconds())
	})
}

// answered remembers the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(description) // the client may be gone; there is nobody else to tell
}
