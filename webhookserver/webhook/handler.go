// Package webhook serves the route to which Stripe sends its events.
package webhook

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	stripewebhook "github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/webhookserver/problem"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

// Path is the path of the route that Stripe calls.
const Path = stripewebhook.Path

// Ledger keeps payment facts. It is implemented by *ledger.Ledger.
type Ledger interface {
	Apply(context.Context, payment.Fact) (ledger.Result, error)
}

// Handler accepts Stripe's events.
//
// It answers 2xx only if the fact of the event is in the API server, or the event is of no interest. No business reason is
// answered 4xx or 5xx, since Stripe disables an endpoint that fails for days. A failure that can pass is answered 503:
// Stripe sends the event again.
type Handler struct {
	verifier *stripewebhook.Verifier
	ledger   Ledger
	metrics  *metrics.Webhook
	clock    clock.PassiveClock
	log      logr.Logger

	route   http.Handler
	bodies  *bodyReader
	limiter *concurrencyLimiter
	// logLimiter limits log messages that unauthenticated senders or an overload cause, by their kind.
	logLimiter *ratelimit.Limiter
}

// New returns a Handler.
func New(v *stripewebhook.Verifier, l Ledger, m *metrics.Webhook, c clock.PassiveClock, log logr.Logger) *Handler {
	h := &Handler{
		verifier: v, ledger: l, metrics: m, clock: c, log: log,
		bodies:     newBodyReader(maxReading, maxReadingLarge),
		limiter:    newConcurrencyLimiter(c),
		logLimiter: ratelimit.New(ratelimit.OnceAMinute, c),
	}
	h.route = promhttp.InstrumentHandlerDuration(m.Duration, problem.Handler{Handle: h.handle, Log: log})
	return h
}

// ServeHTTP answers one delivery.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.route.ServeHTTP(w, r) }

func (h *Handler) handle(w http.ResponseWriter, r *http.Request) error {
	defer h.countPanic()
	ctx, cancel := context.WithTimeout(r.Context(), Deadline)
	defer cancel()
	event, err := h.receive(r)
	if err == nil {
		err = h.accept(ctx, event)
	}
	if err != nil {
		rejected := rejectionOf(err)
		h.metrics.Failures.WithLabelValues(rejected.reason).Inc()
		h.logRejection(rejected, event.ID)
		return rejected.problem()
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// countPanic counts a panic. The problem.Handler recovers it, and answers 500.
func (h *Handler) countPanic() {
	if v := recover(); v != nil {
		h.metrics.Failures.WithLabelValues(metrics.FailureInternal).Inc()
		panic(v)
	}
}

// receive reads, verifies and decodes one delivery.
func (h *Handler) receive(r *http.Request) (stripewebhook.Event, error) {
	var none stripewebhook.Event
	if r.Method != http.MethodPost {
		return none, errMethod
	}
	signature := r.Header.Get("Stripe-Signature")
	if signature == "" { // do not read the body
		return none, stripewebhook.ErrSignature
	}
	body, err := h.bodies.read(r)
	if err != nil {
		return none, err
	}
	if err := h.verifier.Verify(body, signature); err != nil {
		return none, err
	}
	event, err := stripewebhook.Decode(body)
	if err != nil {
		return none, err
	}
	h.metrics.LastEvent.Set(float64(h.clock.Now().Unix()))
	return event, nil
}

// accept keeps the fact of a verified event, if it has one.
func (h *Handler) accept(ctx context.Context, event stripewebhook.Event) error {
	if event.Fact != nil {
		return h.apply(ctx, event)
	}
	result := metrics.ResultIgnored
	switch {
	case !event.Snapshot:
		result = metrics.ResultUnusable
		if h.mayLog(result) {
			h.log.Info("Event without its object", "event", event.ID, "remedy", "set the endpoint at Stripe to snapshot payloads")
		}
	case event.Account != "" && h.mayLog("account"):
		h.log.Info("Event of a connected account ignored", "event", event.ID, "account", event.Account,
			"remedy", "set the endpoint at Stripe to events of your own account")
	}
	h.metrics.Events.WithLabelValues(typeLabel(event.Type), result).Inc()
	return nil
}

// apply hands the fact to the ledger, as soon as the limiter admits it.
func (h *Handler) apply(ctx context.Context, event stripewebhook.Event) error {
	release, err := h.limiter.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	h.metrics.InFlight.Inc()
	defer h.metrics.InFlight.Dec()

	result, err := h.ledger.Apply(log.IntoContext(ctx, h.log), *event.Fact)
	if err != nil {
		return err
	}
	h.metrics.Events.WithLabelValues(typeLabel(event.Type), string(result)).Inc()
	if result == ledger.Applied && !event.Created.IsZero() {
		h.metrics.DeliveryLag.Observe(max(0, h.clock.Since(event.Created).Seconds()))
	}
	if debug := h.log.V(1); debug.Enabled() {
		debug.Info("Event accepted", "event", event.ID, "type", event.Type, "result", result)
	}
	return nil
}

// typeLabel returns the label of an event type. It bounds the number of labels, since Stripe has hundreds of types.
func typeLabel(eventType string) string {
	if stripewebhook.Handles(eventType) {
		return eventType
	}
	return metrics.TypeOther
}

// logRejection logs the rejections that an operator can act on. A bad signature can mean a wrong secret, but any sender can
// cause one. An overload rejects thousands. So each of the two is logged once a minute, and the metric counts all.
func (h *Handler) logRejection(r rejection, event string) {
	if errors.Is(r.err, errOverloaded) && !h.mayLog(r.reason) {
		return
	}
	if r.status == http.StatusServiceUnavailable || errors.Is(r.err, stripewebhook.ErrMalformed) {
		h.log.Error(r.err, "Webhook not accepted", "reason", r.reason, "status", r.status, "event", event)
		return
	}
	level := 1
	if errors.Is(r.err, stripewebhook.ErrSignature) && h.mayLog(r.reason) {
		level = 0
	}
	h.log.V(level).Info("Webhook refused", "reason", r.reason, "status", r.status)
}

// mayLog reports whether a message of this kind was not logged within the last minute.
func (h *Handler) mayLog(kind string) bool {
	_, ok := h.logLimiter.Allow(kind)
	return ok
}
