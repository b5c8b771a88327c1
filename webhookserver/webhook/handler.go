// Package webhook is the route that Stripe calls with its events.
package webhook

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	stripewebhook "github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// Path is the route that Stripe calls.
const Path = stripewebhook.Path

// Ledger keeps a payment fact. *ledger.Ledger is the real one.
type Ledger interface {
	Apply(context.Context, payment.Fact) (ledger.Result, error)
}

// Handler is the handler of Stripe's webhooks.
//
// Its law: 2xx only once the event's fact is kept by the API server, or is of no interest. No business reason is ever
// 4xx or 5xx, since Stripe disables an endpoint that fails for days. What may go well later is 503: Stripe sends it
// again.
type Handler struct {
	Verifier *stripewebhook.Verifier
	Ledger   Ledger
	Metrics  *metrics.Webhook
	Clock    clock.PassiveClock
	Log      logr.Logger

	bodies *bodies
	turns  *turnstile
	// unsigned and overloaded say when these were last worth a line.
	unsigned, overloaded seldom
}

// New returns the handler.
func New(v *stripewebhook.Verifier, l Ledger, m *metrics.Webhook, c clock.PassiveClock, log logr.Logger) *Handler {
	return &Handler{
		Verifier: v, Ledger: l, Metrics: m, Clock: c, Log: log,
		bodies: newBodies(maxReading, maxReadingLarge),
		turns:  newTurnstile(c),
	}
}

// ServeHTTP takes one delivery.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := h.Clock.Now()
	ctx, cancel := context.WithTimeout(r.Context(), Deadline)
	defer cancel()

	failure := h.take(ctx, r)
	h.Metrics.Duration.Observe(h.Clock.Since(start).Seconds())
	if failure == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	h.Metrics.Failures.WithLabelValues(failure.reason).Inc()
	h.report(failure)
	p := problem.New(failure.status, failure.detail)
	switch failure.status {
	case http.StatusServiceUnavailable:
		p.RetryAfter = retryAfter
	case http.StatusMethodNotAllowed:
		p.Allow = http.MethodPost
	}
	p.Write(w)
}

// take reads, verifies, decodes and keeps one delivery. nil means that it may be acknowledged.
func (h *Handler) take(ctx context.Context, r *http.Request) *failure {
	if r.Method != http.MethodPost {
		return &failure{status: http.StatusMethodNotAllowed, reason: metrics.FailureMethod, detail: "Stripe's webhooks are sent with POST."}
	}
	signature := r.Header.Get("Stripe-Signature")
	if signature == "" { // not worth reading
		return refusalOf(stripewebhook.ErrSignature)
	}
	body, err := h.bodies.read(r)
	if err != nil {
		return refusalOf(err)
	}
	if err := h.Verifier.Verify(body, signature); err != nil {
		return refusalOf(err)
	}
	event, err := stripewebhook.Decode(body)
	if err != nil {
		return refusalOf(err)
	}
	h.Metrics.LastEvent.Set(float64(h.Clock.Now().Unix()))
	if event.Fact == nil {
		h.ignore(event)
		return nil
	}
	failure := h.keep(ctx, event)
	if failure != nil {
		failure.event = event.ID
	}
	return failure
}

func (h *Handler) ignore(event stripewebhook.Event) {
	result := metrics.ResultIgnored
	if !event.Snapshot {
		result = metrics.ResultUnusable
		h.Log.Info("An event came without its object: set the endpoint at Stripe to snapshot payloads", "event", event.ID)
	}
	h.Metrics.Events.WithLabelValues(typeLabel(event.Type), result).Inc()
}

// keep hands the fact to the ledger, when it is this event's turn.
func (h *Handler) keep(ctx context.Context, event stripewebhook.Event) *failure {
	leave, err := h.turns.enter(ctx)
	if err != nil {
		return refusalOf(err)
	}
	defer leave()
	h.Metrics.InFlight.Inc()
	defer h.Metrics.InFlight.Dec()

	result, err := h.Ledger.Apply(log.IntoContext(ctx, h.Log), *event.Fact)
	if err != nil {
		return refusalOf(err)
	}
	h.Metrics.Events.WithLabelValues(typeLabel(event.Type), string(result)).Inc()
	if result == ledger.Applied && !event.Created.IsZero() {
		h.Metrics.DeliveryLag.Observe(max(0, h.Clock.Since(event.Created).Seconds()))
	}
	if debug := h.Log.V(1); debug.Enabled() {
		debug.Info("Kept", "event", event.ID, "type", event.Type, "result", result)
	}
	return nil
}

// typeLabel keeps the types that can be labels to those of interest.
func typeLabel(eventType string) string {
	if stripewebhook.Handles(eventType) {
		return eventType
	}
	return metrics.TypeOther
}

// report logs what an operator can do something about. A bad signature may mean a wrong secret, but can be made by
// anybody, and an overload refuses thousands: each is worth a line a minute, and the metric counts the rest.
func (h *Handler) report(f *failure) {
	if errors.Is(f.err, errOverloaded) && !h.overloaded.due(h.Clock) {
		return
	}
	if f.status == http.StatusServiceUnavailable || errors.Is(f.err, stripewebhook.ErrMalformed) {
		h.Log.Error(f.err, "Webhook not taken", "reason", f.reason, "status", f.status, "event", f.event)
		return
	}
	level := 1
	if errors.Is(f.err, stripewebhook.ErrSignature) && h.unsigned.due(h.Clock) {
		level = 0
	}
	h.Log.V(level).Info("Webhook refused", "reason", f.reason, "status", f.status)
}

// seldom is when something was last logged, in seconds since 1970.
type seldom struct{ last atomic.Int64 }

// due reports whether it is time for a line again, once each time.
func (s *seldom) due(c clock.PassiveClock) bool {
	last, now := s.last.Load(), c.Now().Unix()
	return now-last >= refusalLogSeconds && s.last.CompareAndSwap(last, now)
}

var _ http.Handler = (*Handler)(nil)
