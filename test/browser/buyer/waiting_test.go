package buyer_test

import (
	"testing"
	"time"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestLateWebhook: the webhook comes 5 s after the buyer.
func TestLateWebhook(t *testing.T) {
	s := newFixture(t)
	s.holdWebhooks()
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	s.goToStripe(tab)
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.AwaitAddress(s.base + billingPath)
	tab.See("Confirming your payment")
	tab.Mark()
	s.awaitPhases(v1alpha1.OrderPending)
	s.releaseWebhooks(stripesim.Plan{Delay: 5 * time.Second})
	tab.See("Thank you for your purchase", "199.00 USD")
	if !tab.Marked() {
		t.Error("the page was reloaded, want an update in place")
	}
	check.Equal(t, "Thank you for your purchase", browser.Ask[string](tab, "document.title"), "title")
	s.awaitPhases(v1alpha1.OrderPaid)
	asked := captureRequests(tab)
	if asked < 2 {
		t.Errorf("got %d capture requests, want at least 2", asked)
	}
	expectState(t, tab, "paid")
	check.Equal(t, "false", browser.Ask[string](tab, `document.querySelector("main").dataset.poll`), "data-poll")
}

// TestWebhookBeforeTheBuyer: usually Stripe redirects the buyer after the webhook, and the page shows the final state at once.
func TestWebhookBeforeTheBuyer(t *testing.T) {
	requireBrowser(t)
	s := newFixtureAt(t, site.URL(), waiting)
	tab := chromium.Tab(t, browser.View{})
	s.goToStripe(tab)
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.AwaitAddress(s.base + billingPath)
	expectState(t, tab, "paid")
	check.Equal(t, 0, captureRequests(tab), "capture requests")
	s.awaitPhases(v1alpha1.OrderPaid)
}

// TestPollingEnds: an open page stops polling, and says so. The webhook may still come.
func TestPollingEnds(t *testing.T) {
	s := newFixture(t)
	s.holdWebhooks()
	session := s.Pay(s.createOrder())
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.SpeedUp(3000)
	tab.Open(s.base + billingPath + session.ID)
	tab.See("Not confirmed yet.", "This page has stopped checking")
	asked := captureRequests(tab)
	if asked < 10 || asked > 60 {
		t.Errorf("got %d capture requests in ten minutes, want 10 to 60", asked)
	}
	tab.Inspect("late")
	browser.Ask[float64](tab, "window.paylinkTestsSince = performance.now()")
	tab.Await("stay open for an hour", "performance.now() - paylinkTestsSince > 60 * 60000")
	if n := captureRequests(tab); n != asked {
		t.Errorf("got %d capture requests after the end of polling, want 0", n-asked)
	}

	s.releaseWebhooks(stripesim.Plan{})
	s.awaitPhases(v1alpha1.OrderPaid)
	tab.Click("link", "Check again")
	tab.See("Thank you for your purchase")
	if got, want := tab.Address(), s.base+billingPath+session.ID; got != want {
		t.Errorf("got the address %s, want %s", got, want)
	}
}

// TestSameStateByWebhook: where the webhook confirms the state that Stripe's API gave, the page keeps it and stops polling.
func TestSameStateByWebhook(t *testing.T) {
	s := newFixture(t)
	s.holdWebhooks()
	session := s.payTooLittle()
	tab := chromium.Tab(t, browser.View{})
	tab.SpeedUp(100)
	tab.Open(startIngress(t, keyed, "") + billingPath + session)
	const heading, advice = "Your payment needs a look", "Do not pay again"
	tab.See(heading, advice)
	expectState(t, tab, "review")
	s.releaseWebhooks(stripesim.Plan{})
	tab.Await("stop polling", `document.querySelector("main").dataset.poll === "false"`)
	tab.See(heading, advice)
	asked := captureRequests(tab)
	browser.Ask[float64](tab, "window.paylinkTestsSince = performance.now()")
	tab.Await("stay open for an hour", "performance.now() - paylinkTestsSince > 60 * 60000")
	if n := captureRequests(tab); n != asked {
		t.Errorf("got %d capture requests in the final state, want 0", n-asked)
	}
	tab.See(advice)
}

// TestPaymentUnknownToStripe: with the API key of another account, Stripe does not know the payment. The page waits for its
// webhook.
func TestPaymentUnknownToStripe(t *testing.T) {
	requireBrowser(t)
	s := newFixtureAt(t, startIngress(t, keyed, ""), waiting)
	s.holdWebhooks()
	session := s.Pay(s.createOrder())
	tab := chromium.Tab(t, browser.View{})
	tab.ExpectProblem("404 (Not Found)")
	tab.SpeedUp(100)
	tab.Open(s.base + billingPath + session.ID)
	tab.See("We do not know this payment")
	s.releaseWebhooks(stripesim.Plan{})
	tab.See("Thank you for your purchase")
}

// TestHiddenPage: a hidden page does not poll until it is visible.
func TestHiddenPage(t *testing.T) {
	s := newFixture(t)
	s.holdWebhooks()
	session := s.Pay(s.createOrder())
	tab := chromium.Tab(t, browser.View{})
	tab.SpeedUp(100)
	tab.RunBefore(`window.paylinkTestsAway = true; Object.defineProperty(document, "hidden", {get: () => window.paylinkTestsAway})`)
	tab.Open(s.base + billingPath + session.ID)
	tab.See("Confirming your payment")
	tab.Await("be open for two minutes", "performance.now() > 2 * 60000")
	check.Equal(t, 0, captureRequests(tab), "capture requests of a hidden page")
	s.releaseWebhooks(stripesim.Plan{})
	s.awaitPhases(v1alpha1.OrderPaid)
	browser.Ask[bool](tab, `window.paylinkTestsAway = false, document.dispatchEvent(new Event("visibilitychange"))`)
	tab.See("Thank you for your purchase")
}

// TestServerIsDown: the page goes on polling while the server is down.
func TestServerIsDown(t *testing.T) {
	s := newFixture(t)
	s.holdWebhooks()
	session := s.Pay(s.createOrder())
	tab := chromium.Tab(t, browser.View{})
	tab.ExpectProblem("502 (Bad Gateway)")
	tab.SpeedUp(10)
	tab.Open(s.base + billingPath + session.ID)
	tab.See("Confirming your payment")
	back := func() {
		check.NoError(t, site.SetPaylink(paylink.Webhook.URL))
	}
	t.Cleanup(back)
	s.Must(site.SetPaylink(""))
	s.awaitCaptureRequests(tab, 3)
	expectState(t, tab, "confirming")
	back()
	s.releaseWebhooks(stripesim.Plan{})
	tab.See("Thank you for your purchase")
}
