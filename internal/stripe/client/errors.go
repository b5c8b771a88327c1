package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/stripe/stripe-go/v76"
)

// Errors of asking Stripe's API.
var (
	// ErrNoSuchObject means that Stripe has no object of that id.
	ErrNoSuchObject = errors.New("no such object at Stripe")
	// ErrOtherMode means that the API key is of the other mode than the session, so that it cannot see it.
	ErrOtherMode = errors.New("the API key is of the other mode than the checkout session")
	// ErrUnanswered means that Stripe did not answer as it should: the error that wraps it says how.
	ErrUnanswered = errors.New("no answer from Stripe's API")
)

// sanitize turns stripe-go's error into one that can be logged: its own text can hold parts of the key. needs is the
// permission that the call takes.
func sanitize(err error, needs string) error {
	var refused *stripe.Error
	if !errors.As(err, &refused) {
		for _, known := range []error{errNoneLeft, errTooLarge} {
			if errors.Is(err, known) {
				return fmt.Errorf("%w: %w", ErrUnanswered, known)
			}
		}
		for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
			if errors.Is(err, ended) { // whose text has the call's address, and so an object's id
				return fmt.Errorf("%w: no answer in time: %w", ErrUnanswered, ended)
			}
		}
		return fmt.Errorf("%w: no connection, or no answer in time", ErrUnanswered)
	}
	if refused.Code == stripe.ErrorCodeResourceMissing {
		return ErrNoSuchObject
	}
	switch refused.HTTPStatusCode {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w: it does not know the API key: make a new one in Stripe under Developers > API keys", ErrUnanswered)
	case http.StatusForbidden:
		return fmt.Errorf("%w: the restricted API key lacks a permission: give it %s", ErrUnanswered, needs)
	case http.StatusTooManyRequests:
		return fmt.Errorf("%w: too many calls (status 429, request %s): something else uses up what the account may make", ErrUnanswered, refused.RequestID)
	default:
		return fmt.Errorf("%w: status %d, request %s", ErrUnanswered, refused.HTTPStatusCode, refused.RequestID)
	}
}
