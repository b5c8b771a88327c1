package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// orderKind is the kind of the patched object.
var orderKind = v1alpha1.GroupVersion.WithKind("Order")

// write patches the order's status to that of next, and sets next's new resourceVersion. It fails with a conflict if
// somebody changed the order since it was read.
//
// The patch has only the ledger's fields, and the answer only the metadata. To compare two whole orders as JSON, and to
// decode a third, would take longer than everything else that the ledger does.
func (l *Ledger) write(ctx context.Context, order, next *v1alpha1.Order) error {
	patch, err := patchOf(order, next)
	if err != nil {
		return err
	}
	answer := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: order.Namespace, Name: order.Name}}
	answer.SetGroupVersionKind(orderKind)
	if err := l.Writer.Status().Patch(ctx, answer, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return err
	}
	next.ResourceVersion = answer.ResourceVersion
	return nil
}

// patchOf returns the JSON merge patch of the fields that the ledger owns. None of them is an object, so that each can be
// replaced as a whole.
func patchOf(order, next *v1alpha1.Order) ([]byte, error) {
	status := map[string]any{}
	set := func(field string, was, is any, empty bool) {
		switch {
		case equality.Semantic.DeepEqual(was, is):
		case empty:
			status[field] = nil
		default:
			status[field] = is
		}
	}
	was, is := &order.Status, &next.Status
	set("phase", was.Phase, is.Phase, is.Phase == "")
	set("payments", was.Payments, is.Payments, len(is.Payments) == 0)
	set("paymentsDropped", was.PaymentsDropped, is.PaymentsDropped, !is.PaymentsDropped)
	set("expiredAt", was.ExpiredAt, is.ExpiredAt, is.ExpiredAt == nil)
	set("paidAt", was.PaidAt, is.PaidAt, is.PaidAt == nil)
	set("amountRefunded", was.AmountRefunded, is.AmountRefunded, is.AmountRefunded == 0)
	set("providerOrderId", was.ProviderOrderID, is.ProviderOrderID, is.ProviderOrderID == "")
	set("providerCaptureId", was.ProviderCaptureID, is.ProviderCaptureID, is.ProviderCaptureID == "")
	set("conditions", was.Conditions, is.Conditions, len(is.Conditions) == 0)
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]string{"resourceVersion": order.ResourceVersion},
		"status":   status,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the patch of the order status: %w", err)
	}
	return patch, nil
}
