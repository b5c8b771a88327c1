package stripesim

import (
	"encoding/json"
	"slices"
)

// Event is an event, with the object as it was then.
type Event struct {
	Object
	// Type is as checkout.session.completed.
	Type string
	// APIVersion is the account's.
	APIVersion string
	// ObjectID is the id of data.object.
	ObjectID string
	// Data is data.object as JSON.
	Data json.RawMessage
	// PreviousAttributes are the old values of an update, as JSON; nil for most events.
	PreviousAttributes json.RawMessage
	// PendingWebhooks counts the endpoints that have not yet accepted the event.
	PendingWebhooks int

	cause cause
}

// largestTypes is the largest number of types in a request for events.
const largestTypes = 20

// emit records an event and sends it. If the plan has TwinEvents, there are two events with two ids, as Stripe sometimes makes.
func (a *account) emit(eventType string, object, previous rendered, livemode bool, by cause) {
	prefix := "evt_1"
	if intentEvent(object) {
		prefix = "evt_3"
	}
	copies := 1
	if a.dispatcher.makesTwins() {
		copies = 2
	}
	for range copies {
		event := &Event{
			Object:     a.newObject(prefix, livemode),
			Type:       eventType,
			APIVersion: a.apiVersion,
			ObjectID:   object["id"].(string),
			Data:       encode(object),
			cause:      by,
		}
		if len(previous) > 0 {
			event.PreviousAttributes = encode(previous)
		}
		a.events.put(event)
		a.dispatcher.send(*event, a.subscribers(event))
	}
}

// intentEvent reports whether an event is about a payment: its id begins with a 3.
func intentEvent(object rendered) bool {
	return slices.Contains([]string{"payment_intent", "charge", "refund"}, object["object"].(string))
}

// subscribers returns the ids of the endpoints that want an event.
func (a *account) subscribers(event *Event) (ids []string) {
	for _, endpoint := range a.endpoints.order {
		if endpoint.wants(event) {
			ids = append(ids, endpoint.ID)
		}
	}
	return ids
}

// changes returns the old values of the fields that differ, for previous_attributes.
func changes(before, after rendered, fields ...string) rendered {
	changed := rendered{}
	for _, field := range fields {
		if before[field] != after[field] {
			changed[field] = before[field]
		}
	}
	return changed
}

func (a *account) renderEvent(e *Event) rendered {
	return e.render(a.dispatcher.pending(e.ID), e.APIVersion)
}

// render renders the event. The version can be that of an endpoint; the object always has the shape of 2023-10-16.
func (e *Event) render(pending int, version string) rendered {
	data := rendered{"object": e.Data}
	if e.PreviousAttributes != nil {
		data["previous_attributes"] = e.PreviousAttributes
	}
	return rendered{
		"id":               e.ID,
		"object":           "event",
		"api_version":      version,
		"created":          e.Created.Unix(),
		"data":             data,
		"livemode":         e.Livemode,
		"pending_webhooks": pending,
		"request":          rendered{"id": nullable(e.cause.requestID), "idempotency_key": nullable(e.cause.idempotencyKey)},
		"type":             e.Type,
	}
}

func retrieveEvent(a *account, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	event, err := find(&a.events, r.id, r.livemode, "event", "id")
	if err != nil {
		return nil, err
	}
	return a.renderEvent(event), nil
}

func listEvents(a *account, r *request) (rendered, error) {
	within := createdWithin(r.params)
	single, types := r.params.text("type"), r.params.list("types")
	switch {
	case single != "" && len(types) > 0:
		r.params.fail(errInvalid("types", "", "You may pass either `type` or `types`, but not both."))
	case len(types) > largestTypes:
		r.params.fail(errInvalid("types", "", "You may pass up to %d types.", largestTypes))
	case single != "":
		types = []string{single}
	}
	asked, delivered := r.params.has("delivery_success"), r.params.flag(true, "delivery_success")
	return page(r, &a.events, "event", func(e *Event) bool {
		return within(e.Created) &&
			(len(types) == 0 || slices.ContainsFunc(types, func(pattern string) bool { return matches(pattern, e.Type) })) &&
			(!asked || delivered == (a.dispatcher.pending(e.ID) == 0))
	}, a.renderEvent)
}

// retryEvent resends an event, as Stripe's command line and dashboard can. It makes one attempt, beside the automatic ones.
func retryEvent(a *account, r *request) (rendered, error) {
	endpointID := r.params.text("webhook_endpoint")
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	event, err := find(&a.events, r.id, r.livemode, "event", "id")
	if err != nil {
		return nil, err
	}
	to := a.subscribers(event)
	if endpointID != "" {
		endpoint, err := find(&a.endpoints, endpointID, r.livemode, "webhook_endpoint", "webhook_endpoint")
		if err != nil {
			return nil, err
		}
		to = []string{endpoint.ID}
	}
	a.dispatcher.resend(*event, to)
	return a.renderEvent(event), nil
}
