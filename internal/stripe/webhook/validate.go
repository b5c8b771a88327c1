package webhook

import (
	"fmt"

	"github.com/paylink-dev/paylink/internal/payment"
)

// The largest lengths of stored strings, in bytes. The CRDs have the same limits.
const (
	maxIDLength       = 255
	maxCurrencyLength = 16
)

// Validate checks that a fact has the ids of its payment, and that its strings fit into an order's status. Its errors
// wrap ErrMalformed and name the field.
func Validate(f *payment.Fact) error {
	if err := validateID("id", f.EventID, true); err != nil {
		return err
	}
	if err := validateID("data.object.payment_intent", f.PaymentIntentID, !f.OfSession()); err != nil {
		return err
	}
	switch {
	case f.Session != nil:
		if err := validateID("data.object.payment_link", f.Session.PaymentLinkID, false); err != nil {
			return err
		}
		if len(f.Session.Currency) > maxCurrencyLength {
			return fmt.Errorf("%w: field %q is too long", ErrMalformed, "data.object.currency")
		}
		return validateID("data.object.id", f.Session.ID, true)
	case f.FailedRefund != nil:
		return validateID("data.object.id", f.FailedRefund.ID, true)
	case f.Dispute != nil:
		return validateID("data.object.id", f.Dispute.ID, true)
	default:
		return nil
	}
}

func validateID(field, id string, required bool) error {
	switch {
	case required && id == "":
		return fmt.Errorf("%w: field %q is missing", ErrMalformed, field)
	case len(id) > maxIDLength:
		return fmt.Errorf("%w: field %q is longer than %d bytes", ErrMalformed, field, maxIDLength)
	default:
		return nil
	}
}
