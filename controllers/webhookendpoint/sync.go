package webhookendpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// endpointSync is one synchronization of the endpoints.
type endpointSync struct {
	*Manager
	observed *observed
	// stored are the signing secrets in the Secret, by the id of the endpoint.
	stored map[string][]byte
	// unreadable is set if the Secret could not be read.
	unreadable bool
	// key is the idempotency key of the pending request, if any.
	key string
}

func (s *endpointSync) run(ctx context.Context, request string) error {
	if err := s.Secret.read(ctx, s.stored); err != nil {
		s.unreadable = true // create nothing: the signing secret could not be stored
		return err
	}
	lost := slices.ContainsFunc(s.observed.found, func(e stripeclient.Endpoint) bool {
		return managed(&e) && !isSigningSecret(string(s.stored[e.ID]))
	})
	var err error
	switch {
	case len(s.observed.found) == 0:
		err = s.createWithKey(ctx)
	case lost && s.key != "":
		err = s.create(ctx)
	case request != "":
		err = s.clearRequest(ctx)
	}
	if err != nil {
		return err
	}
	return s.setEvents(ctx)
}

// isSigningSecret reports whether the webhook server accepts a text as a signing secret.
func isSigningSecret(text string) bool {
	_, err := credentials.ParseSecrets(text)
	return err == nil
}

// createWithKey creates an endpoint with the key of the pending request, or with a new key that it saves first.
func (s *endpointSync) createWithKey(ctx context.Context) error {
	if s.key == "" || s.key == s.failedKey {
		s.key = rand.Text()
		request := s.key + " " + s.Clock.Now().UTC().Format(time.RFC3339)
		if err := s.State.Write(ctx, map[string]string{stateEndpointRequest: request}); err != nil {
			return err
		}
	}
	return s.create(ctx)
}

// create sends the request, or repeats it, and stores the signing secret of the response.
func (s *endpointSync) create(ctx context.Context) error {
	created, secret, err := s.Stripe.CreateEndpoint(ctx, stripeclient.NewEndpoint{
		URL: s.observed.url, Description: "Paylink", Metadata: map[string]string{managedByKey: managedByValue}, IdempotencyKey: s.key,
	})
	if err == nil && !isSigningSecret(string(secret)) {
		err = errors.New("the answer holds no signing secret")
	}
	if err != nil {
		if ctx.Err() == nil {
			s.failedKey = s.key
		}
		return fmt.Errorf("create the endpoint (Stripe can list the request under Developers > Logs): %w", err)
	}
	if !slices.ContainsFunc(s.observed.found, func(e stripeclient.Endpoint) bool { return e.ID == created.ID }) {
		s.observed.found = append(s.observed.found, created)
	}
	if err := s.Secret.put(ctx, created.ID, secret); err != nil {
		return err
	}
	s.stored[created.ID] = []byte(string(secret))
	s.Log.Info("Created the webhook endpoint", "endpoint", created.ID, "url", created.URL, "secret", s.Secret.Name)
	return s.clearRequest(ctx)
}

// clearRequest removes the pending request: its secret is stored, or can no longer be retrieved.
func (s *endpointSync) clearRequest(ctx context.Context) error {
	s.key = ""
	return s.State.Write(ctx, map[string]string{stateEndpointRequest: ""})
}

// setEvents sets the event types of the managed endpoints to exactly ours.
func (s *endpointSync) setEvents(ctx context.Context) error {
	for i := range s.observed.found {
		e := &s.observed.found[i]
		if !managed(e) || slices.Equal(slices.Sorted(slices.Values(e.Events)), stripeclient.EndpointEvents()) {
			continue
		}
		if err := s.Stripe.SetEndpointEvents(ctx, e.ID); err != nil {
			return fmt.Errorf("set the event types of %s: %w", e.ID, err)
		}
		s.Log.Info("Set the event types of the webhook endpoint", "endpoint", e.ID, "before", e.Events)
		e.Events = stripeclient.EndpointEvents()
	}
	return nil
}

// secretProblems returns the reason why the webhook server cannot read the signing secret, by the managed endpoint.
func (s *endpointSync) secretProblems() map[string]string {
	problems := map[string]string{}
	for i := range s.observed.found {
		e := &s.observed.found[i]
		if !managed(e) {
			continue
		}
		if problem := s.secretProblem(e.ID); problem != "" {
			problems[e.ID] = problem
		}
	}
	return problems
}

func (s *endpointSync) secretProblem(id string) string {
	switch {
	case s.unreadable:
		return "whether its signing secret is stored cannot be seen"
	case isSigningSecret(string(s.stored[id])):
		return ""
	case s.key != "":
		return fmt.Sprintf("its signing secret is not in the Secret %s yet", s.Secret.Name)
	case len(s.stored[id]) > 0:
		return fmt.Sprintf("the value of the key %s in the Secret %s is no signing secret: copy it there from Stripe, under Developers > Webhooks", id, s.Secret.Name)
	default:
		return fmt.Sprintf("its signing secret is not in the Secret %s, and Stripe's API does not return it again: copy it from Stripe, under Developers > Webhooks, to the key %s of that Secret; "+
			"or delete this endpoint there, and another one is created", s.Secret.Name, id)
	}
}
