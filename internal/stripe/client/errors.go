package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/stripe/stripe-go/v76"
)

// The errors of calls to Stripe's API.
var (
	// ErrNoSuchObject means that Stripe has no object with this id.
	ErrNoSuchObject = errors.New("no such object at Stripe")
	// ErrOtherMode means that the API key cannot read the session, because their modes differ.
	ErrOtherMode = errors.New("the API key and the checkout session are of different modes")
	// ErrCallFailed means that Stripe refused the call, did not respond, or sent an unusable response. The error that
	// wraps it says why.
	ErrCallFailed = errors.New("call to Stripe's API failed")
)

// sanitize replaces an error of stripe-go, whose text can hold parts of the key, by one that can be logged. permission
// is the permission that the call needs.
func sanitize(err error, permission string) error {
	var refused *stripe.Error
	if !errors.As(err, &refused) {
		for _, known := range []error{errBudgetSpent, errTooLarge} {
			if errors.Is(err, known) {
				return fmt.Errorf("%w: %w", ErrCallFailed, known)
			}
		}
		for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
			if errors.Is(err, ended) { // the text of err holds the URL of the call, and with it an object's id
				return fmt.Errorf("%w: no response in time: %w", ErrCallFailed, ended)
			}
		}
		return fmt.Errorf("%w: no connection, or no response in time", ErrCallFailed)
	}
	if refused.Code == stripe.ErrorCodeResourceMissing {
		return ErrNoSuchObject
	}
	switch refused.HTTPStatusCode {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w: Stripe does not know the API key: make a new one in Stripe under Developers > API keys", ErrCallFailed)
	case http.StatusForbidden:
		return fmt.Errorf("%w: the restricted API key lacks a permission: give it %s", ErrCallFailed, permission)
	case http.StatusTooManyRequests:
		return fmt.Errorf("%w: too many calls (status 429, request %s): something else uses up the account's rate limit", ErrCallFailed, refused.RequestID)
	default:
		return fmt.Errorf("%w: status %d, request %s", ErrCallFailed, refused.HTTPStatusCode, refused.RequestID)
	}
}
