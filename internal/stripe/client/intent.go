package client

import (
	"encoding/json"
	"errors"

	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// object is an object of the API, in the shape of data.object of an event. Its name is part of the errors of encoding/json.
type object = webhook.Object

// intentObject is a PaymentIntent: the id alone, or the expanded object with its latest charge.
type intentObject struct {
	ID     string
	Charge *chargeObject
}

// chargeObject is a charge of Stripe's.
type chargeObject struct {
	object
	Disputed bool `json:"disputed"`
}

// UnmarshalJSON reads an id, an object, or null.
func (i *intentObject) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case 'n': // null
		return nil
	case '"':
		return json.Unmarshal(data, &i.ID)
	case '{':
		var expanded struct {
			ID     string          `json:"id"`
			Charge json.RawMessage `json:"latest_charge"`
		}
		if err := json.Unmarshal(data, &expanded); err != nil {
			return err
		}
		i.ID = expanded.ID
		if len(expanded.Charge) > 0 && expanded.Charge[0] == '{' {
			return json.Unmarshal(expanded.Charge, &i.Charge)
		}
		return nil
	default:
		return errors.New("an id is a string or an object")
	}
}
