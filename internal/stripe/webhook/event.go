// Package webhook verifies and decodes Stripe's webhooks. It reads an event into a payment.Fact, which holds ids and
// amounts and no data of the buyer.
package webhook

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/internal/payment"
)

// ErrMalformed means that a body is not a Stripe event: it is not JSON, or a field has the wrong type.
var ErrMalformed = errors.New("malformed event")

// Event is the part of a Stripe event that Paylink reads.
type Event struct {
	// ID is Stripe's id of the event, evt_….
	ID   string
	Type string
	// Created is the time when Stripe created the event; zero if the event has none.
	Created  time.Time
	Livemode bool
	// Account is the connected account (acct_…) of the event, or its context in an organization. Empty: the event happened
	// on the account of the endpoint. The money of another account pays no order, so such an event has no Fact.
	Account string
	// Snapshot is true if the event carries its object. Thin events do not, and are ignored.
	Snapshot bool
	// Fact is the statement of the event about a payment; nil if there is none.
	Fact *payment.Fact
}

// envelope is an event as Stripe sends it, decoded in one pass. Its fields keep their meaning in all of Stripe's API
// versions.
type envelope struct {
	ID       string   `json:"id"`
	Type     string   `json:"type"`
	Created  UnixTime `json:"created"`
	Livemode bool     `json:"livemode"`
	Account  string   `json:"account"`
	Context  string   `json:"context"`
	Data     struct {
		Object *Object `json:"object"`
	} `json:"data"`
}

// Decode reads a verified body. An event that says nothing about a payment has no Fact. The error wraps ErrMalformed.
func Decode(body []byte) (Event, error) {
	var in envelope
	if err := json.Unmarshal(body, &in); err != nil {
		if event, ok := unhandledEvent(body); ok {
			return event, nil
		}
		return Event{}, fmt.Errorf("%w: %s", ErrMalformed, DescribeJSON(err))
	}
	event := Event{
		ID:       in.ID,
		Type:     in.Type,
		Created:  time.Time(in.Created),
		Livemode: in.Livemode,
		Account:  cmp.Or(in.Account, in.Context),
		Snapshot: in.Data.Object != nil,
	}
	if !event.Snapshot || event.Account != "" {
		return event, nil
	}
	fact := payment.Fact{
		EventID:         in.ID,
		Type:            in.Type,
		Created:         metav1.NewTime(event.Created),
		Livemode:        in.Livemode,
		PaymentIntentID: string(in.Data.Object.PaymentIntent),
	}
	if !ReadFact(in.Type, in.Data.Object, &fact) {
		return event, nil
	}
	if err := Validate(&fact); err != nil {
		return Event{}, err
	}
	event.Fact = &fact
	return event, nil
}

// unhandledEvent reads an event of an unhandled type, in which a field can have another type of value than in a handled
// one. The amount of a billing.credit_grant is an object, for example. Stripe disables an endpoint that keeps refusing
// such events.
func unhandledEvent(body []byte) (Event, bool) {
	var head struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Livemode bool   `json:"livemode"`
		Data     struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &head); err != nil || head.Type == "" || Handles(head.Type) {
		return Event{}, false
	}
	snapshot := len(head.Data.Object) > 0 && head.Data.Object[0] == '{'
	return Event{ID: head.ID, Type: head.Type, Livemode: head.Livemode, Snapshot: snapshot}, true
}
