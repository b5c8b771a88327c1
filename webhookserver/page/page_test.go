package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var failed = page.Text{State: "failed", Title: "Not paid", Message: "The bank refused.", Next: "Try again."}

// newPages returns the pages of a shop with an address; empty: not known.
func newPages(t *testing.T, address string) *page.Pages {
	t.Helper()
	var appURL *url.URL
	if address != "" {
		var err error
		if appURL, err = url.Parse(address); err != nil {
			t.Fatal(err)
		}
	}
	p, err := page.New(appURL)
	check.Must(t, err)
	return p
}

// render returns a rendered page.
func render(t *testing.T, render func(http.ResponseWriter) error) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	check.Must(t, render(answer))
	return answer
}

func billing(t *testing.T, p *page.Pages, b page.Billing) *httptest.ResponseRecorder {
	t.Helper()
	return render(t, func(w http.ResponseWriter) error { return p.RenderBilling(w, http.StatusOK, b) })
}

func buy(t *testing.T, p *page.Pages, b page.Buy) *httptest.ResponseRecorder {
	t.Helper()
	return render(t, func(w http.ResponseWriter) error { return p.RenderBuy(w, b) })
}

func notice(t *testing.T, p *page.Pages, cause *problem.Problem) *httptest.ResponseRecorder {
	t.Helper()
	return render(t, func(w http.ResponseWriter) error { return p.RenderNotice(w, cause, failed) })
}

// TestHeaders: a page loads and sends data only from and to its own server, no cache stores it, and it reveals its address
// to no other server.
func TestHeaders(t *testing.T) {
	const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
	p := newPages(t, "")
	for name, row := range map[string]struct {
		answer *httptest.ResponseRecorder
		code   int
		policy string
	}{
		"billing": {billing(t, p, page.Billing{Text: failed}), http.StatusOK, policy + "; form-action 'none'"},
		"buy":     {buy(t, p, page.Buy{}), http.StatusOK, policy}, // its form redirects to Stripe, at any address
		"notice":  {notice(t, p, problem.New(http.StatusNotFound, "")), http.StatusNotFound, policy + "; form-action 'none'"},
	} {
		want := http.Header{
			"Content-Type": {"text/html; charset=utf-8"}, "Content-Security-Policy": {row.policy}, "Cache-Control": {"no-store"},
			"Referrer-Policy": {"same-origin"}, "X-Content-Type-Options": {"nosniff"}, "X-Robots-Tag": {"noindex, nofollow"},
		}
		check.Equal(t, row.code, row.answer.Code, "%s: status", name)
		check.Equal(t, want, row.answer.Header(), "%s: headers", name)
	}
}

// TestEscaping: every field of an order is text on the page.
func TestEscaping(t *testing.T) {
	p := newPages(t, "https://shop.example.com/?a=1&b=<2>")
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title><script src=//x></script>`, `{{.Root}}`, "a\u202eb", `&lt;b&gt;`,
	} {
		for name, answer := range map[string]*httptest.ResponseRecorder{
			"billing": billing(t, p, page.Billing{
				Text: failed, Poll: true, Product: hostile, Total: hostile, OrderID: hostile, SessionID: hostile, RetryURL: "https://buy.stripe.com/a?x=" + hostile, CheckURL: "?" + hostile,
				RefreshAfter: 7, RefreshURL: "?" + hostile,
			}),
			"buy": buy(t, p, page.Buy{Product: hostile, Price: hostile}),
		} {
			got := fakeshop.Read(t, answer) // finds inline scripts and styles
			if n := strings.Count(got.Text, strings.TrimSpace(hostile)); n < 2 {
				t.Errorf("%s: got %q %d times, want it twice: %s", name, hostile, n, got.Text)
			}
			for _, script := range got.Scripts {
				check.Equal(t, "billing/billing.js", script, "%s: %q: script", name, hostile)
			}
			if name == "billing" && (got.Title != failed.Title || got.Refresh.Seconds() != 7) {
				t.Errorf("%q: got %+v, want the title %s and a refresh after 7 s", hostile, got, failed.Title)
			}
		}
	}
	// The URL of a PaymentLink cannot run a script.
	answer := billing(t, p, page.Billing{Text: failed, RetryURL: "javascript:alert(1)"})
	for address := range fakeshop.Read(t, answer).Links {
		if strings.HasPrefix(address, "javascript:") {
			t.Errorf("got a link to %s, want none", address)
		}
	}
}

