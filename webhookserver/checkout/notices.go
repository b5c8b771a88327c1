package checkout

import (
	"net/http"

	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// The texts of notices.
var (
	// NotForSale: the PaymentLink does not exist, or has no publicCheckout.
	NotForSale = page.Text{State: "not-for-sale", Title: "Not for sale here", Message: "There is nothing to buy at this address.", Next: "Go back to the shop."}
	// Unavailable: the order cannot be created at the moment.
	Unavailable = page.Text{State: "unavailable", Title: "Not just now", Message: "The order could not be made. Nothing was charged.", Next: "Try again in a minute."}
	// CrossOrigin: the form was sent from a page of another web site.
	CrossOrigin = page.Text{State: "cross-origin", Title: "Please start in the shop", Message: "This order was started from another web site. Nothing was charged.", Next: "Go to the shop and buy there."}
)

// noticeOf returns the text for a problem at the buy page.
func noticeOf(p *problem.Problem) page.Text {
	switch p.Status {
	case http.StatusNotFound:
		return NotForSale
	case http.StatusForbidden:
		return CrossOrigin
	case http.StatusTooManyRequests:
		return page.TooManyRequests
	default:
		return Unavailable
	}
}
