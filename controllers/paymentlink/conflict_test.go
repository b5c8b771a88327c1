package paymentlink

import (
	"context"
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// TestAConflictIsTriedAgain even where nothing was changed, so that no news of a change will come.
func TestAConflictIsTriedAgain(t *testing.T) {
	conflict := apierrors.NewConflict(schema.GroupResource{Group: v1alpha1.GroupName, Resource: "any"}, "any", errors.New("says a proxy"))
	for name, row := range map[string]struct {
		object    client.Object
		reconcile func(*shop, client.Object) (ctrl.Result, error)
		written   func(client.Object) bool
	}{
		"a payment link": {
			unjudged("l"),
			func(s *shop, o client.Object) (ctrl.Result, error) {
				return s.links.Reconcile(s.t.Context(), o.(*v1alpha1.PaymentLink))
			},
			func(o client.Object) bool { return o.(*v1alpha1.PaymentLink).Ready() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			refusals := 2
			s := newShop(t, interceptor.Funcs{
				SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
					if refusals > 0 {
						refusals--
						return conflict
					}
					return c.SubResource(sub).Patch(ctx, o, p, opts...)
				},
			}, row.object)
			for left := refusals; left > 0; left-- {
				s.read(row.object)
				result, err := row.reconcile(s, row.object)
				if err != nil || result.RequeueAfter <= 0 || result.RequeueAfter > time.Second {
					t.Errorf("%v, and comes back in %s", err, result.RequeueAfter)
				}
				if s.read(row.object); row.written(row.object) || len(s.told()) > 0 {
					t.Errorf("written, or told, in spite of a conflict: %+v", row.object)
				}
			}
			if _, err := row.reconcile(s, row.object); err != nil {
				t.Error(err)
			}
			if s.read(row.object); !row.written(row.object) {
				t.Errorf("not written: %+v", row.object)
			}
		})
	}
}
