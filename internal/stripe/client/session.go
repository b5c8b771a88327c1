package client

import (
	"context"
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

// The states of a Checkout Session.
const (
	// SessionOpen: the buyer has not finished.
	SessionOpen = "open"
	// SessionComplete: the buyer has finished; the fact says how far the payment got.
	SessionComplete = "complete"
	// SessionExpired: the buyer did not finish in time. Nothing was charged.
	SessionExpired = "expired"
)

// Session is what Stripe says of a Checkout Session.
type Session struct {
	// Status is SessionOpen, SessionComplete or SessionExpired.
	Status string
	// Fact is what a webhook would state of the session as it is now. No event says so: EventID is made of the session's id
	// and outcome, and Created is when the money was taken or, where none was, when the session was created.
	Fact payment.Fact
	// Charge is what became of the money; nil where there is none, or it was not asked for.
	Charge *Charge
}

// Charge is what Stripe says of the money of a session.
type Charge struct {
	// Refund is what a webhook would state of the refunds as they are now; nil where there are none.
	Refund *payment.Fact
	// Disputed says that there is, or was, a dispute.
	Disputed bool
}

// sessionID is the form of a Checkout Session's id.
var sessionID = regexp.MustCompile(`^cs_(test|live)_[A-Za-z0-9]{1,247}$`)

// IsSessionID reports whether a text can be the id of a Checkout Session.
func IsSessionID(text string) bool { return sessionID.MatchString(text) }

// Sees reports whether the API key is of the mode of a Checkout Session, so that Session can ask for it.
func (c *Client) Sees(id string) bool { return strings.HasPrefix(id, "cs_live_") == c.Live() }

// readSessions is the permission that asking for sessions takes.
const readSessions = "read access to Checkout Sessions"

// Session asks for a Checkout Session. It returns ErrNoSuchObject, ErrOtherMode or an error that wraps ErrUnanswered.
func (c *Client) Session(ctx context.Context, id string) (Session, error) {
	return c.session(ctx, id, &form.Values{}, readSessions)
}

// SessionWithCharge asks for a Checkout Session, and for what became of its money.
func (c *Client) SessionWithCharge(ctx context.Context, id string) (Session, error) {
	return c.session(ctx, id, withCharge("payment_intent.latest_charge"), readMoney)
}

func (c *Client) session(ctx context.Context, id string, values *form.Values, needs string) (Session, error) {
	if !c.Sees(id) {
		return Session{}, ErrOtherMode
	}
	var in sessionObject
	_, err := c.ask(ctx, call{
		operation: "checkout.sessions.retrieve", method: http.MethodGet, path: "/v1/checkout/sessions/" + id, form: values, needs: needs,
	}, &in)
	if err != nil {
		return Session{}, err
	}
	if in.ID != id {
		return Session{}, fmt.Errorf("%w: it answered with something else than the checkout session", ErrUnanswered)
	}
	return in.session()
}

// readMoney is the permission that asking for sessions with their charges takes.
const readMoney = "read access to Checkout Sessions, PaymentIntents and Charges"

// withCharge asks to have the charge in the answer.
func withCharge(path string) *form.Values {
	values := &form.Values{}
	values.Add("expand[]", path)
	return values
}

// SessionsOfLink calls each with the completed Checkout Sessions of a Payment Link that were created since some time,
// with their charges, newest first, until it returns an error.
func (c *Client) SessionsOfLink(ctx context.Context, link string, since time.Time, each func(Session) error) error {
	values := withCharge("data.payment_intent.latest_charge")
	values.Add("payment_link", link)
	values.Add("status", SessionComplete)
	values.Add("created[gte]", unix(since))
	return c.sessions(ctx, values, each)
}

// SessionsOfPayment returns the Checkout Sessions of a PaymentIntent, with their charge: one, or none where the payment
// was made without a session.
func (c *Client) SessionsOfPayment(ctx context.Context, intent string) ([]Session, error) {
	values := withCharge("data.payment_intent.latest_charge")
	values.Add("payment_intent", intent)
	var found []Session
	err := c.sessions(ctx, values, func(s Session) error {
		if s.Fact.PaymentIntentID == intent { // whatever else an answer holds
			found = append(found, s)
		}
		return nil
	})
	return found, err
}

func (c *Client) sessions(ctx context.Context, values *form.Values, each func(Session) error) error {
	return list(ctx, c, call{operation: "checkout.sessions.list", path: "/v1/checkout/sessions", form: values, needs: readMoney},
		func(in *sessionObject) error {
			if !IsSessionID(in.ID) {
				return fmt.Errorf("%w: it answered with something else than checkout sessions", ErrUnanswered)
			}
			session, err := in.session()
			if err != nil {
				return err
			}
			return each(session)
		})
}

// sessionObject is a Checkout Session, with its PaymentIntent and charge where they were asked for.
type sessionObject struct {
	object
	Livemode bool `json:"livemode"`
	// Intent is the same field as object's PaymentIntent, which is hidden by it.
	Intent intentObject `json:"payment_intent"`
}

func (s *sessionObject) session() (Session, error) {
	fact := payment.Fact{
		Type: webhook.TypeSessionCompleted, Livemode: s.Livemode, PaymentIntentID: s.Intent.ID, Created: metav1.NewTime(time.Time(s.Created)),
	}
	webhook.ReadFact(webhook.TypeSessionCompleted, &s.object, &fact)
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

// refund is what a webhook would state of the refunds of the session's charge; nil where there are none.
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

// validate refuses a fact that was looked up, where an event that stated it would be refused.
func validate(fact *payment.Fact) error {
	if err := webhook.Validate(fact); err != nil {
		return fmt.Errorf("%w: what it answered would be no event: %w", ErrUnanswered, err)
	}
	return nil
}
