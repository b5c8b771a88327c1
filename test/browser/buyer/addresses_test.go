package buyer_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestAddressesOfNoPayment: whatever somebody puts there is said to be none, and is never run or shown.
func TestAddressesOfNoPayment(t *testing.T) {
	s := openShop(t)
	for name, query := range map[string]string{
		"nothing":              "",
		"no session":           "provider=stripe",
		"an empty session":     "provider=stripe&session_id=",
		"another provider":     "provider=paypal&session_id=" + nobodys,
		"Stripe's placeholder": "provider=stripe&session_id={CHECKOUT_SESSION_ID}",
		"a prefix alone":       "provider=stripe&session_id=cs_test_",
		"no mode":              "provider=stripe&session_id=cs_a1Nobody",
		"a payment intent":     "provider=stripe&session_id=pi_3Nobody",
		"a script":             "provider=stripe&session_id=" + url.QueryEscape(`cs_test_"><script>document.title="taken over"</script>`),
		"a path":               "provider=stripe&session_id=cs_test_../../etc/passwd",
		"letters of others":    "provider=stripe&session_id=cs_test_ключ",
		"a line break":         "provider=stripe&session_id=cs_test_a%0d%0aSet-Cookie:%20a=b",
		"no UTF-8":             "provider=stripe&session_id=cs_test_%ff%00",
		"a very long one":      "provider=stripe&session_id=cs_test_" + strings.Repeat("a", 4000),
		"a script as provider": "session_id=" + nobodys + "&provider=" + url.QueryEscape(`<img src=x onerror=alert(1)>`),
	} {
		t.Run(name, func(t *testing.T) {
			tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
			tab.Pardon("400 (Bad Request)")
			if status := tab.Open(s.base + "/dashboard/billing?" + query); status != http.StatusBadRequest {
				t.Errorf("it was answered %d", status)
			}
			tab.See("Something is missing here", "This address does not name a payment.")
			if title := browser.Ask[string](tab, "document.title"); title != "Something is missing here" {
				t.Errorf("the page's title is %q", title)
			}
			if text := tab.Text(); strings.Contains(text, "script") || strings.Contains(text, "cs_test_") {
				t.Errorf("the page shows %q", text)
			}
			if n := captures(tab); n != 0 {
				t.Errorf("the page asked for news %d times", n)
			}
		})
	}
}

// TestASessionOfNobody cannot be told from one whose webhook is late, unless Stripe may be asked.
func TestASessionOfNobody(t *testing.T) {
	s := openShop(t)
	t.Run("without a key", func(t *testing.T) {
		tab := chromium.Tab(t, browser.View{})
		tab.Hurry(3000)
		tab.Open(s.base + billingPath + nobodys)
		tab.See("Confirming your payment", nobodys)
		tab.See("Not confirmed yet.")
	})
	t.Run("with a key", func(t *testing.T) {
		base := gateway(t, keyed, "")
		tab := chromium.Tab(t, browser.View{})
		tab.Pardon("404 (Not Found)")
		if status := tab.Open(base + billingPath + nobodys); status != http.StatusNotFound {
			t.Errorf("it was answered %d", status)
		}
		tab.See("We do not know this payment", nobodys)
		if n := captures(tab); n != 0 {
			t.Errorf("the page asked for news %d times", n)
		}
	})
}

// TestBelowAPath: an ingress may have Paylink's routes below a path that the servers know nothing of.
func TestBelowAPath(t *testing.T) {
	need(t)
	base := gateway(t, paylink.Webhook, "/store")
	s := openShopAt(t, base, paylink.Stripe)
	s.hold()
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.Open(base + s.buyPath("lifetime"))
	expectStyled(t, tab)
	tab.Click("button", "Buy Lifetime")
	tab.Arrive(s.Stripe.URL() + "/c/pay/")
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.Arrive(base + billingPath)
	tab.See("Confirming your payment")
	expectStyled(t, tab)
	tab.Mark()
	s.awaitCaptures(tab, 1)
	s.release(stripesim.Plan{})
	tab.See("Thank you for your purchase")
	if !tab.Marked() {
		t.Error("the page was loaded again")
	}
	tab.Pardon("404 (Not Found)")
	tab.Open(base + s.buyPath("nothing"))
	tab.See("Not for sale here")
	expectStyled(t, tab)
}

// expectStyled checks that the page's style sheet and icon are where it says.
func expectStyled(t *testing.T, tab *browser.Tab) {
	t.Helper()
	if n := browser.Ask[int](tab, "document.styleSheets[0]?.cssRules.length ?? 0"); n < 10 {
		t.Errorf("%s has a style sheet of %d rules", tab.Address(), n)
	}
	if status := browser.Ask[int](tab, `fetch(document.querySelector("link[rel=icon]").href).then(a => a.status)`); status != http.StatusOK {
		t.Errorf("the icon of %s is answered %d", tab.Address(), status)
	}
}
