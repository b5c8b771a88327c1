package sale_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// shop is one seller, with the PaymentLink "lifetime".
type shop struct{ seller.Seller }

func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{seller.New(t, paylink, paylink.Stripe, "")}
	s.Create(s.PaymentLink("lifetime"))
	return s
}

// order returns an Order, not yet created, for the link "lifetime".
func (s *shop) order(name string) *v1alpha1.Order {
	return &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name},
		Spec: v1alpha1.OrderSpec{
			ProductID: "lifetime", ProductName: "Lifetime", Amount: seller.Price, Currency: "USD", Livemode: ptr.To(false),
			PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "lifetime"},
		},
	}
}

// sell creates an Order and returns it once it can be paid.
func (s *shop) sell(name string) *v1alpha1.Order {
	s.T.Helper()
	o := s.order(name)
	s.Create(o)
	return s.await(o, "ready", ready)
}

// pay pays for an order by card, through Stripe's page.
func (s *shop) pay(o *v1alpha1.Order) stripesim.Session {
	s.T.Helper()
	return s.Pay(o.Status.CheckoutURL)
}

// await reads the order until it is as wanted.
func (s *shop) await(o *v1alpha1.Order, what string, is func(*v1alpha1.Order) bool) *v1alpha1.Order {
	s.T.Helper()
	current := &v1alpha1.Order{}
	s.Eventually(fmt.Sprintf("order %s is %s", o.Name, what), func(ctx context.Context) (bool, error) {
		if err := paylink.Client.Get(ctx, client.ObjectKeyFromObject(o), current); err != nil || is(current) {
			return err == nil, err
		}
		return false, fmt.Errorf("it is %+v", current.Status)
	})
	return current
}

func (s *shop) kubectl(args ...string) string {
	s.T.Helper()
	cmd := exec.CommandContext(s.Ctx, paylink.Cluster.Kubectl(), append([]string{"--kubeconfig", paylink.Cluster.Kubeconfig()}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.T.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func ready(o *v1alpha1.Order) bool {
	return meta.IsStatusConditionTrue(o.Status.Conditions, v1alpha1.ConditionReady)
}

func unready(reason string) func(*v1alpha1.Order) bool {
	return func(o *v1alpha1.Order) bool {
		c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionReady)
		return c != nil && c.Status == metav1.ConditionFalse && c.Reason == reason
	}
}

func inPhase(phase v1alpha1.OrderPhase) func(*v1alpha1.Order) bool {
	return func(o *v1alpha1.Order) bool { return o.Status.Phase == phase }
}

func needsAttention(reason string) func(*v1alpha1.Order) bool {
	return func(o *v1alpha1.Order) bool {
		c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionNeedsAttention)
		return c != nil && c.Status == metav1.ConditionTrue && c.Reason == reason
	}
}
