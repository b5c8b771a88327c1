package stripeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/internal/payment"
)

// ErrMalformed means that a body is not a Stripe event: not JSON, or a field of ours is of the wrong kind.
var ErrMalformed = errors.New("malformed event")

// Event is a webhook's event, as far as it matters here.
type Event struct {
	ID   string
	Type string
	// Created is when Stripe made the event; zero where it does not say.
	Created  time.Time
	Livemode bool
	// Snapshot says that the event carries its object. Thin events do not, and cannot be used.
	Snapshot bool
	// Fact is what the event says about a payment; nil where it says nothing of interest.
	Fact *payment.Fact
}

// envelope is the part of an event that is read, in one pass: the object is one struct for all types, whose fields
// keep their meaning across Stripe's API versions.
type envelope struct {
	ID       string   `json:"id"`
	Type     string   `json:"type"`
	Created  unixTime `json:"created"`
	Livemode bool     `json:"livemode"`
	Data     struct {
		Object *object `json:"object"`
	} `json:"data"`
}

// Decode reads a verified body. Events that say nothing of interest have no Fact; a body that is not an event of
// Stripe's is ErrMalformed.
func Decode(body []byte) (Event, error) {
	var in envelope
	if err := json.Unmarshal(body, &in); err != nil {
		if event, ok := bystander(body); ok {
			return event, nil
		}
		return Event{}, fmt.Errorf("%w: %s", ErrMalformed, describe(err))
	}
	event := Event{
		ID:       in.ID,
		Type:     in.Type,
		Created:  time.Time(in.Created),
		Livemode: in.Livemode,
		Snapshot: in.Data.Object != nil,
	}
	read, ours := readers[in.Type]
	if !ours || !event.Snapshot {
		return event, nil
	}
	fact := payment.Fact{
		EventID:         in.ID,
		Type:            in.Type,
		Created:         metav1.NewTime(event.Created),
		Livemode:        in.Livemode,
		PaymentIntentID: string(in.Data.Object.PaymentIntent),
	}
	if !read(in.Data.Object, &fact) {
		return event, nil
	}
	if err := check(&fact); err != nil {
		return Event{}, err
	}
	event.Fact = &fact
	return event, nil
}

// bystander reads an event of no interest that has another kind of value where an event of interest has a field of
// ours, such as a billing.credit_grant, whose amount is an object. Refusing it would bring the endpoint down at Stripe.
func bystander(body []byte) (Event, bool) {
	var head struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Livemode bool   `json:"livemode"`
		Data     struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &head); err != nil || head.Type == "" || Interesting(head.Type) {
		return Event{}, false
	}
	snapshot := len(head.Data.Object) > 0 && head.Data.Object[0] == '{'
	return Event{ID: head.ID, Type: head.Type, Livemode: head.Livemode, Snapshot: snapshot}, true
}

// describe says what is wrong with a body without quoting it: json's own errors can hold a piece of it.
func describe(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("not JSON, from byte %d on", syntax.Offset)
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Sprintf("JSON, but no object (%s)", firstWord(kind.Value))
	case errors.As(err, &kind):
		return fmt.Sprintf("field %q cannot be of this kind (%s)", kind.Field, firstWord(kind.Value))
	default:
		return "not JSON of the expected shape"
	}
}

// firstWord cuts "number 12.5" to "number".
func firstWord(s string) string {
	for i, r := range s {
		if r == ' ' {
			return s[:i]
		}
	}
	return s
}

// The longest strings kept, in bytes; the CRDs have the same limits.
const (
	maxIDLength       = 255
	maxCurrencyLength = 16
)

// check refuses a fact without the ids it lives by, and one that an order's status could not hold.
func check(f *payment.Fact) error {
	if err := checkID("id", f.EventID, true); err != nil {
		return err
	}
	if err := checkID("data.object.payment_intent", f.PaymentIntentID, !f.OfSession()); err != nil {
		return err
	}
	switch {
	case f.Session != nil:
		if err := checkID("data.object.payment_link", f.Session.PaymentLinkID, false); err != nil {
			return err
		}
		if len(f.Session.Currency) > maxCurrencyLength {
			return fmt.Errorf("%w: field %q is too long", ErrMalformed, "data.object.currency")
		}
		return checkID("data.object.id", f.Session.ID, true)
	case f.FailedRefund != nil:
		return checkID("data.object.id", f.FailedRefund.ID, true)
	case f.Dispute != nil:
		return checkID("data.object.id", f.Dispute.ID, true)
	default:
		return nil
	}
}

func checkID(field, id string, required bool) error {
	switch {
	case required && id == "":
		return fmt.Errorf("%w: field %q is missing", ErrMalformed, field)
	case len(id) > maxIDLength:
		return fmt.Errorf("%w: field %q is longer than %d bytes", ErrMalformed, field, maxIDLength)
	default:
		return nil
	}
}
