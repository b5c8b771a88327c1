package selftest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

const (
	// removeTimeout bounds the removal of the order after the test.
	removeTimeout = 10 * time.Second
	// orderExpiry makes an order Failed that could not be removed.
	orderExpiry = time.Hour
)

func newOrder(namespace string) *v1alpha1.Order {
	return &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "paylink-selftest-"},
		Spec: v1alpha1.OrderSpec{
			ProductID: "paylink-selftest", ProductName: "Self-test: nothing is sold", Amount: 100, Currency: "USD", Livemode: ptr.To(false),
			PaymentLinkURL: "https://buy.stripe.com/test_selftest", ExpiresAfter: &metav1.Duration{Duration: orderExpiry},
		},
	}
}

// createOrder creates the order. It retries while the API server is unavailable: for some seconds after its start, the API
// server refuses objects that an admission policy can change.
func (o *Options) createOrder(ctx context.Context, order *v1alpha1.Order) (err error) {
	ended := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		err = o.Client.Create(ctx, order)
		return !apierrors.IsServiceUnavailable(err), nil
	})
	if err == nil {
		err = ended
	}
	return err
}

// awaitCondition reads the order until a condition is true. The error holds the advice.
func (o *Options) awaitCondition(ctx context.Context, order *v1alpha1.Order, condition, advice string) error {
	var failure error
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		if err := o.Client.Get(ctx, client.ObjectKeyFromObject(order), order); err != nil {
			if ctx.Err() == nil {
				failure = err
			}
			return false, nil
		}
		failure = nil
		return meta.IsStatusConditionTrue(order.Status.Conditions, condition), nil
	})
	if err != nil {
		return fmt.Errorf("the order did not become %s: %s Its phase is %q, its conditions are %s: %w",
			condition, advice, order.Status.Phase, formatConditions(order.Status.Conditions), errors.Join(failure, err))
	}
	return nil
}

// formatConditions lists conditions with their status and reason.
func formatConditions(conditions []metav1.Condition) string {
	texts := make([]string, len(conditions))
	for i, c := range conditions {
		texts[i] = fmt.Sprintf("%s=%s (%s)", c.Type, c.Status, c.Reason)
	}
	return "[" + strings.Join(texts, " ") + "]"
}

// removeOrder deletes the order, even if the context has ended.
func (o *Options) removeOrder(ctx context.Context, order *v1alpha1.Order) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	if err := client.IgnoreNotFound(o.Client.Delete(ctx, order)); err != nil {
		return fmt.Errorf("remove order %s/%s: %w", order.Namespace, order.Name, err)
	}
	return nil
}
