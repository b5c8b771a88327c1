package webhook_test

import (
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

func refundFact(amount int64, full bool) *payment.Fact {
	return &payment.Fact{
		EventID: "evt_3Example0000000000000020", Type: "charge.refunded", Created: at(1760005001), PaymentIntentID: intent,
		Refund: &v1alpha1.RefundFact{AmountRefunded: amount, Full: full},
	}
}

func TestDecodeRefundedCharge(t *testing.T) {
	const sample = stripeevents.ChargeRefunded
	fromStripe := func(changes ...stripeevents.Change) []byte { return stripeevents.FromStripe(t, sample, changes...) }
	// Older versions of the API can lack a field that the OpenAPI description requires.
	older := func(changes ...stripeevents.Change) []byte { return stripeevents.Newer(t, sample, changes...) }
	partial := refundFact(1000, false)
	partial.EventID, partial.Created = "evt_3Example0000000000000021", at(1760004000)
	checkDecode(t, map[string]decoded{
		"full":                                 {fromStripe(), refundFact(4999, true)},
		"partial":                              {stripeevents.FromStripe(t, stripeevents.ChargePartlyRefunded), partial},
		"full by the flag, in part by amounts": {fromStripe(set("amount_refunded", 1)), refundFact(1, true)},
		"full by amounts, not by the flag":     {fromStripe(set("refunded", false)), refundFact(4999, true)},
		"more than was paid":                   {fromStripe(set("refunded", false), set("amount_refunded", 5000)), refundFact(5000, true)},
		"one cent is left":                     {fromStripe(set("refunded", false), set("amount_refunded", 4998)), refundFact(4998, false)},
		"nothing yet":                          {fromStripe(set("refunded", false), set("amount_refunded", 0)), refundFact(0, false)},
		"nothing of nothing":                   {fromStripe(set("refunded", false), set("amount_refunded", 0), set("amount", 0)), refundFact(0, false)},
		"without flag, by amounts in full":     {older(drop("refunded")), refundFact(4999, true)},
		"without flag, by amounts in part":     {older(drop("refunded"), set("amount_refunded", 1000)), refundFact(1000, false)},
		"without amount, by the flag in full":  {older(drop("amount_refunded")), refundFact(0, true)},
		"without amount, by the flag in part":  {older(drop("amount_refunded"), set("refunded", false)), refundFact(0, false)},
		"without flag and amount":              {older(drop("amount_refunded"), drop("refunded")), refundFact(0, true)},
		"flag and amount null":                 {older(set("amount_refunded", nil), set("refunded", nil)), refundFact(0, true)},
		"without the charge's amount":          {older(drop("amount"), set("refunded", false)), refundFact(4999, false)},
		"payment expanded":                     {fromStripe(stripeevents.Expand("data.object.payment_intent", "payment_intent")), refundFact(4999, true)},
		"a charge older than PaymentIntents":   {fromStripe(set("payment_intent", nil)), nil},
		"a charge without payment":             {older(drop("payment_intent")), nil},
	})
}

func failedRefund(eventType string, created int64) *payment.Fact {
	return &payment.Fact{
		EventID: "evt_3Example0000000000000026", Type: eventType, Created: at(created), PaymentIntentID: intent,
		FailedRefund: &v1alpha1.FailedRefund{ID: "re_3Example00000000000001", Amount: 4999},
	}
}

func TestDecodeFailedRefund(t *testing.T) {
	rows := map[string]decoded{}
	for _, eventType := range []string{"refund.failed", "refund.updated", "charge.refund.updated"} {
		for status, failed := range map[any]bool{
			"failed": true, "canceled": true, "succeeded": false, "pending": false, "requires_action": false, nil: false,
		} {
			name := eventType + " without status"
			if status != nil {
				name = eventType + " " + status.(string)
			}
			var want *payment.Fact
			if failed {
				want = failedRefund(eventType, 1760800000)
			}
			rows[name] = decoded{stripeevents.FromStripe(t, stripeevents.RefundFailed, stripeevents.Set("type", eventType), set("status", status)), want}
		}
		rows[eventType+" without PaymentIntent"] = decoded{
			stripeevents.FromStripe(t, stripeevents.RefundFailed, stripeevents.Set("type", eventType), set("payment_intent", nil)), nil,
		}
	}
	rows["payment expanded"] = decoded{
		stripeevents.FromStripe(t, stripeevents.RefundFailed, stripeevents.Expand("data.object.payment_intent", "payment_intent")),
		failedRefund("refund.failed", 1760800000),
	}
	// The seller canceled the refund, and owes the buyer nothing.
	rows["canceled by the seller"] = decoded{
		stripeevents.Newer(t, stripeevents.RefundFailed, stripeevents.Set("type", "refund.updated"), set("status", "canceled"),
			set("failure_reason", "merchant_request")), nil,
	}
	rows["failed at the request of the seller"] = decoded{
		stripeevents.Newer(t, stripeevents.RefundFailed, set("failure_reason", "merchant_request")), failedRefund("refund.failed", 1760800000),
	}
	// The creation of a refund states nothing: charge.refunded does.
	rows["refund.created"] = decoded{
		stripeevents.FromStripe(t, stripeevents.RefundFailed, stripeevents.Set("type", "refund.created")), nil,
	}
	checkDecode(t, rows)
}
