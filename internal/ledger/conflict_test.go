package ledger_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
)

var orders = schema.GroupResource{Group: v1alpha1.GroupName, Resource: "orders"}

// refusing is an API server that answers every status patch with an error.
func refusing(err error) interceptor.Funcs {
	return interceptor.Funcs{
		SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
			return err
		},
	}
}

// TestConflict: an order that changed since the cache saw it is read from the API server, and what the other writer
// wrote stays.
func TestConflict(t *testing.T) {
	s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
	s.ledger.Cache = s.Snapshot()
	s.apply(sessionOf("o1-uid", "1", v1alpha1.OutcomeUnpaid), ledger.Applied)
	if s.Calls().Gets != 0 {
		t.Error("read without need")
	}
	s.apply(sessionOf("o1-uid", "2", v1alpha1.OutcomePaid), ledger.Applied)
	if len(s.Calls().StatusPatches) != 3 || s.Calls().StatusWrites != 2 || s.Calls().Gets != 1 {
		t.Errorf("%d patches, %d of them taken, and %d reads", len(s.Calls().StatusPatches), s.Calls().StatusWrites, s.Calls().Gets)
	}
	s.counted("conflicts_total", 1)
	got := s.Order("o1")
	if len(got.Status.Payments) != 2 || got.Status.Phase != v1alpha1.OrderPaid {
		t.Errorf("the order is %+v", got.Status)
	}
}

// TestConflictWithTheSameFact: what another replica wrote a moment ago is not written again.
func TestConflictWithTheSameFact(t *testing.T) {
	s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
	s.ledger.Cache = s.Snapshot()
	s.apply(sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), ledger.Applied)
	s.apply(sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), ledger.Unchanged)
	if s.Calls().StatusWrites != 1 {
		t.Errorf("%d writes", s.Calls().StatusWrites)
	}
}

// TestConflictWithoutEnd gives up after some tries: the sender comes again.
func TestConflictWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t, refusing(apierrors.NewConflict(orders, "o1", errors.New("changed"))), order("o1", ready))
		if _, err := s.ledger.Apply(t.Context(), sessionOf("o1-uid", "1", v1alpha1.OutcomePaid)); !errors.Is(err, ledger.ErrConflict) {
			t.Errorf("%v, not %v", err, ledger.ErrConflict)
		}
		if n := len(s.Calls().StatusPatches); n < 5 || n > 50 {
			t.Errorf("%d tries", n)
		}
		s.counted("conflicts_total", len(s.Calls().StatusPatches))
		if len(s.StripeEvents()) != 0 {
			t.Error("parked: a conflict says nothing about the fact")
		}
	})
}

// TestDeadlineInConflict: the pause between two tries ends with the request.
func TestDeadlineInConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		failures := interceptor.Funcs{
			SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
				cancel()
				return apierrors.NewConflict(orders, "o1", errors.New("changed"))
			},
		}
		s := newFixture(t, failures, order("o1", ready))
		if _, err := s.ledger.Apply(ctx, sessionOf("o1-uid", "1", v1alpha1.OutcomePaid)); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if len(s.Calls().StatusPatches) != 1 {
			t.Errorf("%d tries", len(s.Calls().StatusPatches))
		}
	})
}

// TestGone: an order that is deleted while its fact is being written was never there.
func TestGone(t *testing.T) {
	notFound := apierrors.NewNotFound(orders, "o1")
	conflict := refusing(apierrors.NewConflict(orders, "o1", errors.New("changed")))
	for name, row := range map[string]struct {
		failures interceptor.Funcs
		// replaced is the order of the same name that there is now.
		replaced bool
	}{
		"when it is patched": {refusing(notFound), false},
		"after a conflict": {interceptor.Funcs{
			SubResourcePatch: conflict.SubResourcePatch,
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return notFound
			},
		}, false},
		"and made anew under its name": {conflict, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFixture(t, row.failures, order("o1", ready))
				if row.replaced {
					s.ledger.Cache = s.Snapshot()
					s.must(s.Direct.Delete(t.Context(), order("o1")))
					s.must(s.Direct.Create(t.Context(), order("o1", ready, func(o *v1alpha1.Order) { o.UID = "another-uid" })))
				}
				s.apply(sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), ledger.Parked)
				kept := s.StripeEvents()
				if len(kept) != 1 || kept[0].Spec.Fact.ClientReferenceID != "o1-uid" {
					t.Errorf("parked: %+v", kept)
				}
			})
		})
	}
}

// TestInvalid: a fact that the order cannot hold is kept all the same, and told.
func TestInvalid(t *testing.T) {
	invalid := apierrors.NewInvalid(schema.GroupKind{Group: v1alpha1.GroupName, Kind: "Order"}, "o1", nil)
	s := newFixture(t, refusing(invalid), order("o1", ready))
	s.apply(sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), ledger.Parked)
	s.apply(sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), ledger.Unchanged)
	s.counted("invalid_total", 2)
	if kept := s.StripeEvents(); len(kept) != 1 || kept[0].Spec.Fact.EventID != "evt_1Paid" {
		t.Errorf("parked: %+v", kept)
	}
	// The controller learns why, to say so.
	if _, _, err := s.ledger.Record(t.Context(), sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), nil); !apierrors.IsInvalid(err) {
		t.Errorf("Record: %v", err)
	}
}

// TestAPIServerAway: nothing is certain, so nothing is acknowledged or parked.
func TestAPIServerAway(t *testing.T) {
	away := apierrors.NewServiceUnavailable("starting")
	failing := func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return away }
	for name, row := range map[string]struct {
		failures interceptor.Funcs
		fact     payment.Fact
	}{
		"when it is patched":            {refusing(away), sessionOf("o1-uid", "1", v1alpha1.OutcomePaid)},
		"when an order is looked for":   {interceptor.Funcs{List: failing}, sessionOf("o2-uid", "1", v1alpha1.OutcomePaid)},
		"when a payment is looked for":  {interceptor.Funcs{List: failing}, refundOf("1", 1, false)},
		"when a link is looked for":     {interceptor.Funcs{List: failing}, through("plink_1", sessionOf("", "1", v1alpha1.OutcomePaid))},
		"when an event is to be parked": {creating(away), sessionOf("o2-uid", "1", v1alpha1.OutcomePaid)},
		"when it is read after a conflict": {interceptor.Funcs{
			SubResourcePatch: refusing(apierrors.NewConflict(orders, "o1", errors.New("changed"))).SubResourcePatch,
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return away
			},
		}, sessionOf("o1-uid", "1", v1alpha1.OutcomePaid)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFixture(t, row.failures, order("o1", ready))
				result, err := s.ledger.Apply(t.Context(), row.fact)
				if !apierrors.IsServiceUnavailable(err) || result != "" {
					t.Errorf("%q, %v", result, err)
				}
				if len(s.StripeEvents()) != 0 {
					t.Error("parked")
				}
			})
		})
	}
}

func creating(err error) interceptor.Funcs {
	return interceptor.Funcs{
		Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return err },
	}
}
