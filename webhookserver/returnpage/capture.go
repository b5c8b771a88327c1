package returnpage

import (
	"net/http"

	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// CapturePath is the route that scripts of a shop ask for the state of a payment.
const CapturePath = "/api/orders/capture"

// captureResponse is the state of a payment. No field holds data of the buyer.
type captureResponse struct {
	// OrderID is the order's id at Stripe; null: the order is not known.
	OrderID *string `json:"orderId"`
	// Status is pending, paid, failed or refunded.
	Status string `json:"status"`
	// Final means that the state will not change.
	Final bool `json:"final"`
	// Message is for the buyer.
	Message string `json:"message"`
}

// Capture answers POST CapturePath.
func (h *Handler) Capture(w http.ResponseWriter, r *http.Request) error {
	client := h.ClientIP.Client(r)
	if err := h.checkRate(client); err != nil {
		return err
	}
	var in paymentRequest
	if err := problem.ReadJSON(r, &in); err != nil {
		return err
	}
	if err := in.validate(); err != nil {
		return err
	}
	o, err := h.findOutcome(r.Context(), client, in.SessionID)
	if err != nil {
		return problem.Unavailable("The payment could not be looked up: ask again later.", err)
	}
	if o.state == Unknown {
		return problem.ForField(http.StatusNotFound, "session_id", "no order here has this checkout session.")
	}
	response := captureResponse{Status: o.status(), Final: o.final(), Message: TextOf(o.state).Message}
	if o.order != nil {
		id := o.order.ClientReferenceID()
		response.OrderID = &id
	}
	problem.WriteJSON(w, http.StatusOK, response)
	return nil
}
