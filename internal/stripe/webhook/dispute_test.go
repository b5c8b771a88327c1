package webhook_test

import (
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

func disputeFact(eventType, status, reason string) *payment.Fact {
	return &payment.Fact{
		EventID: "evt_1Example0000000000000030", Type: eventType, Created: at(1760090001), PaymentIntentID: intent,
		Dispute: &v1alpha1.Dispute{
			// The time of the event, not of the dispute: a later report counts.
			ID: "du_1Example000000000000001", Status: status, Reason: reason, Amount: 4999, ReportedAt: at(1760090001),
		},
	}
}

func TestDecodeDispute(t *testing.T) {
	const sample, created, reason = stripeevents.DisputeCreated, "charge.dispute.created", "product_not_received"
	rows := map[string]decoded{}
	for _, eventType := range []string{created, "charge.dispute.updated", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated", "charge.dispute.closed"} {
		rows[eventType] = decoded{
			stripeevents.FromStripe(t, sample, stripeevents.Set("type", eventType)), disputeFact(eventType, "needs_response", reason),
		}
	}
	for _, status := range []string{"warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review", "won", "lost"} {
		rows[status] = decoded{stripeevents.FromStripe(t, sample, set("status", status)), disputeFact(created, status, reason)}
	}
	rows["prevented"] = decoded{stripeevents.Newer(t, sample, set("status", "prevented")), disputeFact(created, "prevented", reason)}
	rows["payment expanded"] = decoded{
		stripeevents.FromStripe(t, sample, stripeevents.Expand("data.object.payment_intent", "payment_intent")), disputeFact(created, "needs_response", reason),
	}
	rows["without PaymentIntent"] = decoded{stripeevents.FromStripe(t, sample, set("payment_intent", nil)), nil}
	// The CRD allows 64 bytes each, and a character is never cut in two.
	rows["words too long"] = decoded{
		stripeevents.Hostile(t, sample, set("status", strings.Repeat("s", 70)), set("reason", strings.Repeat("r", 63)+"ü")),
		disputeFact(created, strings.Repeat("s", 64), strings.Repeat("r", 63)),
	}
	checkDecode(t, rows)
}
