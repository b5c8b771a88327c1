package stripesim

import "strings"

// The card numbers that the payment page knows, as Stripe's test cards.
const (
	// Card4242 succeeds.
	Card4242 = "4242 4242 4242 4242"
	// CardDeclined is declined for insufficient funds.
	CardDeclined = "4000 0000 0000 9995"
	// CardGenericDecline is declined without a reason.
	CardGenericDecline = "4000 0000 0000 0002"
	// CardDisputed succeeds, and its holder disputes the payment at once.
	CardDisputed = "4000 0000 0000 0259"
)

// decline is why a payment did not go through.
type decline struct {
	code, declineCode, message string
	method                     *paymentMethod
}

var (
	insufficientFunds = decline{code: "card_declined", declineCode: "insufficient_funds", message: "Your card has insufficient funds."}
	genericDecline    = decline{code: "card_declined", declineCode: "generic_decline", message: "Your card was declined."}
	debitReturned     = decline{code: "payment_intent_payment_attempt_failed", message: "The customer's bank account has insufficient funds to cover this payment."}
)

func (d *decline) renderError(i *paymentIntent) any {
	if d == nil {
		return nil
	}
	shown := rendered{
		"type": "card_error", "code": d.code, "message": d.message, "charge": i.latestCharge,
		"doc_url": "https://stripe.com/docs/error-codes", "payment_method": d.method.render(),
	}
	if d.declineCode != "" {
		shown["decline_code"] = d.declineCode
	} else {
		shown["type"] = "invalid_request_error"
	}
	return shown
}

// paymentMethod is a card or a bank account of a buyer.
type paymentMethod struct {
	Object
	kind  string
	last4 string
	owner *customer
}

func (a *account) cardOf(owner *customer, number string, livemode bool) *paymentMethod {
	digits := cardDigits(number)
	return &paymentMethod{Object: a.newObject("pm_1", livemode), kind: "card", last4: digits[len(digits)-4:], owner: owner}
}

func (a *account) bankAccountOf(owner *customer, currency string, livemode bool) *paymentMethod {
	return &paymentMethod{Object: a.newObject("pm_1", livemode), kind: debitMethod(currency), last4: "6789", owner: owner}
}

func cardDigits(number string) string {
	return strings.NewReplacer(" ", "", "-", "").Replace(number)
}

// debitMethod is the bank debit of a currency.
func debitMethod(currency string) string {
	if currency == "usd" {
		return "us_bank_account"
	}
	return "sepa_debit"
}

func (m *paymentMethod) renderOwner() rendered {
	return rendered{
		"address": m.owner.renderAddress(), "email": nullable(m.owner.email),
		"name": nullable(m.owner.name), "phone": nil,
	}
}

// render renders the method as an object.
func (m *paymentMethod) render() rendered {
	shown := rendered{
		"id": m.ID, "object": "payment_method", "billing_details": m.renderOwner(), "created": m.Created.Unix(),
		"customer": nil, "livemode": m.Livemode, "metadata": rendered{}, "type": m.kind,
	}
	switch m.kind {
	case "card":
		shown["card"] = rendered{
			"brand": "visa", "checks": cardChecks(), "country": "US", "display_brand": "visa", "exp_month": 8, "exp_year": 2031,
			"fingerprint": cardFingerprint, "funding": "credit", "generated_from": nil, "last4": m.last4,
			"networks":             rendered{"available": []string{"visa"}, "preferred": nil},
			"three_d_secure_usage": rendered{"supported": true}, "wallet": nil,
		}
	case "us_bank_account":
		shown[m.kind] = rendered{
			"account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK",
			"financial_connections_account": nil, "fingerprint": accountFingerprint, "last4": m.last4, "networks": nil,
			"routing_number": "110000000", "status_details": rendered{},
		}
	default:
		shown[m.kind] = rendered{
			"bank_code": "37040044", "branch_code": nil, "country": "DE", "fingerprint": accountFingerprint,
			"generated_from": nil, "last4": m.last4,
		}
	}
	return shown
}

const (
	cardFingerprint    = "r40d4vOgg3VecDJF"
	accountFingerprint = "9eGhlKf2x1VbTQcm"
)

func cardChecks() rendered {
	return rendered{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"}
}

// renderDetails shows the method inside a charge of that amount.
func (m *paymentMethod) renderDetails(amount int64) rendered {
	unavailable := rendered{"status": "unavailable"}
	var details rendered
	switch m.kind {
	case "card":
		details = rendered{
			"amount_authorized": amount, "brand": "visa", "checks": cardChecks(), "country": "US", "exp_month": 8, "exp_year": 2031,
			"extended_authorization": rendered{"status": "disabled"}, "fingerprint": cardFingerprint, "funding": "credit",
			"incremental_authorization": unavailable, "installments": nil, "last4": m.last4, "mandate": nil,
			"multicapture": unavailable, "network": "visa", "network_token": rendered{"used": false},
			"overcapture":    rendered{"maximum_amount_capturable": amount, "status": "unavailable"},
			"three_d_secure": nil, "wallet": nil,
		}
	case "us_bank_account":
		details = rendered{
			"account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK",
			"fingerprint": accountFingerprint, "last4": m.last4, "routing_number": "110000000",
		}
	default:
		details = rendered{
			"bank_code": "37040044", "branch_code": nil, "country": "DE", "fingerprint": accountFingerprint,
			"last4": m.last4, "mandate": nil,
		}
	}
	return rendered{"type": m.kind, m.kind: details}
}
