package buyer_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// patience is how long a test waits for what must happen. It is no measure of speed: only a failing test waits so long.
const patience = time.Minute

const price = 19900

// billingPath is where Stripe sends buyers back to, below the address that the shop has for them.
const billingPath = "/dashboard/billing?provider=stripe&session_id="

// shop is one seller: a namespace with the PaymentLink "lifetime", which is for everybody, and which the web site sells.
type shop struct {
	t         *testing.T
	ctx       context.Context
	namespace string
	stripe    *stripesim.Simulator
	// base is the address of Paylink's routes, as buyers reach them.
	base string
	// link is the Payment Link at Stripe.
	link stripesim.PaymentLink
}

// openShop makes a shop that sells, at the web site, by paylink's own Stripe.
func openShop(t *testing.T) *shop {
	t.Helper()
	need(t)
	return openShopAt(t, site.URL(), paylink.Stripe)
}

// need skips a test where there is no browser, and with it nothing else.
func need(t *testing.T) {
	t.Helper()
	if paylink == nil {
		chromium.Tab(t, browser.View{})
	}
}

// openShopAt makes a shop whose buyers see Paylink at an address and pay at a Stripe.
func openShopAt(t *testing.T, base string, stripe *stripesim.Simulator) *shop {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	s := &shop{t: t, ctx: ctx, stripe: stripe, base: base}
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", "#", "", ",", "", "'", "").Replace(t.Name()))
	s.namespace = fmt.Sprintf("%.40s-%x", name, time.Now().UnixNano()&0xffffffff)
	if err := paylink.MakeNamespace(s.ctx, s.namespace); err != nil {
		t.Fatal(err)
	}
	s.link = stripe.CreatePaymentLink(stripesim.PaymentLinkParams{
		ProductName: "Lifetime", Amount: price, Currency: "usd", RedirectURL: base + billingPath + "{CHECKOUT_SESSION_ID}",
	})
	s.sell(s.paymentLink("lifetime"))
	if err := site.SetBuyPath(s.buyPath("lifetime")); err != nil {
		t.Fatal(err)
	}
	return s
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

// sell creates a PaymentLink, and returns once both webhook servers sell it.
func (s *shop) sell(link *v1alpha1.PaymentLink) {
	s.t.Helper()
	s.create(link)
	for _, server := range []string{paylink.Webhook.URL, keyed.URL} {
		s.eventually(fmt.Sprintf("PaymentLink %s is for sale at %s", link.Name, server), func() (bool, error) {
			status, _, err := s.ask(http.MethodGet, server+s.buyPath(link.Name))
			return status == http.StatusOK, err
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

// buyPath is the buy page's, below the address of Paylink's routes.
func (s *shop) buyPath(link string) string { return "/buy/" + s.namespace + "/" + link }

// ask sends a request without a body, and follows no redirect: the address of one is returned.
func (s *shop) ask(method, address string) (status int, location string, err error) {
	request, err := http.NewRequestWithContext(s.ctx, method, address, nil)
	if err != nil {
		return 0, "", err
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, "", err
	}
	return answer.StatusCode, answer.Header.Get("Location"), answer.Body.Close()
}

// order makes an order at the buy page, and returns the address at which it is paid.
func (s *shop) order() (checkoutURL string) {
	s.t.Helper()
	status, location, err := s.ask(http.MethodPost, paylink.Webhook.URL+s.buyPath("lifetime"))
	if err != nil || status != http.StatusSeeOther {
		s.t.Fatalf("order: status %d (%v)", status, err)
	}
	return location
}

// paid pays an order by card, through Stripe's page, and returns the payment.
func (s *shop) paid(checkoutURL string) stripesim.Session {
	s.t.Helper()
	session, err := s.stripe.Buyer().Pay(s.ctx, checkoutURL, stripesim.Card4242)
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}

// debited pays an order by a bank debit that is then under way.
func (s *shop) debited(checkoutURL string) stripesim.Session {
	s.t.Helper()
	session, err := s.stripe.Buyer().PayByDebit(s.ctx, checkoutURL)
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}

// orders are the shop's.
func (s *shop) orders() []v1alpha1.Order {
	s.t.Helper()
	var list v1alpha1.OrderList
	if err := paylink.Client.List(s.ctx, &list, client.InNamespace(s.namespace)); err != nil {
		s.t.Fatal(err)
	}
	return list.Items
}

// awaitPhases waits until the shop's orders, in whatever order they were made, are in these phases.
func (s *shop) awaitPhases(want ...v1alpha1.OrderPhase) {
	s.t.Helper()
	var last []v1alpha1.OrderPhase
	s.eventually(fmt.Sprintf("the orders are %v", want), func() (bool, error) {
		count := map[v1alpha1.OrderPhase]int{}
		last = nil
		for _, o := range s.orders() {
			count[o.Status.Phase]++
			last = append(last, o.Status.Phase)
		}
		for _, phase := range want {
			count[phase]--
		}
		for _, n := range count {
			if n != 0 {
				return false, fmt.Errorf("they are %v", last)
			}
		}
		return true, nil
	})
}

// received is how much Stripe has taken for this shop, and in how many payments.
func (s *shop) received() (amount int64, payments int) {
	for _, entry := range s.stripe.Books() {
		if entry.Session.PaymentLink == s.link.ID && entry.Received > 0 {
			amount, payments = amount+entry.Received, payments+1
		}
	}
	return amount, payments
}

// hold keeps webhooks back until release, or the test's end.
func (s *shop) hold() {
	s.stripe.Delivery(stripesim.Plan{Hold: true})
	s.t.Cleanup(func() { s.release(stripesim.Plan{}); s.settled() })
}

// release sends what was kept back, and all that comes, by a plan.
func (s *shop) release(plan stripesim.Plan) { s.stripe.Delivery(plan) }

// settled waits until Stripe has delivered everything.
func (s *shop) settled() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience) // also after the test's own
	defer cancel()
	if err := s.stripe.WaitDelivered(ctx); err != nil {
		s.t.Errorf("Stripe still has events to deliver: %v", err)
	}
}

// eventually polls until a condition holds.
func (s *shop) eventually(what string, is func() (bool, error)) {
	s.t.Helper()
	var failure error
	err := wait.PollUntilContextTimeout(s.ctx, 20*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		var done bool
		done, failure = is()
		return done, nil
	})
	if err != nil {
		s.t.Fatalf("waiting until %s: %v (last error: %v)", what, err, failure)
	}
}

// sessionOf is the payment that a tab's billing page is about.
func sessionOf(tab *browser.Tab) string {
	address, err := url.Parse(tab.Address())
	if err != nil {
		return ""
	}
	return address.Query().Get("session_id")
}
