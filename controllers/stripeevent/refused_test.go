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
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// TestReconcileErrors: an event whose status is rejected waits, with the reason; other failures are errors.
func TestReconcileErrors(t *testing.T) {
	unavailable := errors.New("connection refused")
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
		failures interceptor.Funcs
		age      time.Duration
		known    bool
		want     error
		message  string
	}{
		"the CRDs are older":              {ofOrders(apierrors.NewInvalid(schema.GroupKind{Kind: "Order"}, "o1", nil)), hour, true, nil, "the CRDs may be older than this release"},
		"API server unavailable":          {ofOrders(unavailable), hour, true, unavailable, ""},
		"the event cannot be written":     {ofEvents(unavailable), hour, false, unavailable, ""},
		"the event changed meanwhile":     {ofEvents(apierrors.NewConflict(events, "e", unavailable)), 72 * hour, false, nil, ""},
		"the event was removed meanwhile": {ofEvents(apierrors.NewNotFound(events, "e")), 72 * hour, false, nil, ""},
		"it cannot be removed":            {removing(unavailable), 30 * day, false, unavailable, ""},
		"it is removed already":           {removing(apierrors.NewNotFound(events, "e")), 30 * day, false, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := fakeapi.MakeStripeEvent(fakeapi.MakeSession("1", "o1-uid").Obj()).Age(row.age).Obj()
			objects := []client.Object{e}
			if row.known {
				objects = append(objects, readyOrder("o1"))
			}
			f := newFixture(t, row.failures, objects...)
			f.api.Read(e)
			_, err := f.reconciler.Reconcile(t.Context(), e)
			if !errors.Is(err, row.want) {
				t.Errorf("got error %v, want %v", err, row.want)
			}
			f.api.Read(e)
			if row.message != "" && (!strings.Contains(e.Status.Message, row.message) || e.Status.Phase != v1alpha1.StripeEventParked) {
				t.Errorf("event: got status %+v", e.Status)
			}
			// Events are raised only after a write.
			if expired := e.Status.Phase == v1alpha1.StripeEventExpired; len(f.events()) != map[bool]int{true: 1}[expired] {
				t.Errorf("Events: got some in status %+v", e.Status)
			}
		})
	}
	t.Run("being deleted", func(t *testing.T) {
		e := fakeapi.MakeStripeEvent(fakeapi.MakeSession("1", "o1-uid").Obj()).Age(hour).Obj()
		f := newFixture(t, interceptor.Funcs{}, e, readyOrder("o1"))
		e.DeletionTimestamp = &metav1.Time{Time: now}
		if _, err := f.reconciler.Reconcile(t.Context(), e); err != nil || f.api.Calls().StatusWrites != 0 {
			t.Errorf("got error %v and %d writes, want none", err, f.api.Calls().StatusWrites)
		}
	})
}
