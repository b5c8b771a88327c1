package stripesim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Dispute is a demand of the buyer's bank for the money.
type Dispute struct {
	Object
	// PaymentIntent and Charge are the ids of the disputed payment.
	PaymentIntent, Charge string
	// Amount and Currency are the money that the bank withdrew.
	Amount   int64
	Currency string
	// Status is needs_response until it is closed as won, lost or warning_closed.
	Status string
	// Reason is the bank's.
	Reason string
}

const disputeOpen = "needs_response"

// timeToAnswer is how long a merchant has to send evidence.
const timeToAnswer = 7 * 24 * time.Hour

func (a *account) dispute(c *charge) (*Dispute, error) {
	if c.status != chargeSucceeded {
		return nil, fmt.Errorf("dispute charge %s: it is %s", c.ID, c.status)
	}
	if c.disputed {
		return nil, fmt.Errorf("dispute charge %s: it is disputed already", c.ID)
	}
	d := &Dispute{
		Object:        a.newObject("du_1", c.Livemode),
		PaymentIntent: c.intent,
		Charge:        c.ID,
		Amount:        c.amount,
		Currency:      c.currency,
		Status:        disputeOpen,
		Reason:        "fraudulent",
	}
	c.disputed, c.chargedBack = true, true
	a.disputes.put(d)
	a.emit("charge.dispute.created", a.renderDispute(d), nil, d.Livemode, cause{})
	a.emit("charge.dispute.funds_withdrawn", a.renderDispute(d), nil, d.Livemode, cause{})
	return d, nil
}

func (a *account) closeDispute(d *Dispute, status string) error {
	outcomes := []string{"won", "lost", "warning_closed"}
	if !slices.Contains(outcomes, status) {
		return fmt.Errorf("close dispute %s: status %q is none of %s", d.ID, status, strings.Join(outcomes, ", "))
	}
	if d.Status != disputeOpen {
		return fmt.Errorf("close dispute %s: it is closed already", d.ID)
	}
	before := d.Status
	d.Status = status
	a.emit("charge.dispute.closed", a.renderDispute(d), rendered{"status": before}, d.Livemode, cause{})
	if status != "lost" {
		if c, ok := a.charges.get(d.Charge); ok {
			c.chargedBack = false
		}
		a.emit("charge.dispute.funds_reinstated", a.renderDispute(d), nil, d.Livemode, cause{})
	}
	return nil
}

func (a *account) renderDispute(d *Dispute) rendered {
	due := d.Created.Add(timeToAnswer)
	return rendered{
		"id":                   d.ID,
		"object":               "dispute",
		"amount":               d.Amount,
		"balance_transactions": []any{},
		"charge":               d.Charge,
		"created":              d.Created.Unix(),
		"currency":             d.Currency,
		"evidence":             noEvidence(),
		"evidence_details": rendered{
			"due_by": due.Unix(), "has_evidence": false, "past_due": a.clock.Now().After(due), "submission_count": 0,
		},
		"is_charge_refundable": false,
		"livemode":             d.Livemode,
		"metadata":             rendered{},
		"payment_intent":       d.PaymentIntent,
		"payment_method_details": rendered{
			"type": "card", "card": rendered{"brand": "visa", "network_reason_code": "10.4"},
		},
		"reason": d.Reason,
		"status": d.Status,
	}
}

func noEvidence() rendered {
	evidence := rendered{}
	for _, name := range strings.Fields(`access_activity_log billing_address cancellation_policy
		cancellation_policy_disclosure cancellation_rebuttal customer_communication customer_email_address
		customer_name customer_purchase_ip customer_signature duplicate_charge_documentation
		duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy
		refund_policy_disclosure refund_refusal_explanation service_date service_documentation
		shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number
		uncategorized_file uncategorized_text`) {
		evidence[name] = nil
	}
	return evidence
}

func retrieveDispute(a *account, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	d, err := find(&a.disputes, r.id, r.livemode, "dispute", "dispute")
	if err != nil {
		return nil, err
	}
	return a.renderDispute(d), nil
}

func listDisputes(a *account, r *request) (rendered, error) {
	within := createdWithin(r.params)
	intent, charge := equals(r.params, "payment_intent"), equals(r.params, "charge")
	return page(r, &a.disputes, "dispute", func(d *Dispute) bool {
		return within(d.Created) && intent(d.PaymentIntent) && charge(d.Charge)
	}, a.renderDispute)
}
