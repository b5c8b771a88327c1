package stripesim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Attempt is one try to bring an event to an endpoint.
type Attempt struct {
	// EventID, Type and ObjectID are the event's.
	EventID, Type, ObjectID string
	// Endpoint is the id of the receiver.
	Endpoint string
	// Number counts the attempts of one copy from 1.
	Number int
	// Status is the answer's HTTP status; 0 where there was no answer.
	Status int
	// Error says why there was no answer, or ErrLost where the plan lost it.
	Error error
	// At is when the attempt was begun, and its signature made.
	At time.Time
}

// Delivered tells whether the endpoint accepted the event.
func (a Attempt) Delivered() bool { return a.Status >= 200 && a.Status <= 299 }

// ErrLost is the error of an attempt that the plan let vanish.
var ErrLost = errors.New("lost on its way by the delivery plan")

const userAgent = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"

// attempt sends one copy once.
func (c *courier) attempt(d *delivery) {
	c.mu.Lock()
	loss, pending := c.plan.Loss, len(c.waiting[d.event.ID])
	c.mu.Unlock()
	to, ok := c.destination(d.endpoint)
	if !ok || c.ctx.Err() != nil {
		c.end(d, nil, false)
		return
	}
	made := Attempt{
		EventID: d.event.ID, Type: d.event.Type, ObjectID: d.event.ObjectID,
		Endpoint: d.endpoint, Number: d.attempt, At: c.clock.Now(),
	}
	if loss != nil && loss(d.event, d.attempt) {
		made.Error = ErrLost
	} else {
		made.Status, made.Error = c.send(&d.event, &to, pending, made.At)
	}
	c.log.V(1).Info("webhook", "event", made.EventID, "type", made.Type, "attempt", made.Number, "status", made.Status)
	c.end(d, &made, made.Delivered())
}

func (c *courier) send(event *Event, to *Endpoint, pending int, at time.Time) (status int, err error) {
	version := event.APIVersion
	if to.apiVersion != "" {
		version = to.apiVersion
	}
	body := encode(event.render(pending, version))
	post, err := http.NewRequestWithContext(c.ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("make webhook request: %w", err)
	}
	post.Header.Set("Content-Type", "application/json; charset=utf-8")
	post.Header.Set("User-Agent", userAgent)
	post.Header.Set("Accept", "*/*; q=0.5, application/xml")
	post.Header.Set("Cache-Control", "no-cache")
	post.Header.Set("Stripe-Signature", deliveryHeader(to.secrets(), at, body, event.Livemode))
	answer, err := c.client.Do(post)
	if err != nil {
		return 0, fmt.Errorf("post webhook: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	// The answer is of no interest, but a connection that was read to its end is used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	return answer.StatusCode, nil
}
