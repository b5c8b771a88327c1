package stripesim

import (
	"fmt"
	"net/http"
)

// Refund is a refund of a charge.
type Refund struct {
	Object
	// PaymentIntent and Charge are the ids of the refunded payment.
	PaymentIntent, Charge string
	// Amount and Currency are the refunded money.
	Amount   int64
	Currency string
	// Status is succeeded, or failed if the bank returned the money.
	Status string
	// Reason is the merchant's; empty for none.
	Reason string

	metadata           map[string]string
	balanceTransaction string
	failureTransaction string
	kind               string
}

func (r *Refund) stands() bool { return r.Status != "failed" && r.Status != "canceled" }

// refund refunds an amount of a charge; 0 is all that is left.
func (a *account) refund(c *charge, made Refund, by cause) (*Refund, error) {
	left := c.amount - c.refunded()
	if made.Amount == 0 {
		made.Amount = left
	}
	if err := refusedRefund(c, made.Amount, left); err != nil {
		return nil, err
	}
	before := renderCharge(c)
	made.Object = a.newObject("re_3", c.Livemode)
	made.PaymentIntent, made.Charge, made.Currency = c.intent, c.ID, c.currency
	made.Status, made.kind, made.balanceTransaction = "succeeded", c.method.kind, randomID("txn_3", 23)
	a.refunds.put(&made)
	c.refunds = append(c.refunds, &made)
	c.receipts++
	c.mostRefunded = max(c.mostRefunded, c.refunded())
	after := renderCharge(c)
	a.emit("refund.created", renderRefund(&made), nil, c.Livemode, by)
	a.emit("charge.refunded", after, changes(before, after, "amount_refunded", "refunded", "receipt_url"), c.Livemode, by)
	return &made, nil
}

func refusedRefund(c *charge, amount, left int64) error {
	refuse := func(code, param, format string, args ...any) error {
		return &APIError{Status: http.StatusBadRequest, Type: invalidRequest, Code: code, Param: param, Charge: c.ID, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case c.status == chargePending:
		return refuse("charge_not_refundable", "", "Charge %s has not yet succeeded and cannot be refunded.", c.ID)
	case c.status != chargeSucceeded:
		return refuse("", "", "Charge %s has failed and cannot be refunded.", c.ID)
	case c.chargedBack:
		return refuse("charge_disputed", "", "Charge %s has been charged back; cannot issue a refund.", c.ID)
	case left == 0:
		return refuse("charge_already_refunded", "", "Charge %s has already been refunded.", c.ID)
	case amount > left:
		return refuse("", "amount", "Refund amount (%s) is greater than unrefunded amount on charge (%s)", money(amount, c.currency), money(left, c.currency))
	}
	return nil
}

// failRefund fails a refund, as a bank can up to a month later. The amount can be refunded again. Stripe sends events of two
// families about it.
func (a *account) failRefund(r *Refund) error {
	if !r.stands() {
		return fmt.Errorf("fail refund %s: it has failed already", r.ID)
	}
	r.Status, r.failureTransaction = "failed", randomID("txn_3", 23)
	for _, eventType := range []string{"charge.refund.updated", "refund.updated", "refund.failed"} {
		a.emit(eventType, renderRefund(r), rendered{"status": "succeeded"}, r.Livemode, cause{})
	}
	return nil
}

func renderRefund(r *Refund) rendered {
	shown := rendered{
		"id":                       r.ID,
		"object":                   "refund",
		"amount":                   r.Amount,
		"balance_transaction":      r.balanceTransaction,
		"charge":                   r.Charge,
		"created":                  r.Created.Unix(),
		"currency":                 r.Currency,
		"destination_details":      r.renderDestination(),
		"metadata":                 metadata(r.metadata),
		"payment_intent":           r.PaymentIntent,
		"reason":                   nullable(r.Reason),
		"receipt_number":           nil,
		"source_transfer_reversal": nil,
		"status":                   r.Status,
		"transfer_reversal":        nil,
	}
	if !r.stands() {
		shown["failure_reason"], shown["failure_balance_transaction"] = "expired_or_canceled_card", r.failureTransaction
	}
	return shown
}

func (r *Refund) renderDestination() rendered {
	if r.kind == "card" {
		return rendered{"type": "card", "card": rendered{
			"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund",
		}}
	}
	return rendered{"type": r.kind}
}

// chargeOf finds the charge of a payment intent or a charge id in a request.
func (a *account) chargeOf(intentID, chargeID string, livemode bool) (*charge, error) {
	if intentID != "" {
		intent, err := find(&a.intents, intentID, livemode, "payment_intent", "payment_intent")
		if err != nil {
			return nil, err
		}
		if intent.latestCharge == "" {
			return nil, errInvalid("payment_intent", "", "This PaymentIntent (%s) does not have a successful charge to refund.", intentID)
		}
		chargeID = intent.latestCharge
	}
	return find(&a.charges, chargeID, livemode, "charge", "charge")
}

func createRefund(a *account, r *request) (rendered, error) {
	intentID, chargeID := r.params.text("payment_intent"), r.params.text("charge")
	made := Refund{
		Amount:   r.params.integer(1, 0, "amount"),
		Reason:   r.params.oneOf([]string{"", "duplicate", "fraudulent", "requested_by_customer"}, "reason"),
		metadata: r.params.hash("metadata"),
	}
	if intentID == "" && chargeID == "" {
		r.params.fail(errInvalid("", "parameter_missing", "One of the following params should be provided for this request: payment_intent or charge."))
	}
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	c, err := a.chargeOf(intentID, chargeID, r.livemode)
	if err != nil {
		return nil, err
	}
	refund, err := a.refund(c, made, r.cause)
	if err != nil {
		return nil, err
	}
	return renderRefund(refund), nil
}

func retrieveRefund(a *account, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	refund, err := find(&a.refunds, r.id, r.livemode, "refund", "refund")
	if err != nil {
		return nil, err
	}
	return renderRefund(refund), nil
}

func listRefunds(a *account, r *request) (rendered, error) {
	within := createdWithin(r.params)
	intent, charge := equals(r.params, "payment_intent"), equals(r.params, "charge")
	return page(r, &a.refunds, "refund", func(refund *Refund) bool {
		return within(refund.Created) && intent(refund.PaymentIntent) && charge(refund.Charge)
	}, renderRefund)
}
