package returnpage

import "github.com/paylink-dev/paylink/webhookserver/page"

// State is the state of a payment for its buyer.
type State string

// The states of a payment.
const (
	// Confirming: nothing is known of the payment yet.
	Confirming State = "confirming"
	// Received: Stripe has the money; its webhook has not come yet.
	Received State = "received"
	// Processing: the buyer has finished, and the bank has not.
	Processing State = "processing"
	// Paid: the order is paid.
	Paid State = "paid"
	// Failed: the payment did not go through.
	Failed State = "failed"
	// Refunded: the whole payment was refunded.
	Refunded State = "refunded"
	// RefundFailed: the payment was refunded, and the refund failed.
	RefundFailed State = "refund-failed"
	// Review: the payment does not match the order.
	Review State = "review"
	// Duplicate: another payment had paid the order already.
	Duplicate State = "duplicate"
	// Unfinished: the buyer left the payment page without paying.
	Unfinished State = "unfinished"
	// SessionExpired: the payment page expired before the buyer paid.
	SessionExpired State = "session-expired"
	// Unknown: the payment does not exist, or belongs to no order here.
	Unknown State = "unknown"
	// Invalid: the request contains no id of a payment.
	Invalid State = "invalid"
)

// TextOf returns the text of a state. A state without a text has the text of Confirming.
func TextOf(s State) page.Text {
	text, ok := texts[s]
	if !ok {
		s, text = Confirming, texts[Confirming]
	}
	return page.Text{State: string(s), Title: text.title, Message: text.message, Next: text.next}
}

var texts = map[State]struct{ title, message, next string }{
	Confirming: {"Confirming your payment", "We are waiting for the payment provider to confirm your payment.",
		"This takes seconds, rarely minutes, and this page checks by itself. You may close it: your order does not depend on it, and you need not pay again."},
	Received: {"Payment received", "The payment provider has received your payment. The shop is being told.",
		"You may close this page: your order does not depend on it."},
	Processing: {"Your bank is processing the payment", "Your payment is on its way. It can take some days until your bank confirms it.",
		"You may close this page: your order does not depend on it, and you need not pay again."},
	Paid:     {"Thank you for your purchase", "Your payment is confirmed.", ""},
	Failed:   {"The payment did not go through", "Your bank did not make the payment.", "You can try again, or pay in another way."},
	Refunded: {"Your payment was refunded", "The whole amount was given back.", "It takes some days until your bank shows it."},
	RefundFailed: {"The refund did not reach you", "The money was given back, but the bank did not take it. The shop has been told.",
		"Contact the shop and name the payment below."},
	Review: {"Your payment needs a look", "A payment was made, but it is not what the order asks for. The shop has been told.",
		"Do not pay again: contact the shop and name the payment below."},
	Duplicate: {"You have paid twice", "This order was paid already. The shop has been told.",
		"To have this payment given back, contact the shop and name the payment below."},
	Unfinished:     {"Not paid yet", "The payment was not finished.", "Finish it on the payment page, or start again in the shop."},
	SessionExpired: {"The payment page has expired", "It was not finished in time, and nothing was charged.", "Start again in the shop."},
	Unknown: {"We do not know this payment", "There is no order for it here.",
		"If you have paid, contact the shop and name the payment below."},
	Invalid: {"Something is missing here", "This address does not name a payment.",
		"Open this page from the payment page, or use the whole link. If you have paid, your order does not depend on this page."},
}
