package buyer_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// billingPath is where Stripe sends buyers back to, below the address that the shop has for them.
const billingPath = "/dashboard/billing?provider=stripe&session_id="

// shop is one seller, whose PaymentLink "lifetime" is for everybody, and which the web site sells.
type shop struct {
	seller.Seller
	// base is the address of Paylink's routes, as buyers reach them.
	base string
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
	s := &shop{seller.New(t, paylink, stripe, base+billingPath+"{CHECKOUT_SESSION_ID}"), base}
	s.sell(s.paymentLink("lifetime"))
	if err := site.SetBuyPath(s.buyPath("lifetime")); err != nil {
		t.Fatal(err)
	}
	return s
}

// paymentLink returns a PaymentLink, not yet created, that is for everybody.
func (s *shop) paymentLink(name string) *v1alpha1.PaymentLink {
	link := s.PaymentLink(name)
	link.Spec.PublicCheckout = true
	return link
}

// sell creates a PaymentLink, and returns once both webhook servers sell it.
func (s *shop) sell(link *v1alpha1.PaymentLink) {
	s.T.Helper()
	s.Create(link)
	for _, server := range []string{paylink.Webhook.URL, keyed.URL} {
		s.Eventually(fmt.Sprintf("PaymentLink %s is for sale at %s", link.Name, server), func(context.Context) (bool, error) {
			status, _, err := s.ask(http.MethodGet, server+s.buyPath(link.Name))
			return status == http.StatusOK, err
		})
	}
}

// buyPath is the buy page's, below the address of Paylink's routes.
func (s *shop) buyPath(link string) string { return "/buy/" + s.Namespace + "/" + link }

// ask sends a request without a body, and follows no redirect: the address of one is returned.
func (s *shop) ask(method, address string) (status int, location string, err error) {
	request, err := http.NewRequestWithContext(s.Ctx, method, address, nil)
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
	s.T.Helper()
	status, location, err := s.ask(http.MethodPost, paylink.Webhook.URL+s.buyPath("lifetime"))
	if err != nil || status != http.StatusSeeOther {
		s.T.Fatalf("order: status %d (%v)", status, err)
	}
	return location
}

// debited pays an order by a bank debit that is then under way.
func (s *shop) debited(checkoutURL string) stripesim.Session {
	s.T.Helper()
	session, err := s.Stripe.Buyer().PayByDebit(s.Ctx, checkoutURL)
	if err != nil {
		s.T.Fatal(err)
	}
	return session
}

// awaitPhases waits until the shop's orders, in whatever order they were made, are in these phases.
func (s *shop) awaitPhases(want ...v1alpha1.OrderPhase) {
	s.T.Helper()
	var last []v1alpha1.OrderPhase
	s.Eventually(fmt.Sprintf("the orders are %v", want), func(context.Context) (bool, error) {
		count := map[v1alpha1.OrderPhase]int{}
		last = nil
		for _, o := range s.Orders() {
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
	for _, entry := range s.Stripe.Books() {
		if entry.Session.PaymentLink == s.Link.ID && entry.Received > 0 {
			amount, payments = amount+entry.Received, payments+1
		}
	}
	return amount, payments
}

// hold keeps webhooks back until release, or the test's end.
func (s *shop) hold() {
	s.Stripe.Delivery(stripesim.Plan{Hold: true})
	s.T.Cleanup(func() { s.release(stripesim.Plan{}); s.Settled() })
}

// release sends what was kept back, and all that comes, by a plan.
func (s *shop) release(plan stripesim.Plan) { s.Stripe.Delivery(plan) }

// sessionOf is the payment that a tab's billing page is about.
func sessionOf(tab *browser.Tab) string {
	address, err := url.Parse(tab.Address())
	if err != nil {
		return ""
	}
	return address.Query().Get("session_id")
}
