// Package billing tells buyers who come back from paying what became of it: as JSON at the capture route, and as a
// page. It only ever reads: a webhook settles an order, and nothing that a browser says does.
package returnpage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

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

// CapturePath is the return route.
const CapturePath = "/api/orders/capture"

// Desk answers what became of a payment. All fields are required but Stripe.
type Desk struct {
	// Orders answers look-ups from a cache, with the indices of the ledger.
	Orders client.Reader
	// Stripe is asked where no webhook has told of a session; nil: there is no API key to ask with.
	Stripe *Inquiries
	Pages  *page.Pages
	// Visitors finds out who asks, and Looks bounds how often each may.
	Visitors *clientip.Addresses
	Looks    *ratelimit.Limit
	Metrics  *metrics.Buyer
	Log      logr.Logger
}

// captureRequest is the body of POST CapturePath.
type captureRequest struct {
	Provider  string `json:"provider"`
	SessionID string `json:"session_id"`
}

// captureAnswer is what it is answered with. No field holds anything about the buyer.
type captureAnswer struct {
	// OrderID is the order's id at Stripe; null: it is not known which order the session is for.
	OrderID *string `json:"orderId"`
	// Status is pending, paid, failed or refunded.
	Status string `json:"status"`
	// Final says that asking again brings nothing new.
	Final bool `json:"final"`
	// Message is for the buyer.
	Message string `json:"message"`
}

// Capture answers POST CapturePath.
func (d *Desk) Capture(w http.ResponseWriter, r *http.Request) {
	who := d.Visitors.Of(r)
	if p := d.limit(who); p != nil {
		p.Write(w)
		return
	}
	var in captureRequest
	if p := problem.ReadJSON(r, &in); p != nil {
		p.Write(w)
		return
	}
	if p := check(in); p != nil {
		p.Write(w)
		return
	}
	o, err := d.find(r.Context(), who, in.SessionID)
	if err != nil {
		d.Log.Error(err, "Look up a payment")
		p := problem.New(http.StatusServiceUnavailable, "The payment could not be looked up: ask again later.")
		p.RetryAfter = 5 * time.Second
		p.Write(w)
		return
	}
	if o.state == page.Unknown {
		problem.Of(http.StatusNotFound, "session_id", "no order here has this checkout session.").Write(w)
		return
	}
	answer := captureAnswer{Status: o.status(), Final: o.final(), Message: page.TextOf(o.state).Message}
	if o.order != nil {
		id := o.order.ClientReferenceID()
		answer.OrderID = &id
	}
	problem.WriteJSON(w, http.StatusOK, answer)
}

// check says what is wrong with a request.
func check(in captureRequest) *problem.Problem {
	switch {
	case in.Provider == "":
		return problem.Of(http.StatusBadRequest, "provider", `is missing: write "stripe".`)
	case in.Provider != string(v1alpha1.ProviderStripe):
		return problem.Of(http.StatusBadRequest, "provider", `must be "stripe", the only provider.`)
	case in.SessionID == "":
		return problem.Of(http.StatusBadRequest, "session_id", "is missing: write the checkout session's id (cs_…).")
	case !stripeclient.IsSessionID(in.SessionID):
		return problem.Of(http.StatusBadRequest, "session_id", "is no id of a checkout session: one begins with cs_live_ or cs_test_, followed by letters and digits.")
	default:
		return nil
	}
}

// limit counts one look of a client's, and refuses what is too much.
func (d *Desk) limit(client netip.Prefix) *problem.Problem {
	wait, ok := d.Looks.Take(client)
	if ok {
		return nil
	}
	d.Metrics.Limited.WithLabelValues(metrics.LimitAddress).Inc()
	p := problem.New(http.StatusTooManyRequests, "Too many requests from your network: ask again later.")
	p.RetryAfter = wait
	return p
}

// find says what is known of a session: by the order that its webhooks told of it, or else by Stripe.
func (d *Desk) find(ctx context.Context, client netip.Prefix, id string) (outcome, error) {
	order, err := d.order(ctx, ledger.IndexSession, id)
	if err != nil {
		return outcome{}, err
	}
	if order != nil {
		return told(order, id), nil
	}
	if d.Stripe == nil {
		return nothingKnown, nil
	}
	session, err := d.Stripe.session(ctx, client, id)
	switch {
	case errors.Is(err, stripeclient.ErrNoSuchObject):
		return unknown, nil
	case err != nil: // the webhook will tell
		return nothingKnown, nil
	case session.Fact.ClientReferenceID == "":
		return unknown, nil
	// Anybody can open a payment page with the reference of somebody else's order. Before he has finished there, he learns
	// nothing of it, not even whether there is one.
	case session.Status == stripeclient.SessionExpired:
		return outcome{state: page.Lapsed, phase: v1alpha1.OrderPending}, nil
	case session.Status != stripeclient.SessionComplete:
		return outcome{state: page.Unfinished, phase: v1alpha1.OrderPending}, nil
	}
	if order, err = d.order(ctx, ledger.IndexReference, session.Fact.ClientReferenceID); err != nil {
		return outcome{}, err
	}
	if order == nil { // another shop's, on the same Stripe account: nobody's business here
		return unknown, nil
	}
	return foretold(order, session), nil
}

// order returns the order that a key of an index belongs to, or nil.
func (d *Desk) order(ctx context.Context, index, key string) (*v1alpha1.Order, error) {
	var found v1alpha1.OrderList
	if err := d.Orders.List(ctx, &found, client.MatchingFields{index: key}); err != nil {
		return nil, fmt.Errorf("find order by %s: %w", index, err)
	}
	if len(found.Items) == 0 {
		return nil, nil
	}
	return ledger.Oldest(found.Items), nil
}
