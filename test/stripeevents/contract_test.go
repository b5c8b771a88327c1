package stripeevents

import (
	"testing"
)

// TestSamples checks every sample against Stripe's description.
func TestSamples(t *testing.T) {
	for _, name := range Names(t) {
		t.Run(name, func(t *testing.T) { Check(t, FromStripe(t, name)) })
	}
}

// TestContract: the description refuses wrong events.
func TestContract(t *testing.T) {
	for name, row := range map[string]struct {
		sample string
		change Change
	}{
		"no event":             {SessionPaid, Set("object", "charge")},
		"no id":                {SessionPaid, Drop("id")},
		"time as text":         {SessionPaid, Set("created", "2025-10-09T08:54:21Z")},
		"no object":            {SessionPaid, Drop("data")},
		"object of no kind":    {SessionPaid, Set("data.object.object", "purchase")},
		"made-up status":       {SessionPaid, Set("data.object.payment_status", "settled")},
		"amount as text":       {SessionPaid, Set("data.object.amount_total", "4999")},
		"payment as a number":  {SessionPaid, Set("data.object.payment_intent", 3)},
		"refunded as text":     {ChargeRefunded, Set("data.object.refunded", "true")},
		"refund without id":    {RefundFailed, Drop("data.object.id")},
		"dispute of no status": {DisputeCreated, Drop("data.object.status")},
	} {
		t.Run(name, func(t *testing.T) {
			if err := check(Hostile(t, row.sample, row.change)); err == nil {
				t.Error("the description allows it")
			}
		})
	}
}
