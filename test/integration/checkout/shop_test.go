package checkout_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// patience is how long a test waits for what must happen. It is no measure of speed: only a failing test waits so long.
const patience = 2 * time.Minute

const price = 19900

// shop is one seller: a namespace with the PaymentLink "lifetime", which is for everybody and known to Stripe.
type shop struct {
	t         *testing.T
	ctx       context.Context
	namespace string
	link      stripesim.PaymentLink
}

// openShop makes a shop whose link is Ready.
func openShop(t *testing.T) *shop {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	s := &shop{t: t, ctx: ctx}
	s.namespace = s.makeNamespace()
	s.link = paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Lifetime", Amount: price, Currency: "usd"})
	s.offer(s.paymentLink("lifetime"))
	return s
}

// makeNamespace makes a namespace that no other test, and no other run of this one, has.
func (s *shop) makeNamespace() string {
	s.t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", "#", "").Replace(s.t.Name()))
	name = fmt.Sprintf("%.40s-%x", name, time.Now().UnixNano()&0xffffffff)
	if err := paylink.MakeNamespace(s.ctx, name); err != nil {
		s.t.Fatal(err)
	}
	return name
}

func (s *shop) paymentLink(name string) *v1alpha1.PaymentLink {
	return &v1alpha1.PaymentLink{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
		Spec: v1alpha1.PaymentLinkSpec{
			ProductID: "lifetime", ProductName: "Lifetime", Amount: price, Currency: "USD", Livemode: ptr.To(false),
			URL: s.link.URL, PaymentLinkID: s.link.ID, PublicCheckout: true,
		},
	}
}

// offer creates a PaymentLink, or changes it, and returns once orders can be made of it.
func (s *shop) offer(link *v1alpha1.PaymentLink) {
	s.t.Helper()
	write := paylink.Client.Create
	if link.ResourceVersion != "" {
		write = func(ctx context.Context, o client.Object, _ ...client.CreateOption) error {
			return paylink.Client.Update(ctx, o)
		}
	}
	if err := write(s.ctx, link); err != nil {
		s.t.Fatal(err)
	}
	s.awaitReady(link)
}

// awaitReady waits until a PaymentLink is Ready, and the webhook server has seen it.
func (s *shop) awaitReady(link *v1alpha1.PaymentLink) {
	s.t.Helper()
	generation := link.Generation
	s.eventually("PaymentLink "+link.Name+" is Ready", func(ctx context.Context) (bool, error) {
		err := paylink.Client.Get(ctx, client.ObjectKeyFromObject(link), link)
		return err == nil && link.Generation >= generation && link.Ready(), err
	})
	if link.Spec.PublicCheckout {
		s.eventually("PaymentLink "+link.Name+" is for sale", func(context.Context) (bool, error) {
			a, err := send(s.ctx, call{path: buyPath(link.Namespace, link.Name)})
			return err == nil && a.status == 200 && strings.Contains(a.body, link.Status.Price), err
		})
	}
}

// create creates an object as the administrator.
func (s *shop) create(o client.Object) {
	s.t.Helper()
	if err := paylink.Client.Create(s.ctx, o); err != nil {
		s.t.Fatal(err)
	}
}

// orders returns the shop's orders, oldest first where that can be told.
func (s *shop) orders() []v1alpha1.Order {
	s.t.Helper()
	var list v1alpha1.OrderList
	if err := paylink.Client.List(s.ctx, &list, client.InNamespace(s.namespace)); err != nil {
		s.t.Fatal(err)
	}
	return list.Items
}

// orderOf returns the shop's order of an id.
func (s *shop) orderOf(id string) *v1alpha1.Order {
	s.t.Helper()
	for _, o := range s.orders() {
		if o.ClientReferenceID() == id {
			return &o
		}
	}
	s.t.Fatalf("there is no order %q in %s", id, s.namespace)
	return nil
}

// pay pays by card at a checkout URL, through Stripe's page.
func (s *shop) pay(checkoutURL string) stripesim.Session {
	s.t.Helper()
	session, err := paylink.Stripe.Buyer().Pay(s.ctx, checkoutURL, stripesim.Card4242)
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}

// await reads the order of an id until it is in a phase.
func (s *shop) await(id string, phase v1alpha1.OrderPhase) *v1alpha1.Order {
	s.t.Helper()
	var order *v1alpha1.Order
	s.eventually(fmt.Sprintf("order %s is %s", id, phase), func(context.Context) (bool, error) {
		order = s.orderOf(id)
		return order.Status.Phase == phase, nil
	})
	return order
}

// settled waits until Stripe has delivered everything.
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

// eventually polls until a condition holds. Errors are passed over until then: some tests take the API server away.
func (s *shop) eventually(what string, is func(context.Context) (bool, error)) {
	s.t.Helper()
	var failure error
	err := wait.PollUntilContextTimeout(s.ctx, 20*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		var done bool
		done, failure = is(ctx)
		return done, nil
	})
	if err != nil {
		s.t.Fatalf("waiting until %s: %v (last error: %v)", what, err, failure)
	}
}
