package webhookendpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/controllers/stripestate"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// EndpointMaker changes Stripe's endpoints. *stripeclient.Client is the real one.
type EndpointMaker interface {
	CreateEndpoint(context.Context, stripeclient.NewEndpoint) (stripeclient.Endpoint, credentials.Secret, error)
	SetEndpointEvents(ctx context.Context, id string) error
}

// Manager makes the endpoint at Stripe where there is none, and stores what it signs with. It changes no endpoint
// that it has not made, and enables none: whoever disabled it had a reason.
//
// Stripe tells a signing secret in answer to the request that makes the endpoint, and to a repetition of that request
// within a day. So what makes a repetition is kept before the request is made, and until the secret is stored.
type Manager struct {
	Stripe EndpointMaker
	// State is that of the watch.
	State  *stripestate.ConfigMap
	Secret *WebhookSecret
	Clock  clock.PassiveClock
	Log    logr.Logger

	// refused is the key of a request of this process that ended without an answer of use. Stripe may remember a refusal
	// too: where no endpoint came of it, the next request is another.
	refused string
}

// stateEndpointRequest is the request under way, where there is one: its idempotency key, and when that was made up.
const stateEndpointRequest = "endpoint-request"

// requestLife is how long a request can be repeated. Stripe forgets it after a day.
const requestLife = 23 * time.Hour

// What says at Stripe that an endpoint is the keeper's.
const managedBy, us = "managed-by", "paylink"

func managed(e *stripeclient.Endpoint) bool { return e.Metadata[managedBy] == us }

// keep does what has to be done about what is seen, and changes the sight with it. request is what is kept of the one
// under way.
func (k *Manager) keep(ctx context.Context, seen *endpointSight, request string) {
	seen.managed = true
	u := upkeep{Manager: k, seen: seen, stored: map[string][]byte{}, key: k.usable(request)}
	if err := u.run(ctx, request); err != nil {
		seen.troubles = append(seen.troubles, err)
	}
	seen.secretTroubles = u.secretTroubles()
}

// usable returns the key of a request that can be repeated, if it is one.
func (k *Manager) usable(request string) string {
	key, made, _ := strings.Cut(request, " ")
	at, err := time.Parse(time.RFC3339, made)
	if err != nil || k.Clock.Since(at).Abs() > requestLife {
		return ""
	}
	return key
}

// isSigningSecret tells whether the webhook server takes a text for one.
func isSigningSecret(text string) bool {
	_, err := credentials.ParseSecrets(text)
	return err == nil
}

// upkeep is what is done once.
type upkeep struct {
	*Manager
	seen *endpointSight
	// stored are the signing secrets, by the id of the endpoint that signs with it.
	stored map[string][]byte
	// unreadable says that it is not known what is stored.
	unreadable bool
	// key is that of the request under way, while there is one.
	key string
}

func (u *upkeep) run(ctx context.Context, request string) error {
	if err := u.Secret.read(ctx, u.stored); err != nil {
		u.unreadable = true // nothing is made: what Stripe tells once could not be stored
		return err
	}
	lost := slices.ContainsFunc(u.seen.found, func(e stripeclient.Endpoint) bool { return managed(&e) && !isSigningSecret(string(u.stored[e.ID])) })
	var err error
	switch {
	case len(u.seen.found) == 0:
		err = u.begin(ctx)
	case lost && u.key != "":
		err = u.make(ctx)
	case request != "":
		err = u.end(ctx)
	}
	if err != nil {
		return err
	}
	return u.setEvents(ctx)
}

// begin makes an endpoint, by the request under way or by a new one.
func (u *upkeep) begin(ctx context.Context) error {
	if u.key == "" || u.key == u.refused {
		u.key = rand.Text()
		request := u.key + " " + u.Clock.Now().UTC().Format(time.RFC3339)
		if err := u.State.Write(ctx, map[string]string{stateEndpointRequest: request}); err != nil {
			return err
		}
	}
	return u.make(ctx)
}

// make makes the request, for the first time or again, and stores the signing secret that is the answer.
func (u *upkeep) make(ctx context.Context) error {
	made, secret, err := u.Stripe.CreateEndpoint(ctx, stripeclient.NewEndpoint{
		URL: u.seen.url, Description: "Paylink", Metadata: map[string]string{managedBy: us}, IdempotencyKey: u.key,
	})
	if err == nil && !isSigningSecret(string(secret)) {
		err = errors.New("the answer holds no signing secret")
	}
	if err != nil {
		if ctx.Err() == nil {
			u.refused = u.key
		}
		return fmt.Errorf("the request that makes it failed (Stripe may list it under Developers > Logs): %w", err)
	}
	if !slices.ContainsFunc(u.seen.found, func(e stripeclient.Endpoint) bool { return e.ID == made.ID }) {
		u.seen.found = append(u.seen.found, made)
	}
	if err := u.Secret.put(ctx, made.ID, secret); err != nil {
		return err
	}
	u.stored[made.ID] = []byte(string(secret))
	u.Log.Info("Made the webhook endpoint at Stripe, and stored its signing secret", "endpoint", made.ID, "url", made.URL, "secret", u.Secret.Name)
	return u.end(ctx)
}

// end forgets the request: what came of it is stored, or cannot be learned any more.
func (u *upkeep) end(ctx context.Context) error {
	u.key = ""
	return u.State.Write(ctx, map[string]string{stateEndpointRequest: ""})
}

// setEvents has the endpoints that are managed get exactly our types.
func (u *upkeep) setEvents(ctx context.Context) error {
	for i := range u.seen.found {
		e := &u.seen.found[i]
		if !managed(e) || slices.Equal(slices.Sorted(slices.Values(e.Events)), stripeclient.EndpointEvents()) {
			continue
		}
		if err := u.Stripe.SetEndpointEvents(ctx, e.ID); err != nil {
			return fmt.Errorf("the request that sets the event types of %s failed: %w", e.ID, err)
		}
		u.Log.Info("Set the event types of the webhook endpoint at Stripe", "endpoint", e.ID, "before", e.Events)
		e.Events = stripeclient.EndpointEvents()
	}
	return nil
}

// secretTroubles say, by the endpoint that is managed, why its signing secret is not where the webhook server reads it.
func (u *upkeep) secretTroubles() map[string]string {
	troubles := map[string]string{}
	for i := range u.seen.found {
		e := &u.seen.found[i]
		if !managed(e) {
			continue
		}
		switch {
		case u.unreadable:
			troubles[e.ID] = "whether its signing secret is stored cannot be seen"
		case isSigningSecret(string(u.stored[e.ID])):
		case u.key != "":
			troubles[e.ID] = fmt.Sprintf("its signing secret is not in the Secret %s yet", u.Secret.Name)
		case len(u.stored[e.ID]) > 0:
			troubles[e.ID] = fmt.Sprintf("what the Secret %s has under the key %s is no signing secret: copy it there from Stripe, under Developers > Webhooks", u.Secret.Name, e.ID)
		default:
			troubles[e.ID] = fmt.Sprintf("its signing secret is not in the Secret %s, and Stripe's API does not tell it again: copy it from Stripe, under Developers > Webhooks, to the key %s of that Secret; "+
				"or delete this endpoint there, and another one is made", u.Secret.Name, e.ID)
		}
	}
	return troubles
}
