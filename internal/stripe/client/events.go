package client

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stripe/stripe-go/v76/form"

	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// readEvents is the permission that asking for events takes.
const readEvents = "read access to Events"

// ofOurTypes asks for events of EventTypes. Stripe takes up to 20 types.
func ofOurTypes() *form.Values {
	values := &form.Values{}
	for _, eventType := range webhook.EventTypes() {
		values.Add("types[]", eventType)
	}
	return values
}

// Events calls each with the events of EventTypes that were created since one time and before another, newest first,
// until it returns an error. An event that Decode cannot read comes with Decode's error. Stripe keeps events for 30 days.
func (c *Client) Events(ctx context.Context, since, before time.Time, each func(webhook.Event, error) error) error {
	values := ofOurTypes()
	values.Add("created[gte]", unix(since))
	values.Add("created[lt]", unix(before))
	return list(ctx, c, call{operation: "events.list", path: "/v1/events", form: values, needs: readEvents},
		func(body *json.RawMessage) error {
			event, err := webhook.Decode(*body)
			if err != nil { // it can be named all the same
				var head struct {
					ID string `json:"id"`
				}
				_ = json.Unmarshal(*body, &head)
				event.ID = head.ID
			}
			return each(event, err)
		})
}

// MaxUndelivered is the largest number that Undelivered returns.
const MaxUndelivered = pageSize

// Undelivered returns how many events of EventTypes, created since some time, have not been delivered to every endpoint
// that wants them: MaxUndelivered may be more. It returns when Stripe answered, by its own clock; zero where it does not say.
func (c *Client) Undelivered(ctx context.Context, since time.Time) (int, time.Time, error) {
	values := ofOurTypes()
	values.Add("created[gte]", unix(since))
	values.Add("delivery_success", "false")
	got, answered, err := askPage[json.RawMessage](ctx, c, call{operation: "events.list", path: "/v1/events", form: values, needs: readEvents})
	return len(got.Data), answered, err
}
