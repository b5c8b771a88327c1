package stripesim

import (
	"encoding/json"
	"slices"
)

// Event is what happened, with the object as the API showed it at that moment.
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
	// PreviousAttributes is what an update changed, as JSON; nil for most events.
	PreviousAttributes json.RawMessage
	// PendingWebhooks counts the endpoints that have not yet accepted the event.
	PendingWebhooks int

	cause cause
}

// largestTypes is how many types a list of events may ask for.
const largestTypes = 20

// emit records an event and gives it to the courier. With twins dialled, the
// same thing happens twice under two ids, as it does at Stripe now and then.
func (w *world) emit(eventType string, object, previous rendered, livemode bool, by cause) {
	prefix := "evt_1"
	if intentEvent(object) {
		prefix = "evt_3"
	}
	copies := 1
	if w.courier.twins() {
		copies = 2
	}
	for range copies {
		event := &Event{
			Object:     w.newObject(prefix, livemode),
			Type:       eventType,
			APIVersion: w.apiVersion,
			ObjectID:   object["id"].(string),
			Data:       encode(object),
			cause:      by,
		}
		if len(previous) > 0 {
			event.PreviousAttributes = encode(previous)
		}
		w.events.put(event)
		w.courier.post(*event, w.subscribers(event))
	}
}

// intentEvent tells events about payments, whose ids begin with a 3.
func intentEvent(object rendered) bool {
	return slices.Contains([]string{"payment_intent", "charge", "refund"}, object["object"].(string))
}

// subscribers are the endpoints that an event goes to.
func (w *world) subscribers(event *Event) (ids []string) {
	for _, endpoint := range w.endpoints.order {
		if endpoint.wants(event) {
			ids = append(ids, endpoint.ID)
		}
	}
	return ids
}

// changes is what an update says about the past: the old values of those fields
// that are different now.
func changes(before, after rendered, fields ...string) rendered {
	changed := rendered{}
	for _, field := range fields {
		if before[field] != after[field] {
			changed[field] = before[field]
		}
	}
	return changed
}

func (w *world) renderEvent(e *Event) rendered {
	return e.render(w.courier.pending(e.ID), e.APIVersion)
}

// render shows the event. The version may be an endpoint's own; the object
// inside always has the shape of 2023-10-16.
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

func retrieveEvent(w *world, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	event, err := find(&w.events, r.id, r.livemode, "event", "id")
	if err != nil {
		return nil, err
	}
	return w.renderEvent(event), nil
}

func listEvents(w *world, r *request) (rendered, error) {
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
	return page(r, &w.events, "event", func(e *Event) bool {
		return within(e.Created) &&
			(len(types) == 0 || slices.ContainsFunc(types, func(pattern string) bool { return matches(pattern, e.Type) })) &&
			(!asked || delivered == (w.courier.pending(e.ID) == 0))
	}, w.renderEvent)
}

// retryEvent is what a resend from Stripe's command line or dashboard calls. It
// is one attempt; the automatic ones go on beside it.
func retryEvent(w *world, r *request) (rendered, error) {
	endpointID := r.params.text("webhook_endpoint")
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	event, err := find(&w.events, r.id, r.livemode, "event", "id")
	if err != nil {
		return nil, err
	}
	to := w.subscribers(event)
	if endpointID != "" {
		endpoint, err := find(&w.endpoints, endpointID, r.livemode, "webhook_endpoint", "webhook_endpoint")
		if err != nil {
			return nil, err
		}
		to = []string{endpoint.ID}
	}
	w.courier.resend(*event, to)
	return w.renderEvent(event), nil
}
