package checkout

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// OrdersPath is the route that creates orders; below it each of them can be read.
const OrdersPath = "/api/orders"

// Orders finds an order by its id at Stripe. *ledger.Ledger is the real one.
type Orders interface {
	ByReference(ctx context.Context, reference string) (*v1alpha1.Order, error)
}

// API creates and reads orders for callers with a token.
type API struct {
	Access *Access
	Maker  *Maker
	Orders Orders
}

// answer is what callers are told of an order. Nothing in it is of the buyer.
type answer struct {
	OrderID string `json:"orderId"`
	// Status is pending, paid, failed or refunded.
	Status string `json:"status"`
	// CheckoutURL is where to send the buyer; left out before the order is ready and after it has expired.
	CheckoutURL string `json:"checkoutUrl,omitempty"`
	Namespace   string `json:"namespace"`
	// Name of the Order resource.
	Name string `json:"name"`
	// Amount is the price in minor units of Currency, and AmountRefunded how much of it was given back.
	Amount         int64  `json:"amount"`
	AmountRefunded int64  `json:"amountRefunded"`
	Currency       string `json:"currency"`
	// PaidAt is when the payment was made; left out before.
	PaidAt *time.Time `json:"paidAt,omitempty"`
}

func answerOf(o *v1alpha1.Order) answer {
	a := answer{
		OrderID: o.ClientReferenceID(), Status: strings.ToLower(string(o.Status.Phase)), CheckoutURL: o.Status.CheckoutURL,
		Namespace: o.Namespace, Name: o.Name, Amount: o.Spec.Amount, AmountRefunded: o.Status.AmountRefunded, Currency: o.Spec.Currency,
	}
	if o.Status.PaidAt != nil {
		a.PaidAt = &o.Status.PaidAt.Time
	}
	return a
}

// Create answers POST OrdersPath.
func (a *API) Create(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	order, replayed, p := a.create(ctx, r)
	if p != nil {
		p.Write(w)
		return
	}
	if replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.Header().Set("Location", OrdersPath+"/"+order.ClientReferenceID())
	problem.WriteJSON(w, http.StatusCreated, answerOf(order))
}

func (a *API) create(ctx context.Context, r *http.Request) (order *v1alpha1.Order, replayed bool, _ *problem.Problem) {
	user, p := a.Access.caller(ctx, r)
	if p != nil {
		return nil, false, p
	}
	var in request
	if p := problem.ReadJSON(r, &in); p != nil {
		return nil, false, p
	}
	if p := in.check(); p != nil {
		return nil, false, p
	}
	name, p := keyName(r.Header, user.Username)
	if p != nil {
		return nil, false, p
	}
	allowed, p := a.Access.allowed(ctx, user, "create", in.Namespace, "")
	if p != nil {
		return nil, false, p
	}
	if !allowed {
		return nil, false, problem.Of(http.StatusForbidden, "namespace", "you may not create orders there (RBAC: create orders.payments.paylink.dev).")
	}
	if name != "" {
		if found, p := a.keyed(ctx, user, in.Namespace, name); p != nil || found != nil {
			return a.replay(ctx, in, found, p)
		}
	}
	return a.make(ctx, in, name)
}

// keyed returns the order that a caller's Idempotency-Key has created, in the namespace or in another one, or nil. Where he
// may not create orders, none is his: a neighbour could have given an order the name that the key stands for.
func (a *API) keyed(ctx context.Context, user authenticationv1.UserInfo, namespace, name string) (*v1alpha1.Order, *problem.Problem) {
	found, p := a.Maker.list(ctx, IndexKeyed, name)
	if p != nil {
		return nil, p
	}
	if i := slices.IndexFunc(found, func(o v1alpha1.Order) bool { return o.Namespace == namespace }); i >= 0 {
		return &found[i], nil
	}
	for i := range found {
		if allowed, p := a.Access.allowed(ctx, user, "create", found[i].Namespace, ""); p != nil || allowed {
			return &found[i], p
		}
	}
	return nil, nil
}

// make creates the order that a request asks for.
func (a *API) make(ctx context.Context, in request, name string) (order *v1alpha1.Order, replayed bool, _ *problem.Problem) {
	link, p := a.Maker.find(ctx, in.Namespace, in.PaymentLink)
	if p != nil {
		return nil, false, p
	}
	if !link.Ready() {
		return nil, false, problem.Of(http.StatusConflict, "paymentLink", "the PaymentLink is not Ready: its conditions say why.")
	}
	order = orderOf(link, wish{name: name, orderID: in.OrderID, customerID: in.CustomerID, checkout: v1alpha1.CheckoutAPI})
	if p := a.Maker.free(ctx, order); p != nil {
		return nil, false, p
	}
	exists, p := a.Maker.create(ctx, order)
	if p != nil {
		return nil, false, p
	}
	if exists { // by another request with this key, at the same time
		found, p := a.Maker.live(ctx, order)
		return a.replay(ctx, in, found, p)
	}
	order, p = a.Maker.awaitReady(ctx, order)
	return order, false, p
}

// replay answers a request whose Idempotency-Key has created an order already.
func (a *API) replay(ctx context.Context, in request, found *v1alpha1.Order, p *problem.Problem) (*v1alpha1.Order, bool, *problem.Problem) {
	switch {
	case p != nil:
		return nil, false, p
	case !in.madeBy(found):
		return nil, false, problem.Of(http.StatusConflict, "Idempotency-Key", "was used with another body: use a new key for a new order.")
	case found.Status.CheckoutURL != "" || found.Status.Phase != v1alpha1.OrderPending:
		return found, true, nil
	}
	order, p := a.Maker.awaitReady(ctx, found)
	return order, true, p
}

// Get answers GET OrdersPath/{orderId}.
func (a *API) Get(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	order, p := a.get(ctx, r)
	if p != nil {
		p.Write(w)
		return
	}
	problem.WriteJSON(w, http.StatusOK, answerOf(order))
}

func (a *API) get(ctx context.Context, r *http.Request) (*v1alpha1.Order, *problem.Problem) {
	user, p := a.Access.caller(ctx, r)
	if p != nil {
		return nil, p
	}
	id := r.PathValue("orderId")
	if !reference.MatchString(id) {
		return nil, problem.Of(http.StatusBadRequest, "orderId", "is no id of an order: such ids hold letters, digits, _ and - alone, 200 characters at most.")
	}
	// One answer for both, so that nobody learns of orders that are not theirs.
	missing := problem.Of(http.StatusNotFound, "orderId", "there is no order of this id that you may read (RBAC: get orders.payments.paylink.dev in its namespace).")
	order, err := a.Orders.ByReference(ctx, id)
	switch {
	case errors.Is(err, ledger.ErrUnknown):
		return nil, missing
	case err != nil:
		return nil, a.Access.away(err, "Find an order")
	}
	allowed, p := a.Access.allowed(ctx, user, "get", order.Namespace, order.Name)
	if p != nil {
		return nil, p
	}
	if !allowed {
		return nil, missing
	}
	return order, nil
}
