package client

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stripe/stripe-go/v76/form"

	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// listEvents is the request for handled events with further parameters. Stripe accepts up to 20 types.
func listEvents(parameters map[string]string) request {
	values := &form.Values{}
	for _, eventType := range webhook.EventTypes() {
		values.Add("types[]", eventType)
	}
	for name, value := range parameters {
		values.Add(name, value)
	}
	return request{operation: "events.list", path: "/v1/events", form: values, permission: "read access to Events"}
}

// Events calls each with the handled events that were created in [since, before), newest first, until each returns an
// error. It passes the error of Decode with an event that Decode cannot read. Stripe keeps events for 30 days.
func (c *Client) Events(ctx context.Context, since, before time.Time, each func(webhook.Event, error) error) error {
	r := listEvents(map[string]string{"created[gte]": formatUnix(since), "created[lt]": formatUnix(before)})
	return list(ctx, c, r, func(body *json.RawMessage) error {
		event, err := webhook.Decode(*body)
		if err != nil { // the caller can still name the event
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

// Undelivered counts the handled events, created since a time, that some endpoint has not received yet. MaxUndelivered
// means that many or more. It returns the time of the response by Stripe's clock, or zero if the response has none.
func (c *Client) Undelivered(ctx context.Context, since time.Time) (int, time.Time, error) {
	r := listEvents(map[string]string{"created[gte]": formatUnix(since), "delivery_success": "false"})
	got, date, err := getPage[json.RawMessage](ctx, c, r)
	return len(got.Data), date, err
}
