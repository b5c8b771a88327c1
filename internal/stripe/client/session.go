package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/form"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// The statuses of a Checkout Session.
const (
	// SessionOpen means that the buyer has not finished.
	SessionOpen = "open"
	// SessionComplete means that the buyer has finished. The fact holds the outcome of the payment.
	SessionComplete = "complete"
	// SessionExpired means that the buyer did not finish in time. Nothing was charged.
	SessionExpired = "expired"
)

// Session is a Checkout Session.
type Session struct {
	// Status is SessionOpen, SessionComplete or SessionExpired.
	Status string
	// Fact is the fact of the session in its present state. It comes from no event: EventID is made of the session's id
	// and outcome. Created is the time of the charge, or of the session if nothing was charged.
	Fact payment.Fact
	// Charge is the charge of the session; nil if there is none, or if it was not requested.
	Charge *Charge
}

// Charge is the charge of a session.
type Charge struct {
	// Refund is the fact of its refunds in their present state; nil if there are none.
	Refund *payment.Fact
	// Disputed is true if there is or was a dispute.
	Disputed bool
}

// sessionIDPattern is the form of a Checkout Session's id.
var sessionIDPattern = regexp.MustCompile(`^cs_(test|live)_[A-Za-z0-9]{1,247}$`)

// IsSessionID reports whether a text has the form of a Checkout Session's id.
func IsSessionID(text string) bool { return sessionIDPattern.MatchString(text) }

// Sees reports whether the API key has the mode of a Checkout Session, so that Session can read it.
func (c *Client) Sees(id string) bool { return strings.HasPrefix(id, "cs_live_") == c.Live() }

// The permissions that reading sessions needs, without and with their charges.
const (
	readSessions            = "read access to Checkout Sessions"
	readSessionsAndPayments = "read access to Checkout Sessions, PaymentIntents and Charges"
)

// Session reads a Checkout Session. It returns ErrNoSuchObject, ErrOtherMode or an error that wraps ErrCallFailed.
func (c *Client) Session(ctx context.Context, id string) (Session, error) {
	return c.session(ctx, id, &form.Values{}, readSessions)
}

// SessionWithCharge reads a Checkout Session with its charge.
func (c *Client) SessionWithCharge(ctx context.Context, id string) (Session, error) {
	return c.session(ctx, id, expand("payment_intent.latest_charge"), readSessionsAndPayments)
}

func (c *Client) session(ctx context.Context, id string, values *form.Values, permission string) (Session, error) {
	if !c.Sees(id) {
		return Session{}, ErrOtherMode
	}
	var in sessionObject
	_, err := c.do(ctx, request{
		operation: "checkout.sessions.retrieve", method: http.MethodGet, path: "/v1/checkout/sessions/" + id,
		form: values, permission: permission,
	}, &in)
	if err != nil {
		return Session{}, err
	}
	if in.ID != id {
		return Session{}, fmt.Errorf("%w: the response is not the requested checkout session", ErrCallFailed)
	}
	return in.session()
}

// expand is the parameter that makes Stripe return an object in place of its id.
func expand(path string) *form.Values {
	values := &form.Values{}
	values.Add("expand[]", path)
	return values
}

// SessionsOfLink calls each with the completed Checkout Sessions of a Payment Link that were created since a time, with
// their charges. It goes from newest to oldest, until each returns an error.
func (c *Client) SessionsOfLink(ctx context.Context, link string, since time.Time, each func(Session) error) error {
	values := expand("data.payment_intent.latest_charge")
	values.Add("payment_link", link)
	values.Add("status", SessionComplete)
	values.Add("created[gte]", formatUnix(since))
	return c.sessions(ctx, values, each)
}

// SessionsOfPayment returns the Checkout Sessions of a PaymentIntent, with their charge. There is one, or none if the
// payment was made without a session.
func (c *Client) SessionsOfPayment(ctx context.Context, intent string) ([]Session, error) {
	values := expand("data.payment_intent.latest_charge")
	values.Add("payment_intent", intent)
	var found []Session
	err := c.sessions(ctx, values, func(s Session) error {
		if s.Fact.PaymentIntentID == intent { // Stripe filters too; a fact must never reach another payment
			found = append(found, s)
		}
		return nil
	})
	return found, err
}

func (c *Client) sessions(ctx context.Context, values *form.Values, each func(Session) error) error {
	return list(ctx, c, request{operation: "checkout.sessions.list", path: "/v1/checkout/sessions", form: values, permission: readSessionsAndPayments},
		func(in *sessionObject) error {
			if !IsSessionID(in.ID) {
				return fmt.Errorf("%w: the response is not a list of checkout sessions", ErrCallFailed)
			}
			session, err := in.session()
			if errors.Is(err, ErrNoSuchObject) {
				return nil
			}
			if err != nil {
				return err
			}
			return each(session)
		})
}

// sessionObject is a Checkout Session as Stripe sends it, with its PaymentIntent and charge if they were expanded.
type sessionObject struct {
	object
	Livemode bool `json:"livemode"`
	// Intent hides the field PaymentIntent of object, which has the same name in JSON.
	Intent intentObject `json:"payment_intent"`
}

func (s *sessionObject) session() (Session, error) {
	fact := payment.Fact{
		Type: webhook.TypeSessionCompleted, Livemode: s.Livemode, PaymentIntentID: s.Intent.ID, Created: metav1.NewTime(time.Time(s.Created)),
	}
	if !webhook.ReadFact(webhook.TypeSessionCompleted, &s.object, &fact) { // of another mode: no session that pays an order
		return Session{}, ErrNoSuchObject
	}
	fact.EventID = fmt.Sprintf("%s:%s", s.ID, fact.Session.Outcome)
	found := Session{Status: s.Status, Fact: fact}
	if charge := s.Intent.Charge; charge != nil {
		found.Charge = &Charge{Refund: s.refund(), Disputed: charge.Disputed}
		if fact.Session.Outcome == v1alpha1.OutcomePaid {
			found.Fact.Created = metav1.NewTime(time.Time(charge.Created))
		}
		if refund := found.Charge.Refund; refund != nil {
			if err := validate(refund); err != nil {
				return Session{}, err
			}
		}
	}
	if err := validate(&found.Fact); err != nil {
		return Session{}, err
	}
	return found, nil
}

// refund returns the fact of the refunds of the session's charge; nil if there are none.
func (s *sessionObject) refund() *payment.Fact {
	charge := s.Intent.Charge
	if charge.AmountRefunded == nil || *charge.AmountRefunded == 0 {
		return nil
	}
	fact := &payment.Fact{
		EventID: fmt.Sprintf("%s:%d", charge.ID, *charge.AmountRefunded), Type: webhook.TypeChargeRefunded,
		Livemode: s.Livemode, PaymentIntentID: s.Intent.ID,
	}
	webhook.ReadFact(webhook.TypeChargeRefunded, &charge.object, fact)
	return fact
}

// validate refuses a fact that Decode would refuse in an event.
func validate(fact *payment.Fact) error {
	if err := webhook.Validate(fact); err != nil {
		return fmt.Errorf("%w: invalid object in the response: %w", ErrCallFailed, err)
	}
	return nil
}
