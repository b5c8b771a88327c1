package sale_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// patience is how long a test waits for what must happen. It is no measure of speed: only a failing test waits so long.
const patience = 2 * time.Minute

// shop is one seller: a namespace with a PaymentLink, whose link is known to Stripe.
type shop struct {
	t         *testing.T
	ctx       context.Context
	namespace string
	link      stripesim.PaymentLink
}

const price = 19900

// openShop makes a namespace and a PaymentLink "lifetime" at 199.00 USD in it.
func openShop(t *testing.T) *shop {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	s := &shop{t: t, ctx: ctx, namespace: strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))}
	s.namespace = fmt.Sprintf("%.40s-%x", s.namespace, time.Now().UnixNano()&0xffffff)
	if err := paylink.MakeNamespace(ctx, s.namespace); err != nil {
		t.Fatal(err)
	}
	s.link = paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Lifetime", Amount: price, Currency: "usd"})
	s.create(s.paymentLink("lifetime"))
	return s
}

func (s *shop) paymentLink(name string) *v1alpha1.PaymentLink {
	return &v1alpha1.PaymentLink{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
		Spec: v1alpha1.PaymentLinkSpec{
			ProductID: "lifetime", ProductName: "Lifetime", Amount: price, Currency: "USD", Livemode: ptr.To(false),
			URL: s.link.URL, PaymentLinkID: s.link.ID,
		},
	}
}

// order returns an Order, not yet created, for the link "lifetime".
func (s *shop) order(name string) *v1alpha1.Order {
	return &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
		Spec: v1alpha1.OrderSpec{
			ProductID: "lifetime", ProductName: "Lifetime", Amount: price, Currency: "USD", Livemode: ptr.To(false),
			PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "lifetime"},
		},
	}
}

func (s *shop) create(o client.Object) {
	s.t.Helper()
	if err := paylink.Client.Create(s.ctx, o); err != nil {
		s.t.Fatal(err)
	}
}

// sell creates an Order and returns it once it can be paid.
func (s *shop) sell(name string) *v1alpha1.Order {
	s.t.Helper()
	o := s.order(name)
	s.create(o)
	return s.await(o, "ready", ready)
}

// pay pays for an order by card, through Stripe's page.
func (s *shop) pay(o *v1alpha1.Order) stripesim.Session {
	s.t.Helper()
	session, err := paylink.Stripe.Buyer().Pay(s.ctx, o.Status.CheckoutURL, stripesim.Card4242)
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}

// await reads the order until it is as wanted.
func (s *shop) await(o *v1alpha1.Order, what string, is func(*v1alpha1.Order) bool) *v1alpha1.Order {
	s.t.Helper()
	current := &v1alpha1.Order{}
	s.eventually(fmt.Sprintf("order %s is %s", o.Name, what), func(ctx context.Context) (bool, error) {
		err := paylink.Client.Get(ctx, client.ObjectKeyFromObject(o), current)
		return err == nil && is(current), err
	}, func() string { return fmt.Sprintf("%+v", current.Status) })
	return current
}

// eventually polls until a condition holds. Errors of the API server are passed over: some tests take it away.
func (s *shop) eventually(what string, is func(context.Context) (bool, error), last func() string) {
	s.t.Helper()
	var failure error
	err := wait.PollUntilContextTimeout(s.ctx, 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		var done bool
		done, failure = is(ctx)
		return done, nil
	})
	if err != nil {
		s.t.Fatalf("waiting until %s: %v (last error: %v)\nlast seen: %s", what, err, failure, last())
	}
}

func (s *shop) settled() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	if err := paylink.Stripe.WaitDelivered(ctx); err != nil {
		s.t.Fatalf("Stripe still has events to deliver: %v", err)
	}
}

// deliver has Stripe follow a plan until the test ends.
func (s *shop) deliver(plan stripesim.Plan) {
	paylink.Stripe.Delivery(plan)
	s.t.Cleanup(func() { paylink.Stripe.Delivery(stripesim.Plan{}) })
}

func (s *shop) kubectl(args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.ctx, paylink.Cluster.Kubectl(), append([]string{"--kubeconfig", paylink.Cluster.Kubeconfig()}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
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
