package page

// State is what a buyer is told of a payment.
type State string

// The states of a payment, as a buyer sees them.
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
	// Refunded: the money was given back.
	Refunded State = "refunded"
	// RefundFailed: the money was given back, and did not arrive.
	RefundFailed State = "refund-failed"
	// Review: money was paid that is not what the order asks for.
	Review State = "review"
	// Twice: the order had been paid already.
	Twice State = "twice"
	// Unfinished: the buyer left Stripe's page without paying.
	Unfinished State = "unfinished"
	// Lapsed: Stripe's page was left open until it expired.
	Lapsed State = "lapsed"
	// Unknown: there is no such payment, or it is not for an order here.
	Unknown State = "unknown"
	// Invalid: the page was asked for without a payment's id.
	Invalid State = "invalid"
	// Limited: this visitor asked too often.
	Limited State = "limited"

	// NotForSale: the buy page of a link that is not there, or not for everybody.
	NotForSale State = "not-for-sale"
	// NotNow: the link cannot sell at the moment.
	NotNow State = "not-now"
	// Elsewhere: the form was sent from another web site.
	Elsewhere State = "elsewhere"
)

// Text is what a buyer reads of a state.
type Text struct {
	Title, Message string
	// Next is what to do; empty where that is nothing.
	Next string
}

// TextOf returns the words for a state. All that buyers read of a payment is here, and in the templates beside it.
func TextOf(s State) Text {
	if text, ok := texts[s]; ok {
		return text
	}
	return texts[Confirming]
}

var texts = map[State]Text{
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
	Twice: {"You have paid twice", "This order was paid already. The shop has been told.",
		"To have this payment given back, contact the shop and name the payment below."},
	Unfinished: {"Not paid yet", "The payment was not finished.", "Finish it on the payment page, or start again in the shop."},
	Lapsed:     {"The payment page has expired", "It was not finished in time, and nothing was charged.", "Start again in the shop."},
	Unknown: {"We do not know this payment", "There is no order for it here.",
		"If you have paid, contact the shop and name the payment below."},
	Invalid: {"Something is missing here", "This address does not name a payment.",
		"Open this page from the payment page, or use the whole link. If you have paid, your order does not depend on this page."},
	Limited: {"One moment, please", "There were many requests from your network.", "Try again in a minute. If you have paid, your order does not depend on this page."},

	NotForSale: {"Not for sale here", "There is nothing to buy at this address.", "Go back to the shop."},
	NotNow:     {"Not just now", "The order could not be made. Nothing was charged.", "Try again in a minute."},
	Elsewhere:  {"Please start in the shop", "This order was started from another web site. Nothing was charged.", "Go to the shop and buy there."},
}
