package buyer_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestInvalidAddresses: the page refuses an address without a session, and neither runs nor shows its parts.
func TestInvalidAddresses(t *testing.T) {
	s := newFixture(t)
	for name, query := range map[string]string{
		"nothing":              "",
		"a prefix alone":       "provider=stripe&session_id=cs_test_",
		"no mode":              "provider=stripe&session_id=cs_a1Nobody",
		"a script":             "provider=stripe&session_id=" + url.QueryEscape(`cs_test_"><script>document.title="taken over"</script>`),
		"a path":               "provider=stripe&session_id=cs_test_../../etc/passwd",
		"letters of others":    "provider=stripe&session_id=cs_test_ключ",
		"a line break":         "provider=stripe&session_id=cs_test_a%0d%0aSet-Cookie:%20a=b",
		"no UTF-8":             "provider=stripe&session_id=cs_test_%ff%00",
		"a very long one":      "provider=stripe&session_id=cs_test_" + strings.Repeat("a", 4000),
		"a script as provider": "session_id=" + unknownSession + "&provider=" + url.QueryEscape(`<img src=x onerror=alert(1)>`),
	} {
		t.Run(name, func(t *testing.T) {
			tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
			tab.ExpectProblem("400 (Bad Request)")
			if status := tab.Open(s.base + "/dashboard/billing?" + query); status != http.StatusBadRequest {
				t.Errorf("got status %d", status)
			}
			tab.See("Something is missing here", "This address does not name a payment.")
			check.Equal(t, "Something is missing here", browser.Ask[string](tab, "document.title"), "title")
			if text := tab.Text(); strings.Contains(text, "script") || strings.Contains(text, "cs_test_") {
				t.Errorf("got the text %q, want no part of the address", text)
			}
			check.Equal(t, 0, captureRequests(tab), "capture requests")
		})
	}
}

// TestUnknownSession: without an API key, an unknown session looks like one whose webhook is late.
func TestUnknownSession(t *testing.T) {
	s := newFixture(t)
	t.Run("without a key", func(t *testing.T) {
		tab := chromium.Tab(t, browser.View{})
		tab.SpeedUp(3000)
		tab.Open(s.base + billingPath + unknownSession)
		tab.See("Confirming your payment", unknownSession)
		tab.See("Not confirmed yet.")
	})
	t.Run("with a key", func(t *testing.T) {
		base := startIngress(t, keyed, "")
		tab := chromium.Tab(t, browser.View{})
		tab.ExpectProblem("404 (Not Found)")
		if status := tab.Open(base + billingPath + unknownSession); status != http.StatusNotFound {
			t.Errorf("got status %d", status)
		}
		tab.See("We do not know this payment", unknownSession)
		check.Equal(t, 0, captureRequests(tab), "capture requests")
	})
}

// TestBelowAPath: an ingress may serve Paylink's routes below a path that the servers do not know.
func TestBelowAPath(t *testing.T) {
	requireBrowser(t)
	base := startIngress(t, paylink.Webhook, "/store")
	s := newFixtureAt(t, base, paylink.Stripe)
	s.holdWebhooks()
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.Open(base + s.buyPath("lifetime"))
	expectStyled(t, tab)
	tab.Click("button", "Buy Lifetime")
	tab.AwaitAddress(s.Stripe.URL() + "/c/pay/")
	fillIn(tab)
	payByCard(tab, stripesim.Card4242)
	tab.AwaitAddress(base + billingPath)
	tab.See("Confirming your payment")
	expectStyled(t, tab)
	tab.Mark()
	s.awaitCaptureRequests(tab, 1)
	s.releaseWebhooks(stripesim.Plan{})
	tab.See("Thank you for your purchase")
	if !tab.Marked() {
		t.Error("the page was reloaded, want an update in place")
	}
	tab.ExpectProblem("404 (Not Found)")
	tab.Open(base + s.buyPath("nothing"))
	tab.See("Not for sale here")
	expectStyled(t, tab)
}

// expectStyled checks that the page's style sheet and icon exist.
func expectStyled(t *testing.T, tab *browser.Tab) {
	t.Helper()
	if n := browser.Ask[int](tab, "document.styleSheets[0]?.cssRules.length ?? 0"); n < 10 {
		t.Errorf("%s: got a style sheet of %d rules, want at least 10", tab.Address(), n)
	}
	if status := browser.Ask[int](tab, `fetch(document.querySelector("link[rel=icon]").href).then(a => a.status)`); status != http.StatusOK {
		t.Errorf("%s: got status %d of the icon, want 200", tab.Address(), status)
	}
}
