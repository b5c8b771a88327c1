package ordercache

import (
	"maps"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

func TestStripMetadata(t *testing.T) {
	at := metav1.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	used := metav1.ObjectMeta{Name: "a", Namespace: "shop", UID: "u", ResourceVersion: "7", Generation: 2, CreationTimestamp: at, DeletionTimestamp: &at}
	for name, labels := range map[string]map[string]string{
		"no labels":      nil,
		"foreign labels": {"app": "shop", "payments.paylink.dev/other": "x"},
		"our label":      {v1alpha1.LabelCheckout: v1alpha1.CheckoutPublic, "app": "shop"},
	} {
		t.Run(name, func(t *testing.T) {
			full := *used.DeepCopy()
			full.Labels = labels
			full.Annotations = map[string]string{"foreign": strings.Repeat("x", 100)}
			full.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
			full.OwnerReferences = []metav1.OwnerReference{{Name: "owner"}}
			full.Finalizers, full.GenerateName = []string{"shop/books"}, "a-"
			want := *used.DeepCopy()
			if checkout, is := labels[v1alpha1.LabelCheckout]; is {
				want.Labels = map[string]string{v1alpha1.LabelCheckout: checkout}
			}
			for _, o := range []client.Object{
				&v1alpha1.Order{ObjectMeta: full}, &v1alpha1.PaymentLink{ObjectMeta: full}, &v1alpha1.StripeEvent{ObjectMeta: full},
			} {
				o.SetLabels(maps.Clone(labels))
				out, err := StripMetadata(o)
				if err != nil || out != o {
					t.Fatalf("got %v, %v, want the same object", out, err)
				}
				got := metav1.ObjectMeta{
					Name: o.GetName(), GenerateName: o.GetGenerateName(), Namespace: o.GetNamespace(), UID: o.GetUID(), ResourceVersion: o.GetResourceVersion(),
					Generation: o.GetGeneration(), CreationTimestamp: o.GetCreationTimestamp(), DeletionTimestamp: o.GetDeletionTimestamp(), Labels: o.GetLabels(),
					Annotations: o.GetAnnotations(), OwnerReferences: o.GetOwnerReferences(), Finalizers: o.GetFinalizers(), ManagedFields: o.GetManagedFields(),
				}
				if !equality.Semantic.DeepEqual(got, want) {
					t.Errorf("%T: got %+v, want %+v", o, got, want)
				}
			}
		})
	}
	if _, err := StripMetadata("no object"); err == nil {
		t.Error("a string: got no error")
	}
}
