package stripesim

// charge is an attempt to take money.
type charge struct {
	Object
	amount             int64
	currency           string
	intent             string
	status             string
	method             *paymentMethod
	metadata           map[string]string
	description        string
	decline            *decline
	balanceTransaction string
	disputed           bool
	chargedBack        bool // a dispute is open or lost: the money is not the merchant's to return
	receipts           int
	mostRefunded       int64
	refunds            []*Refund
}

// The states of a charge.
const (
	chargeSucceeded = "succeeded"
	chargePending   = "pending"
	chargeFailed    = "failed"
)

// addCharge tries to take an intent's money; the intent's metadata is copied
// once, here, and never follows a later change.
func (a *account) addCharge(intent *paymentIntent, method *paymentMethod, status string) *charge {
	c := &charge{
		Object:      a.newObject("ch_3", intent.Livemode),
		amount:      intent.amount,
		currency:    intent.currency,
		intent:      intent.ID,
		status:      status,
		method:      method,
		metadata:    intent.metadata,
		description: intent.description,
	}
	if status != chargeFailed {
		c.balanceTransaction = randomID("txn_3", 23)
	}
	intent.latestCharge, intent.paymentMethod = c.ID, method.ID
	a.charges.put(c)
	return c
}

// refunded returns the sum of the refunds that did not fail. The amount of a failed refund can be refunded again.
func (c *charge) refunded() (sum int64) {
	for _, refund := range c.refunds {
		if refund.stands() {
			sum += refund.Amount
		}
	}
	return sum
}

func renderCharge(c *charge) rendered {
	taken, refunded := c.amount, c.refunded()
	if c.status == chargeFailed {
		taken = 0
	}
	shown := rendered{
		"id":                              c.ID,
		"object":                          "charge",
		"amount":                          c.amount,
		"amount_captured":                 taken,
		"amount_refunded":                 refunded,
		"application":                     nil,
		"application_fee":                 nil,
		"application_fee_amount":          nil,
		"balance_transaction":             nullable(c.balanceTransaction),
		"billing_details":                 c.method.renderOwner(),
		"calculated_statement_descriptor": "SIMULATED SHOP",
		"captured":                        c.status != chargeFailed,
		"created":                         c.Created.Unix(),
		"currency":                        c.currency,
		"customer":                        nil,
		"description":                     nullable(c.description),
		"disputed":                        c.disputed,
		"failure_balance_transaction":     nil,
		"failure_code":                    nil,
		"failure_message":                 nil,
		"fraud_details":                   rendered{},
		"invoice":                         nil,
		"livemode":                        c.Livemode,
		"metadata":                        metadata(c.metadata),
		"on_behalf_of":                    nil,
		"outcome":                         c.renderOutcome(),
		"paid":                            c.status == chargeSucceeded,
		"payment_intent":                  c.intent,
		"payment_method":                  c.method.ID,
		"payment_method_details":          c.method.renderDetails(c.amount),
		"receipt_email":                   nil,
		"receipt_number":                  nil,
		"receipt_url":                     c.receiptURL(),
		"refunded":                        refunded > 0 && refunded >= c.amount,
		"review":                          nil,
		"shipping":                        nil,
		"source_transfer":                 nil,
		"statement_descriptor":            nil,
		"statement_descriptor_suffix":     nil,
		"status":                          c.status,
		"transfer_data":                   nil,
		"transfer_group":                  nil,
	}
	if c.decline != nil {
		shown["failure_code"], shown["failure_message"] = c.decline.code, c.decline.message
		shown["receipt_url"] = nil
	}
	return shown
}

// receiptURL changes with every refund, as Stripe's does.
func (c *charge) receiptURL() string {
	return "https://pay.stripe.com/receipts/payment/" + c.ID + "/" + string(rune('0'+c.receipts%10))
}

func (c *charge) renderOutcome() rendered {
	if c.decline == nil {
		return rendered{
			"network_status": "approved_by_network", "reason": nil, "risk_level": "normal",
			"risk_score": 12, "seller_message": "Payment complete.", "type": "authorized",
		}
	}
	return rendered{
		"network_status": "declined_by_network", "reason": nullable(c.decline.declineCode), "risk_level": "normal",
		"risk_score": 12, "seller_message": "The bank did not approve this payment.", "type": "issuer_declined",
	}
}

// renderRefunds is the list that expand[]=refunds shows; it is in no event.
func renderRefunds(c *charge) rendered {
	data := make([]any, 0, len(c.refunds))
	for i := len(c.refunds) - 1; i >= 0; i-- {
		data = append(data, renderRefund(c.refunds[i]))
	}
	return listOf("/v1/charges/"+c.ID+"/refunds", data, false)
}

func retrieveCharge(a *account, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	c, err := find(&a.charges, r.id, r.livemode, "charge", "id")
	if err != nil {
		return nil, err
	}
	return renderCharge(c), nil
}

func listCharges(a *account, r *request) (rendered, error) {
	within, intent := createdWithin(r.params), equals(r.params, "payment_intent")
	return page(r, &a.charges, "charge", func(c *charge) bool { return within(c.Created) && intent(c.intent) }, renderCharge)
}
