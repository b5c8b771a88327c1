package checkout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// OrdersPath is the route that creates orders. Below it, each order can be read.
const OrdersPath = "/api/orders"

// Orders finds an order by its id at Stripe. It is implemented by *ledger.Ledger.
type Orders interface {
	ByReference(ctx context.Context, reference string) (*v1alpha1.Order, error)
}

// OrdersHandler creates and reads orders for callers with a token.
type OrdersHandler struct {
	Authorizer *Authorizer
	Creator    *OrderCreator
	Orders     Orders
}

// orderResponse is an order in the HTTP API. No field holds data of the buyer.
type orderResponse struct {
	OrderID string `json:"orderId"`
	// Status is pending, paid, failed or refunded.
	Status string `json:"status"`
	// CheckoutURL is the payment page. It is left out before the order is ready, and after it has expired.
	CheckoutURL string `json:"checkoutUrl,omitempty"`
	Namespace   string `json:"namespace"`
	// Name of the Order resource.
	Name string `json:"name"`
	// Amount is the price in minor units of Currency, and AmountRefunded the refunded part of it.
	Amount         int64  `json:"amount"`
	AmountRefunded int64  `json:"amountRefunded"`
	Currency       string `json:"currency"`
	// PaidAt is the time of the payment. It is left out before.
	PaidAt *time.Time `json:"paidAt,omitempty"`
}

func newOrderResponse(o *v1alpha1.Order) orderResponse {
	r := orderResponse{
		OrderID: o.ClientReferenceID(), Status: strings.ToLower(string(o.Status.Phase)), CheckoutURL: o.Status.CheckoutURL,
		Namespace: o.Namespace, Name: o.Name, Amount: o.Spec.Amount, AmountRefunded: o.Status.AmountRefunded, Currency: o.Spec.Currency,
	}
	if o.Status.PaidAt != nil {
		r.PaidAt = &o.Status.PaidAt.Time
	}
	return r
}

// Create answers POST OrdersPath.
func (h *OrdersHandler) Create(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	order, replayed, err := h.create(ctx, r)
	if err != nil {
		return err
	}
	if replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.Header().Set("Location", OrdersPath+"/"+order.ClientReferenceID())
	problem.WriteJSON(w, http.StatusCreated, newOrderResponse(order))
	return nil
}

// create returns the order of a request. It is replayed if an earlier request with the same Idempotency-Key created it.
func (h *OrdersHandler) create(ctx context.Context, r *http.Request) (order *v1alpha1.Order, replayed bool, err error) {
	user, err := h.Authorizer.authenticate(ctx, r)
	if err != nil {
		return nil, false, err
	}
	var in orderRequest
	if err := problem.ReadJSON(r, &in); err != nil {
		return nil, false, err
	}
	if err := in.validate(); err != nil {
		return nil, false, err
	}
	name, err := orderNameOfKey(r.Header, user.Username)
	if err != nil {
		return nil, false, err
	}
	allowed, err := h.Authorizer.allowed(ctx, user, "create", in.Namespace, "")
	if err != nil {
		return nil, false, err
	}
	if !allowed {
		return nil, false, problem.ForField(http.StatusForbidden, "namespace", "you may not create orders there (RBAC: create orders.payments.paylink.dev).")
	}
	if name != "" {
		found, err := h.findByKey(ctx, user, in.Namespace, name)
		if err != nil {
			return nil, false, err
		}
		if found != nil {
			return h.replay(ctx, in, found)
		}
	}
	return h.createNew(ctx, in, name)
}

// findByKey returns the order that a user's Idempotency-Key has created, in the namespace or in another one, or nil. An order
// in a namespace in which the user may not create orders does not count: another user gave it the name of the key.
func (h *OrdersHandler) findByKey(ctx context.Context, user authenticationv1.UserInfo, namespace, name string) (*v1alpha1.Order, error) {
	found, err := h.Creator.listOrders(ctx, IndexKeyed, name)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(found, func(o v1alpha1.Order) bool { return o.Namespace == namespace }); i >= 0 {
		return &found[i], nil
	}
	for i := range found {
		allowed, err := h.Authorizer.allowed(ctx, user, "create", found[i].Namespace, "")
		if err != nil {
			return nil, err
		}
		if allowed {
			return &found[i], nil
		}
	}
	return nil, nil
}

// createNew creates an order. If a concurrent request with the same key was faster, it replays that one's order.
func (h *OrdersHandler) createNew(ctx context.Context, in orderRequest, name string) (order *v1alpha1.Order, replayed bool, err error) {
	link, err := h.Creator.findLink(ctx, in.Namespace, in.PaymentLink)
	if err != nil {
		return nil, false, err
	}
	if !link.Ready() {
		return nil, false, problem.ForField(http.StatusConflict, "paymentLink", "the PaymentLink is not Ready: its conditions say why.")
	}
	order = newOrder(link, orderParams{name: name, orderID: in.OrderID, customerID: in.CustomerID, checkout: v1alpha1.CheckoutAPI})
	if err := h.Creator.checkOrderID(ctx, order); err != nil {
		return nil, false, err
	}
	exists, err := h.Creator.create(ctx, order)
	if err != nil {
		return nil, false, err
	}
	if exists {
		found, err := h.Creator.getLive(ctx, order)
		if err != nil {
			return nil, false, err
		}
		return h.replay(ctx, in, found)
	}
	order, err = h.Creator.awaitReady(ctx, order)
	return order, false, err
}

// replay returns the order that the Idempotency-Key of the request has created already.
func (h *OrdersHandler) replay(ctx context.Context, in orderRequest, found *v1alpha1.Order) (order *v1alpha1.Order, replayed bool, err error) {
	if !in.matches(found) {
		return nil, false, problem.ForField(http.StatusConflict, "Idempotency-Key", "was used with another body: use a new key for a new order.")
	}
	if found.Status.CheckoutURL != "" || found.Status.Phase != v1alpha1.OrderPending {
		return found, true, nil
	}
	order, err = h.Creator.awaitReady(ctx, found)
	return order, true, err
}

// Get answers GET OrdersPath/{orderId}.
func (h *OrdersHandler) Get(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	order, err := h.get(ctx, r)
	if err != nil {
		return err
	}
	problem.WriteJSON(w, http.StatusOK, newOrderResponse(order))
	return nil
}

func (h *OrdersHandler) get(ctx context.Context, r *http.Request) (*v1alpha1.Order, error) {
	user, err := h.Authorizer.authenticate(ctx, r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("orderId")
	if !referencePattern.MatchString(id) {
		return nil, problem.ForField(http.StatusBadRequest, "orderId", "is no id of an order: such ids hold letters, digits, _ and - alone, 200 characters at most.")
	}
	// One answer for both cases: a caller without the right to read an order does not learn whether it exists.
	missing := problem.ForField(http.StatusNotFound, "orderId", "there is no order of this id that you may read (RBAC: get orders.payments.paylink.dev in its namespace).")
	order, err := h.Orders.ByReference(ctx, id)
	switch {
	case errors.Is(err, ledger.ErrUnknown):
		return nil, missing
	case err != nil:
		return nil, unavailable(fmt.Errorf("find order: %w", err))
	}
	allowed, err := h.Authorizer.allowed(ctx, user, "get", order.Namespace, order.Name)
	if err != nil {
		return nil, err
	}
	if !allowed {
		return nil, missing
	}
	return order, nil
}
