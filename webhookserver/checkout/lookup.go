package checkout

import (
	"context"
	"net/http"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// free makes sure that no other order has the id of this one yet. The empty id is made up later, and always free. An order
// of the same name is no other: it is this request's own, made with the same key a moment ago.
func (m *Maker) free(ctx context.Context, order *v1alpha1.Order) *problem.Problem {
	if order.Spec.OrderID == "" {
		return nil
	}
	found, p := m.list(ctx, ledger.IndexReference, order.Spec.OrderID)
	if p != nil {
		return p
	}
	others := slices.DeleteFunc(found, func(o v1alpha1.Order) bool { return o.Namespace == order.Namespace && o.Name == order.Name })
	if len(others) == 0 {
		return nil
	}
	return problem.Of(http.StatusConflict, "orderId", "another order has this id: choose another, or leave it out.")
}

func (m *Maker) list(ctx context.Context, index, key string) ([]v1alpha1.Order, *problem.Problem) {
	var found v1alpha1.OrderList
	if err := m.Cache.List(ctx, &found, client.MatchingFields{index: key}); err != nil {
		m.Log.Error(err, "List orders", "index", index)
		return nil, tryAgain("The orders could not be read: try again later.", retryAfter)
	}
	return found.Items, nil
}

// live returns an order of the same name as the API server has it: the cache may not know of it yet.
func (m *Maker) live(ctx context.Context, order *v1alpha1.Order) (*v1alpha1.Order, *problem.Problem) {
	found := &v1alpha1.Order{}
	if err := m.Live.Get(ctx, client.ObjectKeyFromObject(order), found); err != nil {
		m.Log.Error(err, "Read an order")
		return nil, tryAgain("The order could not be read: try again later.", retryAfter)
	}
	return found, nil
}
