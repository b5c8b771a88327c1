package webhook

import (
	"context"
	"errors"
	"net/http"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	stripewebhook "github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// Why a delivery is not taken, beside what the other packages say.
var (
	errOverloaded = errors.New("too many events are being written already")
	errUnreadable = errors.New("the body could not be read to its end")
)

// failure is a delivery that is not taken.
type failure struct {
	status int
	// reason is the label of the metric.
	reason string
	// detail is told to the caller. Anybody can call, so it says nothing about the cluster.
	detail string
	err    error
	// event is Stripe's id of the event, where it is known.
	event string
}

// refusals is the table of answers: the first error that matches decides.
var refusals = []struct {
	err    error
	status int
	reason string
	detail string
}{
	{stripewebhook.ErrSignature, http.StatusBadRequest, metrics.FailureSignature, "The Stripe-Signature header does not match: use the signing secret of this very endpoint, and pass the body on unchanged."},
	{stripewebhook.ErrStale, http.StatusBadRequest, metrics.FailureStale, "The signature is more than 300 s old: check the clocks."},
	{stripewebhook.ErrFuture, http.StatusBadRequest, metrics.FailureFuture, "The signature is more than 300 s ahead: check the clocks."},
	{errUnreadable, http.StatusBadRequest, metrics.FailureUnreadable, "The body could not be read to its end."},
	{errOverloaded, http.StatusServiceUnavailable, metrics.FailureOverloaded, "Too many events at once: send this one again."},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, metrics.FailureDeadline, "The event could not be kept in time: send it again."},
	{context.Canceled, http.StatusServiceUnavailable, metrics.FailureDeadline, "The event could not be kept in time: send it again."},
	{ledger.ErrConflict, http.StatusServiceUnavailable, metrics.FailureConflict, "The event could not be kept: send it again."},
}

// refusalOf says how an error is answered. What is not in the table is the API server's doing.
func refusalOf(err error) *failure {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &failure{status: http.StatusRequestEntityTooLarge, reason: metrics.FailureTooLarge, detail: "An event may be at most 512 KiB large.", err: err}
	case errors.Is(err, stripewebhook.ErrMalformed):
		return &failure{status: http.StatusBadRequest, reason: metrics.FailureMalformed, detail: err.Error(), err: err}
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return &failure{status: r.status, reason: r.reason, detail: r.detail, err: err}
		}
	}
	return &failure{status: http.StatusServiceUnavailable, reason: metrics.FailureAPIServer, detail: "The event could not be kept: send it again.", err: err}
}