// TestBuy: the buy page has one button.
func TestBuy(t *testing.T) {
	for name, row := range map[string]struct {
		address string
		buy     page.Buy
		text    string
		links   map[string]string
	}{
		"live mode":   {"https://shop.example.com", page.Buy{Product: "Lifetime", Price: "199.00 USD", Live: true}, "Lifetime 199.00 USD Buy Lifetime You pay on the page of the payment provider, Stripe. Back to shop.example.com", map[string]string{"https://shop.example.com": "Back to shop.example.com"}},
		"test mode":   {"", page.Buy{Product: "Lifetime", Price: "199.00 USD"}, "Test mode: no money moves Lifetime 199.00 USD Buy Lifetime You pay on the page of the payment provider, Stripe.", map[string]string{}},
		"a long name": {"", page.Buy{Product: strings.Repeat("Lifetime ", 27), Price: "1 JPY", Live: true}, "Buy Lifetime Lifetime", map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := fakeshop.Read(t, buy(t, newPages(t, row.address), row.buy))
			if !strings.Contains(got.Text, row.text) || strings.Contains(got.Text, "Test mode") == row.buy.Live || got.Title != "Buy "+row.buy.Product {
				t.Errorf("got %+v, want the text %q", got, row.text)
			}
			check.Equal(t, row.links, got.Links, "links")
			if diff := cmp.Diff([]string{"post"}, got.Forms); diff != "" { // to the address of the page
				t.Errorf("forms (-want +got):\n%s", diff)
			}
			if len(got.Scripts) > 0 || got.Refresh > 0 || strings.Join(got.Styles, " ") != "../../dashboard/billing/page.css" {
				t.Errorf("got scripts %v and styles %v, want page.css alone", got.Scripts, got.Styles)
			}
		})
	}
}

// TestNotice: a notice has the status and the headers of its problem, and not its detail.
func TestNotice(t *testing.T) {
	answer := notice(t, newPages(t, "https://shop.example.com"), problem.Unavailable("Nothing is for sale.", nil))
	got := fakeshop.Read(t, answer)
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") != "5" || got.State != failed.State || got.Title != failed.Title ||
		got.Heading != failed.Title || !strings.Contains(got.Text, failed.Message+" "+failed.Next) || strings.Contains(got.Text, "Nothing is for sale") {
		t.Errorf("got %d %v %+v, want 503 and the text of the notice", answer.Code, answer.Header(), got)
	}
	check.Equal(t, map[string]string{"https://shop.example.com": "Go to shop.example.com"}, got.Links, "links")
}

// TestAcceptsHTML distinguishes browsers from other clients.
func TestAcceptsHTML(t *testing.T) {
	for name, row := range map[string]struct {
		accept []string
		want   bool
	}{
		"a browser":         {[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, true},
		"HTML alone":        {[]string{"text/html"}, true},
		"in a second field": {[]string{"application/json", "text/html"}, true},
		"curl":              {[]string{"*/*"}, false},
		"a script":          {[]string{"application/json"}, false},
		"no Accept":         {nil, false},
		"other text":        {[]string{"text/plain"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := fakeshop.Request(t, http.MethodGet, "/", "")
			r.Header["Accept"] = row.accept
			check.Equal(t, row.want, page.AcceptsHTML(r), "result")
		})
	}
}

// TestSize: a page and its assets are under 16 KiB, with the longest text and data.
func TestSize(t *testing.T) {
	text := page.Text{State: strings.Repeat("s", 20), Title: strings.Repeat("t", 50), Message: strings.Repeat("m", 120), Next: strings.Repeat("n", 200)}
	const session = "cs_live_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	answer := billing(t, newPages(t, "https://shop.example.com"), page.Billing{
		Text: text, Poll: true, RefreshAfter: 30, RefreshURL: "?provider=stripe&session_id=" + session + "&try=10", CheckURL: "?provider=stripe&session_id=" + session,
		Product: strings.Repeat("p", 250), Total: "9,999,999,999.99 USD", OrderID: strings.Repeat("o", 200), SessionID: session,
		RetryURL: "https://buy.stripe.com/" + strings.Repeat("a", 200),
	})
	if size := answer.Body.Len() + len(asset(t, "page.css")) + len(asset(t, "billing.js")); size >= 16<<10 {
		t.Errorf("got %d bytes, want less than 16 KiB", size)
	}
}
