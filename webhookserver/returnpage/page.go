package returnpage

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// pageRequest is a request for the page.
type pageRequest struct {
	paymentRequest
	// attempt is the number of reloads so far, in a browser without JavaScript.
	attempt int
}

func parsePageRequest(r *http.Request) pageRequest {
	query := r.URL.Query()
	in := pageRequest{paymentRequest: paymentRequest{Provider: cmp.Or(query.Get("provider"), "stripe"), SessionID: query.Get("session_id")}}
	attempt, err := strconv.Atoi(query.Get("try"))
	if err != nil && query.Has("try") {
		attempt = maxReloads
	}
	in.attempt = attempt
	return in
}

// address returns the page's address relative to itself, for an attempt.
func (r pageRequest) address(attempt int) string {
	query := url.Values{"provider": {r.Provider}, "session_id": {r.SessionID}}
	if attempt > 0 {
		query.Set("try", strconv.Itoa(attempt))
	}
	return "?" + query.Encode()
}

// billing returns a page that polls or not. Without JavaScript it reloads after a time, if it polls and has attempts left.
func (r pageRequest) billing(text page.Text, poll bool, after time.Duration) page.Billing {
	b := page.Billing{Text: text, Poll: poll, SessionID: r.SessionID, CheckURL: r.address(0)}
	if poll && after > 0 {
		b.RefreshAfter, b.RefreshURL = int(after.Seconds()), r.address(r.attempt+1)
	}
	return b
}

// Page answers GET page.BillingPath: the state of a payment, as a page that updates itself until the state is final.
func (h *Handler) Page(w http.ResponseWriter, r *http.Request) error {
	in := parsePageRequest(r)
	if err := in.validate(); err != nil {
		return err
	}
	client := h.ClientIP.Client(r)
	if err := h.checkRate(client); err != nil {
		return err
	}
	if in.attempt == 0 {
		h.awaitWebhook(r.Context(), in.SessionID)
	}
	o, err := h.findOutcome(r.Context(), client, in.SessionID)
	if err != nil { // the page polls, so it does not show the error
		h.Log.Error(err, "Payment not looked up")
		o = pending
	}
	status := http.StatusOK
	if o.state == Unknown {
		status = http.StatusNotFound
	}
	b := in.billing(TextOf(o.state), !o.final(), reloadDelay(in.attempt))
	if o.order != nil {
		b.OrderID, b.RetryURL = o.order.ClientReferenceID(), o.retryURL()
		b.Product, b.Total = cmp.Or(o.order.Spec.ProductName, o.order.Spec.ProductID), o.order.Status.Total
	}
	return h.Pages.RenderBilling(w, status, b)
}

// RenderProblem answers a browser with a page, and other clients with the problem itself.
func (h *Handler) RenderProblem(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	in := parsePageRequest(r)
	var b page.Billing
	switch p.Status {
	case http.StatusBadRequest:
		b.Text = TextOf(Invalid)
	case http.StatusTooManyRequests:
		after := time.Duration(0)
		if reloadDelay(in.attempt) > 0 {
			after = p.RetryAfter.Truncate(time.Second) + time.Second
		}
		b = in.billing(page.TooManyRequests, true, after)
	default:
		p.Write(w)
		return
	}
	if !page.AcceptsHTML(r) {
		p.Write(w)
		return
	}
	p.SetHeaders(w.Header())
	if err := h.Pages.RenderBilling(w, p.Status, b); err != nil {
		p.Write(w)
	}
}

// Stripe sends the buyer on as soon as its webhook is answered, and the cache of this server can be a moment behind.
const (
	// webhookDelay bounds the time from the write of a fact to its arrival in the cache.
	webhookDelay    = 400 * time.Millisecond
	webhookInterval = 20 * time.Millisecond
)

// awaitWebhook waits until the cache has an order with the session, for webhookDelay at most. It ignores errors: the next
// look-up returns them.
func (h *Handler) awaitWebhook(ctx context.Context, session string) {
	_ = wait.PollUntilContextTimeout(ctx, webhookInterval, webhookDelay, true, func(ctx context.Context) (bool, error) {
		order, err := h.findOrder(ctx, ledger.IndexSession, session)
		return order != nil || err != nil, nil
	})
}

// maxReloads is the number of reloads without JavaScript. They take about ten minutes.
const maxReloads = 24

// reloadDelay returns the time until the next reload; 0: there is none.
func reloadDelay(attempt int) time.Duration {
	if attempt < 0 || attempt >= maxReloads {
		return 0
	}
	return time.Duration(min(2*math.Pow(1.5, float64(attempt)), 30)) * time.Second
}
