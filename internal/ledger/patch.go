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

// write patches the status of order to the status of next, and sets the new resourceVersion of next. It fails with a
// conflict if the order has changed since it was read.
//
// The patch has only the ledger's fields, and the response only the metadata. Comparing two whole orders as JSON and
// decoding a third one would take longer than everything else that the ledger does.
func (l *Ledger) write(ctx context.Context, order, next *v1alpha1.Order) error {
	patch, err := patchOf(order, next)
	if err != nil {
		return err
	}
	response := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: order.Namespace, Name: order.Name}}
	response.SetGroupVersionKind(orderKind)
	if err := l.Writer.Status().Patch(ctx, response, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return err
	}
	next.ResourceVersion = response.ResourceVersion
	return nil
}

// patchOf returns the JSON merge patch of the fields that the ledger owns. None of them is an object, so that each can be
// replaced as a whole.
func patchOf(order, next *v1alpha1.Order) ([]byte, error) {
	status := map[string]any{}
	set := func(field string, before, after any, empty bool) {
		switch {
		case equality.Semantic.DeepEqual(before, after):
		case empty:
			status[field] = nil
		default:
			status[field] = after
		}
	}
	before, after := &order.Status, &next.Status
	set("phase", before.Phase, after.Phase, after.Phase == "")
	set("payments", before.Payments, after.Payments, len(after.Payments) == 0)
	set("paymentsDropped", before.PaymentsDropped, after.PaymentsDropped, !after.PaymentsDropped)
	set("expiredAt", before.ExpiredAt, after.ExpiredAt, after.ExpiredAt == nil)
	set("paidAt", before.PaidAt, after.PaidAt, after.PaidAt == nil)
	set("amountRefunded", before.AmountRefunded, after.AmountRefunded, after.AmountRefunded == 0)
	set("providerOrderId", before.ProviderOrderID, after.ProviderOrderID, after.ProviderOrderID == "")
	set("providerCaptureId", before.ProviderCaptureID, after.ProviderCaptureID, after.ProviderCaptureID == "")
	set("conditions", before.Conditions, after.Conditions, len(after.Conditions) == 0)
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]string{"resourceVersion": order.ResourceVersion},
		"status":   status,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the patch of the order status: %w", err)
	}
	return patch, nil
}
