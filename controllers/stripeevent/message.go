package stripeevent

import (
	"errors"
	"fmt"
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
)

func isUnknown(err error) bool { return errors.Is(err, ledger.ErrUnknown) }

// maxMessage is the maximum length of a message in the CRD.
const maxMessage = 1024

// rejectedMessage is the message if the API server rejects the order's new status.
func rejectedMessage(cause error) string {
	message := "The API server refuses the order's new status; the CRDs may be older than this release. It says: " + cause.Error()
	return strings.ToValidUTF8(message[:min(len(message), maxMessage)], "")
}

// waitingMessage names the order or payment that an event waits for, and the remedy.
func waitingMessage(spec *v1alpha1.StripeEventSpec) string {
	switch {
	case spec.Resolution.AssignTo != nil:
		return notAssignableMessage(spec)
	case spec.Fact.Session == nil:
		return fmt.Sprintf("No Order has the payment %s: look it up at Stripe.", spec.Fact.PaymentIntentID)
	case spec.Fact.ClientReferenceID == "":
		return fmt.Sprintf("Session %s came through a link of ours without naming an Order: look it up at Stripe.", spec.Fact.Session.ID)
	default:
		return fmt.Sprintf("No Order that was given its checkout URL has the reference %s: create one with that orderId, or look up session %s at Stripe.",
			spec.Fact.ClientReferenceID, spec.Fact.Session.ID)
	}
}

func notAssignableMessage(spec *v1alpha1.StripeEventSpec) string {
	return fmt.Sprintf("spec.resolution.assignTo: there is no Order %s/%s that was given its checkout URL: name one that is Ready.", spec.Resolution.AssignTo.Namespace, spec.Resolution.AssignTo.Name)
}

// orphanMessage describes an orphan payment, and the remedies.
func orphanMessage(spec *v1alpha1.StripeEventSpec) string {
	if spec.Resolution.AssignTo != nil {
		return notAssignableMessage(spec)
	}
	reason := "it names no Order"
	if spec.Fact.ClientReferenceID != "" {
		reason = fmt.Sprintf("no Order has its reference %s", spec.Fact.ClientReferenceID)
	}
	return fmt.Sprintf("Money without an Order: %s came through a PaymentLink, and %s. Set spec.resolution.assignTo to the Order that it is for, or refund it at Stripe; if neither is right, set spec.resolution.acknowledged.",
		describePayment(spec), reason)
}

func describePayment(spec *v1alpha1.StripeEventSpec) string {
	return fmt.Sprintf("%s in session %s (%s)", payment.FormatAmount(spec.Fact.Session.Amount, spec.Fact.Session.Currency), spec.Fact.Session.ID, spec.Fact.PaymentIntentID)
}
