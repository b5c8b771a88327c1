package webhookendpoint

import (
	"context"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/controllers/stripestate"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// EndpointWriter creates and changes endpoints at Stripe. *stripeclient.Client implements it.
type EndpointWriter interface {
	CreateEndpoint(context.Context, stripeclient.NewEndpoint) (stripeclient.Endpoint, credentials.Secret, error)
	SetEndpointEvents(ctx context.Context, id string) error
}

// Manager creates the endpoint at Stripe if it is missing, and stores its signing secret. It changes only endpoints that it
// created, and never enables one: a person had a reason to disable it.
//
// Stripe returns a signing secret only in the response to the create request, and to its repetition within a day. So the
// idempotency key is saved before the request, and removed after the secret is stored.
type Manager struct {
	Stripe EndpointWriter
	// State is the State of the Monitor.
	State  *stripestate.ConfigMap
	Secret *Secret
	Clock  clock.PassiveClock
	Log    logr.Logger

	// failedKey is the key of this process's last request that failed. Stripe can repeat the failure for the same key, so that
	// the next request has another one, unless an endpoint exists.
	failedKey string
}

// stateEndpointRequest is the key of the state with the pending request: its idempotency key, and its time.
const stateEndpointRequest = "endpoint-request"

// requestLifetime is the time in which a request can be repeated. Stripe keeps an idempotency key for a day.
const requestLifetime = 23 * time.Hour

// Metadata of an endpoint that the Manager created.
const managedByKey, managedByValue = "managed-by", "paylink"

func managed(e *stripeclient.Endpoint) bool { return e.Metadata[managedByKey] == managedByValue }

// sync creates or changes the observed endpoints as needed, and updates o. request is the pending request in the state.
func (m *Manager) sync(ctx context.Context, o *observed, request string) {
	o.managed = true
	s := endpointSync{Manager: m, observed: o, stored: map[string][]byte{}, key: m.pendingKey(request)}
	if err := s.run(ctx, request); err != nil {
		o.syncErrors = append(o.syncErrors, err)
	}
	o.secretProblems = s.secretProblems()
}

// pendingKey returns the idempotency key of a pending request; "" if it can no longer be repeated.
func (m *Manager) pendingKey(request string) string {
	key, created, _ := strings.Cut(request, " ")
	at, err := time.Parse(time.RFC3339, created)
	if err != nil || m.Clock.Since(at).Abs() > requestLifetime {
		return ""
	}
	return key
}
