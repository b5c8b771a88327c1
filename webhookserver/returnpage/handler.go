// Package returnpage shows a buyer the state of a payment after the return from Stripe, as JSON at the capture route and as
// a page. It only reads. Only a webhook settles an order; no request of a browser does.
package returnpage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/webhookserver/clientip"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/problem"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

// Handler serves the capture route and the billing page. All fields but Sessions are required.
type Handler struct {
	// Orders is a cache with the indices of the ledger.
	Orders client.Reader
	// Sessions looks up sessions at Stripe before their webhooks come. Nil: there is no API key.
	Sessions *SessionLookup
	Pages    *page.Pages
	ClientIP *clientip.Resolver
	// RateLimit limits the requests of one client.
	RateLimit *ratelimit.Limiter
	Metrics   *metrics.Checkout
	Log       logr.Logger
}

// paymentRequest identifies a payment: the body of the capture route, or the query of the page.
type paymentRequest struct {
	Provider  string `json:"provider"`
	SessionID string `json:"session_id"`
}

func (r paymentRequest) validate() error {
	switch {
	case r.Provider == "":
		return problem.ForField(http.StatusBadRequest, "provider", `is missing: write "stripe".`)
	case r.Provider != string(v1alpha1.ProviderStripe):
		return problem.ForField(http.StatusBadRequest, "provider", `must be "stripe", the only provider.`)
	case r.SessionID == "":
		return problem.ForField(http.StatusBadRequest, "session_id", "is missing: write the checkout session's id (cs_…).")
	case !stripeclient.IsSessionID(r.SessionID):
		return problem.ForField(http.StatusBadRequest, "session_id", "is no id of a checkout session: one begins with cs_live_ or cs_test_, followed by letters and digits.")
	default:
		return nil
	}
}

// checkRate counts a request of a client. The error is a problem with status 429.
func (h *Handler) checkRate(client netip.Prefix) error {
	wait, ok := h.RateLimit.Allow(client)
	if ok {
		return nil
	}
	h.Metrics.Limited.WithLabelValues(metrics.LimitAddress).Inc()
	return problem.New(http.StatusTooManyRequests, "Too many requests from your network: ask again later.").WithRetryAfter(wait)
}

// findOutcome returns the outcome of a session: from the order that has it, or else from Stripe.
func (h *Handler) findOutcome(ctx context.Context, client netip.Prefix, id string) (outcome, error) {
	order, err := h.findOrder(ctx, ledger.IndexSession, id)
	if err != nil {
		return outcome{}, err
	}
	if order != nil {
		return fromOrder(order, id), nil
	}
	if h.Sessions == nil {
		return pending, nil
	}
	session, err := h.Sessions.get(ctx, client, id)
	switch {
	case errors.Is(err, stripeclient.ErrNoSuchObject):
		return unknown, nil
	case err != nil: // the webhook will bring the session
		return pending, nil
	case session.Fact.ClientReferenceID == "":
		return unknown, nil
	// Anyone can open a payment page with the reference of another buyer's order. Before they have paid, they learn nothing about
	// the order, not even whether it exists.
	case session.Status == stripeclient.SessionExpired:
		return outcome{state: SessionExpired, phase: v1alpha1.OrderPending}, nil
	case session.Status != stripeclient.SessionComplete:
		return outcome{state: Unfinished, phase: v1alpha1.OrderPending}, nil
	}
	if order, err = h.findOrder(ctx, ledger.IndexReference, session.Fact.ClientReferenceID); err != nil {
		return outcome{}, err
	}
	if order == nil { // the session belongs to another shop on the same Stripe account
		return unknown, nil
	}
	return predicted(order, session), nil
}

// findOrder returns the order with a key of an index, or nil.
func (h *Handler) findOrder(ctx context.Context, index, key string) (*v1alpha1.Order, error) {
	var found v1alpha1.OrderList
	if err := h.Orders.List(ctx, &found, client.MatchingFields{index: key}); err != nil {
		return nil, fmt.Errorf("find order by %s: %w", index, err)
	}
	if len(found.Items) == 0 {
		return nil, nil
	}
	return ledger.Oldest(found.Items), nil
}
