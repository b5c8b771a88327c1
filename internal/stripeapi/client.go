package stripeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/paylink-dev/paylink/internal/payment"
)

// Errors of asking Stripe's API.
var (
	// ErrNoSuchSession means that Stripe has no such Checkout Session.
	ErrNoSuchSession = errors.New("no such checkout session at Stripe")
	// ErrOtherMode means that the API key is of the other mode than the session, so that it cannot see it.
	ErrOtherMode = errors.New("the API key is of the other mode than the checkout session")
	// ErrUnanswered means that Stripe did not answer as it should: the error that wraps it says how.
	ErrUnanswered = errors.New("no answer from Stripe's API")
)

// Client asks Stripe's API. It makes one attempt at each call and never logs: what an error says holds neither the key
// nor anything about a buyer.
type Client struct {
	key Secret
	api *client.API
	// observe is told of every call: its operation, and the HTTP status or "error".
	observe func(operation, code string)
}

// NewClient returns a client that uses the key with the API at base. A call may take as long as timeout.
func NewClient(key Secret, base string, timeout time.Duration, observe func(operation, code string)) *Client {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL:               stripe.String(base),
		HTTPClient:        &http.Client{Timeout: timeout},
		MaxNetworkRetries: stripe.Int64(0),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // its lines can hold the key's last digits
		EnableTelemetry:   stripe.Bool(false),
	})
	return &Client{key: key, api: client.New(string(key), &stripe.Backends{API: backend}), observe: observe}
}

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
	// Fact is what a webhook would state of the session as it is now. Its event has no id.
	Fact payment.Fact
}

// sessionID is the form of a Checkout Session's id.
var sessionID = regexp.MustCompile(`^cs_(test|live)_[A-Za-z0-9]{1,247}$`)

// IsSessionID reports whether a text can be the id of a Checkout Session.
func IsSessionID(text string) bool { return sessionID.MatchString(text) }

// Sees reports whether the API key is of the mode of a Checkout Session, so that Session can ask for it.
func (c *Client) Sees(id string) bool { return strings.HasPrefix(id, "cs_live_") == liveKey(c.key) }

// Session asks for a Checkout Session. It returns ErrNoSuchSession, ErrOtherMode or an error that wraps ErrUnanswered.
func (c *Client) Session(ctx context.Context, id string) (Session, error) {
	if !c.Sees(id) {
		return Session{}, ErrOtherMode
	}
	params := &stripe.CheckoutSessionParams{}
	params.Context = ctx
	found, err := c.api.CheckoutSessions.Get(id, params)
	c.observe("checkout.sessions.retrieve", code(err))
	if err != nil {
		return Session{}, explain(err)
	}
	var in struct {
		object
		Livemode bool `json:"livemode"`
	}
	if err := json.Unmarshal(found.LastResponse.RawJSON, &in); err != nil {
		return Session{}, fmt.Errorf("%w: its checkout session is %s", ErrUnanswered, describe(err))
	}
	if in.ID != id {
		return Session{}, fmt.Errorf("%w: it answered with something else than the checkout session", ErrUnanswered)
	}
	fact := payment.Fact{Type: typeSessionCompleted, Livemode: in.Livemode, PaymentIntentID: string(in.PaymentIntent)}
	readCompleted(&in.object, &fact)
	return Session{Status: in.Status, Fact: fact}, nil
}

// code is the label of a call's end.
func code(err error) string {
	var refused *stripe.Error
	switch {
	case err == nil:
		return strconv.Itoa(http.StatusOK)
	case errors.As(err, &refused) && refused.HTTPStatusCode > 0:
		return strconv.Itoa(refused.HTTPStatusCode)
	default:
		return "error"
	}
}

// explain turns stripe-go's error into one that can be logged: its own text can hold parts of the key.
func explain(err error) error {
	var refused *stripe.Error
	if !errors.As(err, &refused) {
		for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
			if errors.Is(err, ended) { // whose text has the call's address, and so the session's id
				return fmt.Errorf("%w: no answer in time: %w", ErrUnanswered, ended)
			}
		}
		return fmt.Errorf("%w: no connection, or no answer in time", ErrUnanswered)
	}
	if refused.Code == stripe.ErrorCodeResourceMissing {
		return ErrNoSuchSession
	}
	switch refused.HTTPStatusCode {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w: it does not know the API key: make a new one in Stripe under Developers > API keys", ErrUnanswered)
	case http.StatusForbidden:
		return fmt.Errorf("%w: the restricted API key lacks a permission: give it read access to Checkout Sessions", ErrUnanswered)
	default:
		return fmt.Errorf("%w: status %d, request %s", ErrUnanswered, refused.HTTPStatusCode, refused.RequestID)
	}
}
