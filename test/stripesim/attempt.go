package stripesim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Attempt is one attempt to send an event to an endpoint.
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
	// At is when the attempt began, and was signed.
	At time.Time
}

// Delivered reports whether the endpoint accepted the event.
func (a Attempt) Delivered() bool { return a.Status >= 200 && a.Status <= 299 }

// ErrLost is the error of an attempt that the plan lost.
var ErrLost = errors.New("lost by the delivery plan")

const userAgent = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"

// attempt sends one copy once.
func (d *dispatcher) attempt(of *delivery) {
	d.mu.Lock()
	loss, pending := d.plan.Loss, len(d.unaccepted[of.event.ID])
	d.mu.Unlock()
	to, ok := d.destination(of.endpoint)
	if !ok || d.ctx.Err() != nil {
		d.finish(of, nil, false)
		return
	}
	made := Attempt{
		EventID: of.event.ID, Type: of.event.Type, ObjectID: of.event.ObjectID,
		Endpoint: of.endpoint, Number: of.attempt, At: d.clock.Now(),
	}
	if loss != nil && loss(of.event, of.attempt) {
		made.Error = ErrLost
	} else {
		made.Status, made.Error = d.post(&of.event, &to, pending, made.At)
	}
	d.log.V(1).Info("webhook", "event", made.EventID, "type", made.Type, "attempt", made.Number, "status", made.Status)
	d.finish(of, &made, made.Delivered())
}

func (d *dispatcher) post(event *Event, to *Endpoint, pending int, at time.Time) (status int, err error) {
	version := event.APIVersion
	if to.apiVersion != "" {
		version = to.apiVersion
	}
	body := encode(event.render(pending, version))
	post, err := http.NewRequestWithContext(d.ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("make webhook request: %w", err)
	}
	post.Header.Set("Content-Type", "application/json; charset=utf-8")
	post.Header.Set("User-Agent", userAgent)
	post.Header.Set("Accept", "*/*; q=0.5, application/xml")
	post.Header.Set("Cache-Control", "no-cache")
	post.Header.Set("Stripe-Signature", deliveryHeader(to.secrets(), at, body, event.Livemode))
	answer, err := d.client.Do(post)
	if err != nil {
		return 0, fmt.Errorf("post webhook: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	// Only a connection whose answer was read to its end is used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	return answer.StatusCode, nil
}
