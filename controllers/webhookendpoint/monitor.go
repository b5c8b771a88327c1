// Package webhookendpoint looks after the endpoint at Stripe that webhooks come through.
package webhookendpoint

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/controllers/stripestate"
	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// EndpointList is asked which endpoints Stripe sends webhooks to. *stripeclient.Client is the real one.
type EndpointList interface {
	// Live is the mode whose endpoints are listed.
	Live() bool
	Endpoints(context.Context) ([]stripeclient.Endpoint, error)
}

// Monitor looks at the endpoint through which Stripe's webhooks come to us: a wrong one there is silence here. What
// it sees is a metric, and a text in the state's ConfigMap. Only the leader looks.
type Monitor struct {
	Stripe EndpointList
	State  *stripestate.ConfigMap
	// URL is that of our webhook route, as Stripe is to call it.
	URL     string
	Clock   clock.PassiveClock
	Log     logr.Logger
	Metrics *metrics.Endpoint
	// Period is how long it rests after each look.
	Period time.Duration
	// Keeper makes the endpoint where there is none; nil: a person does.
	Keeper *Manager

	// said and trouble are what was logged last, so that it is logged once.
	said, trouble string
}

// Keys of what is kept of the endpoint.
const (
	// stateEndpoint is what was seen of it.
	stateEndpoint = "endpoint"
	// stateEndpointChecked is when that was seen. It is not written for its own sake more often than endpointChecked.
	stateEndpointChecked = "endpoint-checked-at"
	endpointChecked      = time.Hour
)

// NeedLeaderElection says that only the leader looks.
func (w *Monitor) NeedLeaderElection() bool { return true }

// Start looks, round after round, until the context ends.
func (w *Monitor) Start(ctx context.Context) error {
	defer w.Metrics.Reset()
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		err := w.look(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			w.trouble = ""
		case steady(err) != w.trouble:
			w.trouble = steady(err)
			w.Log.Error(err, "Cannot look at the webhook endpoint: what was seen of it before stands")
		}
	}, w.Period)
	return nil
}

// look looks once. Where Stripe does not answer, what was seen before stands.
func (w *Monitor) look(ctx context.Context) error {
	all, err := w.Stripe.Endpoints(ctx)
	if err != nil {
		return err
	}
	now := w.Clock.Now()
	kept, err := w.State.Read(ctx)
	if err != nil {
		return err
	}
	seen := &endpointSight{url: w.URL, live: w.Stripe.Live()}
	seen.found = slices.DeleteFunc(all, func(e stripeclient.Endpoint) bool { return !sameURL(e.URL, w.URL) })
	if w.Keeper != nil {
		w.Keeper.keep(ctx, seen, kept[stateEndpointRequest])
	}
	if ctx.Err() != nil { // what failed for that is no news
		return ctx.Err()
	}
	judged := seen.judge()
	for check, good := range judged.good {
		w.Metrics.OK.WithLabelValues(check).Set(map[bool]float64{true: 1}[good])
	}
	w.Metrics.Checked.WithLabelValues().Set(float64(now.UnixMilli()) / 1000)
	text := errors.New(judged.text)
	w.say(text, len(seen.troubles) > 0)
	return w.note(ctx, kept, steady(text), now)
}

// say logs what is to be said of the endpoint where that is new.
func (w *Monitor) say(text error, trouble bool) {
	if steady(text) == w.said {
		return
	}
	w.said = steady(text)
	if trouble || !strings.HasPrefix(w.said, "ok: ") {
		w.Log.Error(text, "The webhook endpoint at Stripe needs a person")
		return
	}
	w.Log.Info("The webhook endpoint at Stripe is as it should be", "endpoint", w.said)
}

// note keeps the text, where it is another or when it was seen is long ago.
func (w *Monitor) note(ctx context.Context, kept map[string]string, text string, now time.Time) error {
	checked, err := time.Parse(time.RFC3339, kept[stateEndpointChecked])
	if kept[stateEndpoint] == text && err == nil && now.Sub(checked).Abs() < endpointChecked {
		return nil
	}
	return w.State.Write(ctx, map[string]string{stateEndpoint: text, stateEndpointChecked: now.UTC().Format(time.RFC3339)})
}

// requestID is what Stripe calls a request.
var requestID = regexp.MustCompile(`\breq_[A-Za-z0-9]+`)

// steady is a text that does not change where nothing does: each call to Stripe has an id of its own.
func steady(err error) string { return requestID.ReplaceAllString(err.Error(), "req_…") }
