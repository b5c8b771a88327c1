package status

import (
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestHandlePatchError(t *testing.T) {
	orders := schema.GroupResource{Group: "payments.paylink.dev", Resource: "orders"}
	refused := errors.New("connection refused")
	for name, row := range map[string]struct {
		err     error
		requeue time.Duration
		want    error
	}{
		"deleted meanwhile":      {apierrors.NewNotFound(orders, "o1"), 0, nil},
		"a conflict":             {apierrors.NewConflict(orders, "o1", refused), time.Second, nil},
		"API server unavailable": {refused, 0, refused},
	} {
		result, err := HandlePatchError("order status", row.err)
		if !errors.Is(err, row.want) || result.RequeueAfter != row.requeue {
			t.Errorf("%s: got %v and %v, want %v and %v", name, result.RequeueAfter, err, row.requeue, row.want)
		}
	}
}
