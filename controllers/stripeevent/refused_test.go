package stripeevent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// TestEventAndTrouble: what cannot be applied for good waits like any other, and says why; the rest is an error.
func TestEventAndTrouble(t *testing.T) {
	away := errors.New("connection refused")
	events := schema.GroupResource{Group: v1alpha1.GroupName, Resource: "stripeevents"}
	ofOrders := func(err error) interceptor.Funcs {
		return interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			if _, is := o.(*metav1.PartialObjectMetadata); is { // an order, by the ledger
				return err
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		}}
	}
	ofEvents := func(err error) interceptor.Funcs {
		return interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			if _, is := o.(*v1alpha1.StripeEvent); is {
				return err
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		}}
	}
	removing := func(err error) interceptor.Funcs {
		return interceptor.Funcs{Delete: func(context.Context, client.WithWatch, client.Object, ...client.DeleteOption) error { return err }}
	}
	for name, row := range map[string]struct {
		trouble interceptor.Funcs
		age     time.Duration
		known   bool
		want    error
		message string
	}{
		"the CRDs are older":              {ofOrders(apierrors.NewInvalid(schema.GroupKind{Kind: "Order"}, "o1", nil)), hour, true, nil, "the CRDs may be older than this release"},
		"API server away":                 {ofOrders(away), hour, true, away, ""},
		"the event cannot be written":     {ofEvents(away), hour, false, away, ""},
		"the event changed meanwhile":     {ofEvents(apierrors.NewConflict(events, "e", away)), 72 * hour, false, nil, ""},
		"the event was removed meanwhile": {ofEvents(apierrors.NewNotFound(events, "e")), 72 * hour, false, nil, ""},
		"it cannot be removed":            {removing(away), 30 * day, false, away, ""},
		"it is removed already":           {removing(apierrors.NewNotFound(events, "e")), 30 * day, false, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := kept(paid("o1-uid", "1"), row.age)
			objects := []client.Object{e}
			if row.known {
				objects = append(objects, order("o1", given))
			}
			s := newShop(t, row.trouble, objects...)
			s.read(e)
			_, err := s.kept.Reconcile(t.Context(), e)
			if !errors.Is(err, row.want) {
				t.Errorf("%v, not %v", err, row.want)
			}
			s.read(e)
			if row.message != "" && (!strings.Contains(e.Status.Message, row.message) || e.Status.Phase != v1alpha1.StripeEventParked) {
				t.Errorf("the event is %+v", e.Status)
			}
			// Nothing is told or counted that was not written.
			if expired := e.Status.Phase == v1alpha1.StripeEventExpired; len(s.told()) != map[bool]int{true: 1}[expired] {
				t.Errorf("told, and the event is %+v", e.Status)
			}
		})
	}
	t.Run("being deleted", func(t *testing.T) {
		e := kept(paid("o1-uid", "1"), hour)
		s := newShop(t, interceptor.Funcs{}, e, order("o1", given))
		e.DeletionTimestamp = &metav1.Time{Time: now}
		if _, err := s.kept.Reconcile(t.Context(), e); err != nil || s.writes != 0 {
			t.Errorf("%v, %d writes", err, s.writes)
		}
	})
}
