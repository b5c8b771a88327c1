package webhook

import (
	"context"
	"errors"
	"net/http"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	stripewebhook "github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// Errors of this package. The table rejections has the errors of other packages as well.
var (
	errMethod     = errors.New("the method is not POST")
	errOverloaded = errors.New("too many events are being written already")
	errUnreadable = errors.New("the body could not be read to its end")
	errTooLarge   = errors.New("the body is too large")
)

// rejection is the answer to a delivery that is not accepted.
type rejection struct {
	err    error
	status int
	// reason is a label of the metric.
	reason string
	// detail is for the sender. Anyone can send a request, so it says nothing about the cluster.
	detail string
}

const retryDetail = "The event could not be kept: send it again."

// rejections are the answers to errors. The first error that matches decides.
var rejections = []rejection{
	{errMethod, http.StatusMethodNotAllowed, metrics.FailureMethod, "Stripe's webhooks are sent with POST."},
	{errTooLarge, http.StatusRequestEntityTooLarge, metrics.FailureTooLarge, "An event may be at most 512 KiB large."},
	{stripewebhook.ErrSignature, http.StatusBadRequest, metrics.FailureSignature, "The Stripe-Signature header does not match: use the signing secret of this very endpoint, and pass the body on unchanged."},
	{stripewebhook.ErrStale, http.StatusBadRequest, metrics.FailureStale, "The signature is more than 300 s old: check the clocks."},
	{stripewebhook.ErrFuture, http.StatusBadRequest, metrics.FailureFuture, "The signature is more than 300 s ahead: check the clocks."},
	{errUnreadable, http.StatusBadRequest, metrics.FailureUnreadable, "The body could not be read to its end."},
	{errOverloaded, http.StatusServiceUnavailable, metrics.FailureOverloaded, "Too many events at once: send this one again."},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, metrics.FailureDeadline, "The event could not be kept in time: send it again."},
	{context.Canceled, http.StatusServiceUnavailable, metrics.FailureDeadline, "The event could not be kept in time: send it again."},
	{ledger.ErrConflict, http.StatusServiceUnavailable, metrics.FailureConflict, retryDetail},
}

// rejectionOf returns the answer to an error. An error that is not in the table comes from the API server.
func rejectionOf(err error) rejection {
	if errors.Is(err, stripewebhook.ErrMalformed) { // its text names the wrong field
		return rejection{err, http.StatusBadRequest, metrics.FailureMalformed, err.Error()}
	}
	for _, r := range rejections {
		if errors.Is(err, r.err) {
			r.err = err
			return r
		}
	}
	return rejection{err, http.StatusServiceUnavailable, metrics.FailureAPIServer, retryDetail}
}

// problem returns the answer for the sender. The handler logs the cause itself.
func (r rejection) problem() *problem.Problem {
	p := problem.New(r.status, r.detail)
	switch r.status {
	case http.StatusServiceUnavailable:
		p.RetryAfter = problem.RetryAfter
	case http.StatusMethodNotAllowed:
		p.Allow = http.MethodPost
	}
	return p
}
