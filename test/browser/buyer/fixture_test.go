package buyer_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// billingPath is the path of the return page, without its session.
const billingPath = "/dashboard/billing?provider=stripe&session_id="

// fixture is a client with the public PaymentLink "lifetime", which the web site sells.
type fixture struct {
	testclient.Client
	// base is the address of Paylink's routes for buyers.
	base string
}

// newFixture returns a fixture at the web site, with the installation's Stripe.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	requireBrowser(t)
	return newFixtureAt(t, site.URL(), paylink.Stripe)
}

// requireBrowser skips a test where there is no browser.
func requireBrowser(t *testing.T) {
	t.Helper()
	if paylink == nil {
		chromium.Tab(t, browser.View{})
	}
}

// newFixtureAt returns a fixture whose buyers reach Paylink at an address, and pay at a Stripe.
func newFixtureAt(t *testing.T, base string, stripe *stripesim.Simulator) *fixture {
	t.Helper()
	s := &fixture{testclient.New(t, paylink, stripe, base+billingPath+"{CHECKOUT_SESSION_ID}"), base}
	s.createLink(s.paymentLink("lifetime"))
	s.Must(site.SetBuyPath(s.buyPath("lifetime")))
	return s
}

// paymentLink returns a public PaymentLink, not yet created.
func (s *fixture) paymentLink(name string) *v1alpha1.PaymentLink {
	link := s.PaymentLink(name)
	link.Spec.PublicCheckout = true
	return link
}

// createLink creates a PaymentLink, and returns once both webhook servers show it.
func (s *fixture) createLink(link *v1alpha1.PaymentLink) {
	s.T.Helper()
	s.Create(link)
	for _, server := range []string{paylink.Webhook.URL, keyed.URL} {
		s.Eventually(fmt.Sprintf("PaymentLink %s is on its page at %s", link.Name, server), func(context.Context) (bool, error) {
			status, _, err := s.send(http.MethodGet, server+s.buyPath(link.Name))
			return status == http.StatusOK, err
		})
	}
}

// buyPath is the path of a buy page.
func (s *fixture) buyPath(link string) string { return "/buy/" + s.Namespace + "/" + link }

// send sends a request without a body, and returns the address of a redirect.
func (s *fixture) send(method, address string) (status int, location string, err error) {
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

// createOrder creates an order by the buy button, and returns its checkout URL.
func (s *fixture) createOrder() (checkoutURL string) {
	s.T.Helper()
	status, location, err := s.send(http.MethodPost, paylink.Webhook.URL+s.buyPath("lifetime"))
	if err != nil || status != http.StatusSeeOther {
		s.T.Fatalf("got status %d (%v) of an order, want 303", status, err)
	}
	return location
}

// awaitPhases waits until the orders are in these phases, in any order.
func (s *fixture) awaitPhases(want ...v1alpha1.OrderPhase) {
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

// received is the amount and the number of the payments at Stripe.
func (s *fixture) received() (amount int64, payments int) {
	for _, entry := range s.Stripe.Books() {
		if entry.Session.PaymentLink == s.Link.ID && entry.Received > 0 {
			amount, payments = amount+entry.Received, payments+1
		}
	}
	return amount, payments
}

// holdWebhooks holds webhooks back until releaseWebhooks, or the end of the test.
func (s *fixture) holdWebhooks() {
	s.Stripe.Delivery(stripesim.Plan{Hold: true})
	s.T.Cleanup(func() { s.releaseWebhooks(stripesim.Plan{}); s.AwaitDelivered() })
}

// releaseWebhooks delivers the held and all later webhooks by a plan.
func (s *fixture) releaseWebhooks(plan stripesim.Plan) { s.Stripe.Delivery(plan) }

// sessionOf is the session of a tab's return page.
func sessionOf(tab *browser.Tab) string {
	address, err := url.Parse(tab.Address())
	if err != nil {
		return ""
	}
	return address.Query().Get("session_id")
}
