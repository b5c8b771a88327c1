package buyer_test

import (
	"testing"
	"time"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestALateWebhook comes 5 s after the buyer has.
func TestALateWebhook(t *testing.T) {
	s := openShop(t)
	s.hold()
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	s.goToStripe(tab)
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.Arrive(s.base + billingPath)
	tab.See("Confirming your payment")
	tab.Mark()
	s.awaitPhases(v1alpha1.OrderPending)
	s.release(stripesim.Plan{Delay: 5 * time.Second})
	tab.See("Thank you for your purchase", "199.00 USD")
	if !tab.Marked() {
		t.Error("the page was loaded again")
	}
	if title := browser.Ask[string](tab, "document.title"); title != "Thank you for your purchase" {
		t.Errorf("the tab is called %q", title)
	}
	s.awaitPhases(v1alpha1.OrderPaid)
	asked := captures(tab)
	if asked < 2 {
		t.Errorf("the page asked for news %d times", asked)
	}
	expectState(t, tab, "paid")
	if poll := browser.Ask[string](tab, `document.querySelector("main").dataset.poll`); poll != "false" {
		t.Errorf("the page goes on asking: %s", poll)
	}
}

// TestAWebhookBeforeTheBuyer is the usual way: Stripe waits for it. The first thing shown is what counts.
func TestAWebhookBeforeTheBuyer(t *testing.T) {
	need(t)
	s := openShopAt(t, site.URL(), patient)
	tab := chromium.Tab(t, browser.View{})
	s.goToStripe(tab)
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.Arrive(s.base + billingPath)
	expectState(t, tab, "paid")
	if n := captures(tab); n != 0 {
		t.Errorf("the page asked for news %d times, and had it all", n)
	}
	s.awaitPhases(v1alpha1.OrderPaid)
}

// TestAskingEnds: a page that nobody closes does not ask for ever, and says so. What it waited for may still come.
func TestAskingEnds(t *testing.T) {
	s := openShop(t)
	s.hold()
	session := s.Pay(s.order())
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.Hurry(3000)
	tab.Open(s.base + billingPath + session.ID)
	tab.See("Not confirmed yet.", "This page has stopped checking")
	asked := captures(tab)
	if asked < 10 || asked > 60 {
		t.Errorf("in ten minutes the page asked %d times", asked)
	}
	tab.Inspect("late")
	browser.Ask[float64](tab, "window.paylinkTestsSince = performance.now()")
	tab.Await("stay open for an hour", "performance.now() - paylinkTestsSince > 60 * 60000")
	if n := captures(tab); n != asked {
		t.Errorf("after it had stopped, the page asked %d times more", n-asked)
	}

	s.release(stripesim.Plan{})
	s.awaitPhases(v1alpha1.OrderPaid)
	tab.Click("link", "Check again")
	tab.See("Thank you for your purchase")
	if got, want := tab.Address(), s.base+billingPath+session.ID; got != want {
		t.Errorf("it was checked at %s, not at %s", got, want)
	}
}

// TestNewsInTheSameWords: what Stripe has foretold of a payment and its webhook then says is the same to read, and the page
// asks no more.
func TestNewsInTheSameWords(t *testing.T) {
	s := openShop(t)
	s.hold()
	session := s.payTooLittle()
	tab := chromium.Tab(t, browser.View{})
	tab.Hurry(100)
	tab.Open(gateway(t, keyed, "") + billingPath + session)
	const needsALook, advice = "Your payment needs a look", "Do not pay again"
	tab.See(needsALook, advice)
	expectState(t, tab, "review")
	s.release(stripesim.Plan{})
	tab.Await("stop asking", `document.querySelector("main").dataset.poll === "false"`)
	tab.See(needsALook, advice)
	asked := captures(tab)
	browser.Ask[float64](tab, "window.paylinkTestsSince = performance.now()")
	tab.Await("stay open for an hour", "performance.now() - paylinkTestsSince > 60 * 60000")
	if n := captures(tab); n != asked {
		t.Errorf("after it knew, the page asked %d times more", n-asked)
	}
	tab.See(advice)
}

// TestNewsOfAnUnknownPayment: where the API key is of another account, Stripe knows nothing of a payment that was made. The
// page waits for its webhook all the same.
func TestNewsOfAnUnknownPayment(t *testing.T) {
	need(t)
	s := openShopAt(t, gateway(t, keyed, ""), patient)
	s.hold()
	session := s.Pay(s.order())
	tab := chromium.Tab(t, browser.View{})
	tab.Pardon("404 (Not Found)")
	tab.Hurry(100)
	tab.Open(s.base + billingPath + session.ID)
	tab.See("We do not know this payment")
	s.release(stripesim.Plan{})
	tab.See("Thank you for your purchase")
}

// TestAPageThatNobodyLooksAt asks for nothing, until somebody does.
func TestAPageThatNobodyLooksAt(t *testing.T) {
	s := openShop(t)
	s.hold()
	session := s.Pay(s.order())
	tab := chromium.Tab(t, browser.View{})
	tab.Hurry(100)
	tab.Before(`window.paylinkTestsAway = true; Object.defineProperty(document, "hidden", {get: () => window.paylinkTestsAway})`)
	tab.Open(s.base + billingPath + session.ID)
	tab.See("Confirming your payment")
	tab.Await("be open for two minutes", "performance.now() > 2 * 60000")
	if n := captures(tab); n != 0 {
		t.Errorf("behind another tab, the page asked %d times", n)
	}
	s.release(stripesim.Plan{})
	s.awaitPhases(v1alpha1.OrderPaid)
	browser.Ask[bool](tab, `window.paylinkTestsAway = false, document.dispatchEvent(new Event("visibilitychange"))`)
	tab.See("Thank you for your purchase")
}

// TestAServerThatIsAway while the page waits: it asks on.
func TestAServerThatIsAway(t *testing.T) {
	s := openShop(t)
	s.hold()
	session := s.Pay(s.order())
	tab := chromium.Tab(t, browser.View{})
	tab.Pardon("502 (Bad Gateway)")
	tab.Hurry(10)
	tab.Open(s.base + billingPath + session.ID)
	tab.See("Confirming your payment")
	back := func() {
		if err := site.SetPaylink(paylink.Webhook.URL); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(back)
	if err := site.SetPaylink(""); err != nil {
		t.Fatal(err)
	}
	s.awaitCaptures(tab, 3)
	expectState(t, tab, "confirming")
	back()
	s.release(stripesim.Plan{})
	tab.See("Thank you for your purchase")
}
