// Package webhookendpoint monitors the endpoint at Stripe through which webhooks arrive, and can create it.
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

// EndpointLister lists the endpoints to which Stripe sends webhooks. *stripeclient.Client implements it.
type EndpointLister interface {
	// Live reports the mode of the listed endpoints.
	Live() bool
	Endpoints(context.Context) ([]stripeclient.Endpoint, error)
}

// Monitor checks the endpoint at Stripe with our URL. If the endpoint is missing or wrong, no webhook arrives, and nothing
// else shows it. The result is a metric, and a text in the state's ConfigMap. It runs on the leader only.
type Monitor struct {
	Stripe EndpointLister
	State  *stripestate.ConfigMap
	// URL is the public address of our webhook route.
	URL     string
	Clock   clock.PassiveClock
	Log     logr.Logger
	Metrics *metrics.Endpoint
	// Period is the pause after each check.
	Period time.Duration
	// Manager creates a missing endpoint; nil: a person does.
	Manager *Manager

	// loggedText and loggedError are the last ones in the log, to log each change once.
	loggedText, loggedError string
}

// Keys of the state.
const (
	// stateEndpoint is the text of the last evaluation.
	stateEndpoint = "endpoint"
	// stateEndpointChecked is the time of that evaluation. If only the time changes, it is written once in checkedPeriod.
	stateEndpointChecked = "endpoint-checked-at"
	checkedPeriod        = time.Hour
)

// NeedLeaderElection limits the monitor to the leader.
func (m *Monitor) NeedLeaderElection() bool { return true }

// Start checks again after each period, until the context ends.
func (m *Monitor) Start(ctx context.Context) error {
	defer m.Metrics.Reset()
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		err := m.check(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			m.loggedError = ""
		case redactRequestID(err) != m.loggedError:
			m.loggedError = redactRequestID(err)
			m.Log.Error(err, "Cannot check the webhook endpoint")
		}
	}, m.Period)
	return nil
}

// check checks once. If Stripe does not answer, the previous result stays.
func (m *Monitor) check(ctx context.Context) error {
	endpoints, err := m.Stripe.Endpoints(ctx)
	if err != nil {
		return err
	}
	now := m.Clock.Now()
	state, err := m.State.Read(ctx)
	if err != nil {
		return err
	}
	o := &observed{url: m.URL, live: m.Stripe.Live()}
	o.found = slices.DeleteFunc(endpoints, func(e stripeclient.Endpoint) bool { return !sameURL(e.URL, m.URL) })
	if m.Manager != nil {
		m.Manager.sync(ctx, o, state[stateEndpointRequest])
	}
	if ctx.Err() != nil { // errors of the shutdown are not the endpoint's
		return ctx.Err()
	}
	result := o.evaluate()
	for check, passed := range result.passed {
		m.Metrics.OK.WithLabelValues(check).Set(map[bool]float64{true: 1}[passed])
	}
	m.Metrics.Checked.WithLabelValues().Set(float64(now.UnixMilli()) / 1000)
	text := errors.New(result.text)
	m.log(text, len(o.syncErrors) > 0)
	return m.save(ctx, state, redactRequestID(text), now)
}

// log logs the text of an evaluation if it is new.
func (m *Monitor) log(text error, syncFailed bool) {
	if redactRequestID(text) == m.loggedText {
		return
	}
	m.loggedText = redactRequestID(text)
	if syncFailed || !strings.HasPrefix(m.loggedText, "ok: ") {
		m.Log.Error(text, "Webhook endpoint needs attention")
		return
	}
	m.Log.Info("Webhook endpoint is OK", "endpoint", m.loggedText)
}

// save writes the text to the state if it changed, or if the time in the state is old.
func (m *Monitor) save(ctx context.Context, state map[string]string, text string, now time.Time) error {
	checked, err := time.Parse(time.RFC3339, state[stateEndpointChecked])
	if state[stateEndpoint] == text && err == nil && now.Sub(checked).Abs() < checkedPeriod {
		return nil
	}
	return m.State.Write(ctx, map[string]string{stateEndpoint: text, stateEndpointChecked: now.UTC().Format(time.RFC3339)})
}

// requestID matches the id of a request to Stripe.
var requestID = regexp.MustCompile(`\breq_[A-Za-z0-9]+`)

// redactRequestID returns an error's text without request ids. Each request has another id, so that equal errors differ.
func redactRequestID(err error) string { return requestID.ReplaceAllString(err.Error(), "req_…") }
