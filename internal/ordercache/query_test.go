package ordercache

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

func TestList(t *testing.T) {
	a, c, r := running(t, ways["streamed"])
	special := paidOrder(3)
	special.Labels = map[string]string{v1alpha1.LabelCheckout: "public", "size": "s"}
	elsewhere := paidOrder(5)
	elsewhere.Namespace, elsewhere.UID = "mall", "elsewhere"
	elsewhere.Labels = map[string]string{v1alpha1.LabelCheckout: "public"}
	a.put(special)
	a.put(elsewhere)
	a.agree(c, r)
	reference := func(o *v1alpha1.Order) string { return ledger.ByReference(o)[0] }
	byFive := client.MatchingFields{ledger.IndexSession: elsewhere.Status.Payments[0].SessionID}
	for name, row := range map[string]struct {
		options []client.ListOption
		want    []*v1alpha1.Order
	}{
		"a reference":             {[]client.ListOption{client.MatchingFields{ledger.IndexReference: reference(special)}}, []*v1alpha1.Order{special}},
		"a session of two":        {[]client.ListOption{byFive}, []*v1alpha1.Order{elsewhere, paidOrder(5)}},
		"the same in a namespace": {[]client.ListOption{byFive, client.InNamespace("mall")}, []*v1alpha1.Order{elsewhere}},
		"nothing":                 {[]client.ListOption{client.MatchingFields{ledger.IndexSession: "none"}}, nil},
		"selectors that select nothing": {[]client.ListOption{
			client.MatchingFieldsSelector{Selector: fields.Everything()}, client.MatchingLabelsSelector{Selector: labels.Everything()}, client.InNamespace("mall"),
		}, []*v1alpha1.Order{elsewhere}},
		"a namespace without any orders": {[]client.ListOption{client.InNamespace("desert")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			list := v1alpha1.OrderList{Items: []v1alpha1.Order{*paidOrder(9)}} // must not stay
			names := namesOf()
			names.Items = []metav1.PartialObjectMetadata{{}}
			if err := c.List(t.Context(), &list, row.options...); err != nil {
				t.Fatal(err)
			}
			if err := c.List(t.Context(), names, row.options...); err != nil {
				t.Fatal(err)
			}
			var want, got, named []string
			name := func(o client.Object) string { return client.ObjectKeyFromObject(o).String() }
			for _, o := range row.want {
				want = append(want, name(o))
			}
			for i := range list.Items {
				o := &list.Items[i]
				got = append(got, name(o))
				if !same(o, r.orders[client.ObjectKeyFromObject(o)]) {
					t.Errorf("%s is listed as %+v", o.Name, o)
				}
			}
			for i := range names.Items {
				named = append(named, name(&names.Items[i]))
			}
			sorted := cmpopts.SortSlices(strings.Compare)
			if diff := cmp.Diff(want, got, sorted) + cmp.Diff(want, named, sorted); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, option := range map[string]client.ListOption{
		"a label":          client.MatchingLabels{v1alpha1.LabelCheckout: "public"},
		"two fields":       client.MatchingFields{ledger.IndexSession: "x", ledger.IndexReference: "y"},
		"an unknown index": client.MatchingFields{"mood": "good"},
		"another than":     client.MatchingFieldsSelector{Selector: fields.OneTermNotEqualSelector(ledger.IndexSession, "x")},
		"a page":           client.Limit(1),
		"the next page":    client.Continue("x"),
	} {
		if err := c.List(t.Context(), &v1alpha1.OrderList{}, option); err == nil {
			t.Errorf("%s: is listed", name)
		}
	}
	var notCached *cache.ErrResourceNotCached
	if err := c.List(t.Context(), &v1alpha1.PaymentLinkList{}); !errors.As(err, &notCached) {
		t.Errorf("another kind: %v", err)
	}
	links := &metav1.PartialObjectMetadataList{}
	links.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("PaymentLinkList"))
	if err := c.List(t.Context(), links); !errors.As(err, &notCached) {
		t.Errorf("another kind's names: %v", err)
	}
}

func TestEach(t *testing.T) {
	_, c, r := running(t, ways["streamed"])
	enough := errors.New("enough")
	n := 0
	err := Each(t.Context(), c, func(o *v1alpha1.Order) error {
		if !same(o, r.orders[client.ObjectKeyFromObject(o)]) {
			t.Errorf("visited %+v", o)
		}
		if n++; n == 7 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 7 {
		t.Errorf("%v, after %d", err, n)
	}
	n = 0
	err = Each(t.Context(), struct{ client.Reader }{c}, func(o *v1alpha1.Order) error { n++; return nil })
	if err != nil || n != 10 {
		t.Errorf("of another reader: %v, after %d", err, n)
	}
}

// TestUnwatchedNamespace: a namespace that the cache does not watch is an error, and not an empty namespace.
func TestUnwatchedNamespace(t *testing.T) {
	a := startAPI(t)
	a.put(paidOrder(1))
	c := a.newCache("shop", "mall")
	start(t, c)
	filled(t, c)
	for _, err := range []error{
		c.Get(t.Context(), types.NamespacedName{Namespace: "other", Name: "o"}, &v1alpha1.Order{}),
		c.List(t.Context(), &v1alpha1.OrderList{}, client.InNamespace("other")),
		c.List(t.Context(), namesOf(), client.InNamespace("other"), client.MatchingFields{ledger.IndexSession: "x"}),
	} {
		if err == nil || apierrors.IsNotFound(err) || !strings.Contains(err.Error(), "other") {
			t.Errorf("got %v, want an error that names the namespace", err)
		}
	}
	if err := c.Get(t.Context(), types.NamespacedName{Namespace: "mall", Name: "o"}, &v1alpha1.Order{}); !apierrors.IsNotFound(err) {
		t.Error(err)
	}
	var list v1alpha1.OrderList
	if err := c.List(t.Context(), &list); err != nil || len(list.Items) != 1 {
		t.Errorf("%v: listed %d", err, len(list.Items))
	}
}
