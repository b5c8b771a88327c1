package ledger

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/randfill"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
)

// others are the fields of an order's status that the order reconciler owns. The reconciliation's condition is among the conditions.
var others = []string{"clientReferenceId", "paymentLinkId", "checkoutURL", "total", "observedGeneration"}

// TestPatchKnowsEveryField: one that is added to the status is the reconciler's, or is in the ledger's patch. It would be lost
// at every write otherwise, without a word.
func TestPatchKnowsEveryField(t *testing.T) {
	status := reflect.TypeFor[v1alpha1.OrderStatus]()
	for field := range status.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		before, after := &v1alpha1.Order{}, &v1alpha1.Order{}
		value := reflect.ValueOf(&after.Status).Elem().FieldByIndex(field.Index)
		randfill.NewWithSeed(1).NilChance(0).NumElements(1, 1).Funcs(
			func(is *bool, _ randfill.Continue) { *is = true }, func(at *metav1.Time, _ randfill.Continue) { *at = metav1.Unix(1, 0) },
		).Fill(value.Addr().Interface())
		got := fieldsOf(t, before, after)
		want := []string{name}
		if slices.Contains(others, name) {
			want = nil
		}
		if !slices.Equal(got, want) {
			t.Errorf("a change of %s writes %q, not %q", name, got, want)
		}
		if back := fieldsOf(t, after, before); !slices.Equal(back, want) {
			t.Errorf("emptying %s writes %q, not %q", name, back, want)
		}
		if same := fieldsOf(t, after, after.DeepCopy()); same != nil {
			t.Errorf("an unchanged %s writes %q", name, same)
		}
	}
}

// fieldsOf are those of the status that a patch writes.
func fieldsOf(t *testing.T, before, after *v1alpha1.Order) []string {
	t.Helper()
	patch, err := patchOf(before, after)
	check.Must(t, err)
	var content struct{ Status map[string]json.RawMessage }
	check.Must(t, json.Unmarshal(patch, &content))
	return slices.Sorted(maps.Keys(content.Status))
}

// TestPatchMakesTheStatus: whatever the status was, the patch makes of it what is to be, as the API server applies it.
func TestPatchMakesTheStatus(t *testing.T) {
	fill := randfill.NewWithSeed(42).NilChance(0.5).NumElements(0, 3).Funcs(
		func(at *metav1.Time, c randfill.Continue) { *at = metav1.NewTime(time.Unix(c.Int63n(4e9)+1, 0)) })
	for range 500 {
		before, after := &v1alpha1.Order{}, &v1alpha1.Order{}
		fill.Fill(&before.Status)
		fill.Fill(&after.Status)
		before.ResourceVersion = "7"
		after.Status.ClientReferenceID, after.Status.PaymentLinkID = before.Status.ClientReferenceID, before.Status.PaymentLinkID
		after.Status.CheckoutURL, after.Status.Total = before.Status.CheckoutURL, before.Status.Total
		after.Status.ObservedGeneration = before.Status.ObservedGeneration
		patch, err := patchOf(before, after)
		check.Must(t, err)
		content, err := json.Marshal(before)
		check.Must(t, err)
		if content, err = jsonpatch.MergePatch(content, patch); err != nil {
			t.Fatal(err)
		}
		var got v1alpha1.Order
		check.Must(t, json.Unmarshal(content, &got))
		if !equality.Semantic.DeepEqual(got.Status, after.Status) || got.ResourceVersion != "7" {
			t.Fatalf("%s\nmakes %s\nand not %+v", patch, content, after.Status)
		}
	}
}
