package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// pages are those of a shop at an address; empty: not known.
func pages(t *testing.T, address string) *page.Pages {
	t.Helper()
	var appURL *url.URL
	if address != "" {
		var err error
		if appURL, err = url.Parse(address); err != nil {
			t.Fatal(err)
		}
	}
	p, err := page.New(appURL)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// browser is a request of somebody who reads pages.
func browser(t *testing.T) *http.Request {
	t.Helper()
	return fakeshop.Request(t, http.MethodGet, "/buy/shop/lifetime", "", "Accept", "text/html")
}

// TestHeaders: a page loads and leads nowhere but to its own server, is kept nowhere, and tells nobody its address.
func TestHeaders(t *testing.T) {
	const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
	p := pages(t, "")
	billing, buy, notice := httptest.NewRecorder(), httptest.NewRecorder(), httptest.NewRecorder()
	p.ShowBilling(billing, http.StatusOK, page.Billing{State: page.Paid})
	p.ShowBuy(buy, page.Buy{})
	p.Refuse(notice, browser(t), page.NotNow, problem.New(http.StatusNotFound, ""))
	for name, row := range map[string]struct {
		answer *httptest.ResponseRecorder
		code   int
		policy string
	}{
		"billing": {billing, http.StatusOK, policy + "; form-action 'none'"},
		"buy":     {buy, http.StatusOK, policy}, // the form leads on to Stripe, wherever that is
		"notice":  {notice, http.StatusNotFound, policy + "; form-action 'none'"},
	} {
		want := http.Header{
			"Content-Type": {"text/html; charset=utf-8"}, "Content-Security-Policy": {row.policy}, "Cache-Control": {"no-store"},
			"Referrer-Policy": {"same-origin"}, "X-Content-Type-Options": {"nosniff"}, "X-Robots-Tag": {"noindex, nofollow"},
		}
		if diff := cmp.Diff(want, row.answer.Header()); diff != "" || row.answer.Code != row.code {
			t.Errorf("%s: %d %s", name, row.answer.Code, diff)
		}
	}
}

// TestNothingIsBelieved: whatever stands in an order is text on the page, and never more.
func TestNothingIsBelieved(t *testing.T) {
	p := pages(t, "https://shop.example.com/?a=1&b=<2>")
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title><script src=//x></script>`, `{{.Root}}`, "a\u202eb", `&lt;b&gt;`,
	} {
		billing, buy := httptest.NewRecorder(), httptest.NewRecorder()
		p.ShowBilling(billing, http.StatusOK, page.Billing{
			State: page.Failed, Poll: true, Product: hostile, Total: hostile, OrderID: hostile, SessionID: hostile, RetryURL: "https://buy.stripe.com/a?x=" + hostile, CheckURL: "?" + hostile,
			RefreshAfter: 7, RefreshURL: "?" + hostile,
		})
		p.ShowBuy(buy, page.Buy{Product: hostile, Price: hostile})
		for name, answer := range map[string]*httptest.ResponseRecorder{"billing": billing, "buy": buy} {
			sheet := fakeshop.Read(t, answer) // which finds inline scripts and styles
			if n := strings.Count(sheet.Text, strings.TrimSpace(hostile)); n < 2 {
				t.Errorf("%s: %q is there %d times: %s", name, hostile, n, sheet.Text)
			}
			for _, script := range sheet.Scripts {
				if script != "billing/billing.js" {
					t.Errorf("%s: %q makes a script of %s", name, hostile, script)
				}
			}
			if name == "billing" && (sheet.Title != page.TextOf(page.Failed).Title || sheet.Refresh.Seconds() != 7) {
				t.Errorf("%q: %+v", hostile, sheet)
			}
		}
	}
	// Whoever sets a PaymentLink's address cannot run a script by it.
	answer := httptest.NewRecorder()
	p.ShowBilling(answer, http.StatusOK, page.Billing{State: page.Failed, RetryURL: "javascript:alert(1)"})
	for address := range fakeshop.Read(t, answer).Links {
		if strings.HasPrefix(address, "javascript:") {
			t.Errorf("a link leads to %s", address)
		}
	}
}

// TestBuy is the page of one button.
func TestBuy(t *testing.T) {
	for name, row := range map[string]struct {
		address string
		buy     page.Buy
		says    string
		links   map[string]string
	}{
		"for real":         {"https://shop.example.com", page.Buy{Product: "Lifetime", Price: "199.00 USD", Live: true}, "Lifetime 199.00 USD Buy Lifetime You pay on the page of the payment provider, Stripe. Back to shop.example.com", map[string]string{"https://shop.example.com": "Back to shop.example.com"}},
		"in test mode":     {"", page.Buy{Product: "Lifetime", Price: "199.00 USD"}, "Test mode: no money moves Lifetime 199.00 USD Buy Lifetime You pay on the page of the payment provider, Stripe.", map[string]string{}},
		"with a long name": {"", page.Buy{Product: strings.Repeat("Lifetime ", 27), Price: "1 JPY", Live: true}, "Buy Lifetime Lifetime", map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			answer := httptest.NewRecorder()
			pages(t, row.address).ShowBuy(answer, row.buy)
			sheet := fakeshop.Read(t, answer)
			if !strings.Contains(sheet.Text, row.says) || strings.Contains(sheet.Text, "Test mode") == row.buy.Live || sheet.Title != "Buy "+row.buy.Product {
				t.Errorf("%+v", sheet)
			}
			if diff := cmp.Diff(row.links, sheet.Links); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"post"}, sheet.Forms); diff != "" { // to where the page is
				t.Error(diff)
			}
			if len(sheet.Scripts) > 0 || sheet.Refresh > 0 || strings.Join(sheet.Styles, " ") != "../../dashboard/billing/page.css" {
				t.Errorf("it loads %v %v", sheet.Scripts, sheet.Styles)
			}
		})
	}
}

// TestRefuse: a browser is shown a notice, and anybody else is told the problem, with the same status and headers.
func TestRefuse(t *testing.T) {
	why := problem.New(http.StatusServiceUnavailable, "Nothing is for sale.")
	why.RetryAfter = 5e9
	shown, told := httptest.NewRecorder(), httptest.NewRecorder()
	p := pages(t, "https://shop.example.com")
	p.Refuse(shown, browser(t), page.NotNow, why)
	p.Refuse(told, fakeshop.Request(t, http.MethodGet, "/", ""), page.NotNow, why)
	sheet, text := fakeshop.Read(t, shown), page.TextOf(page.NotNow)
	if shown.Code != http.StatusServiceUnavailable || shown.Header().Get("Retry-After") != "5" || sheet.Title != text.Title || sheet.Heading != text.Title ||
		!strings.Contains(sheet.Text, text.Message+" "+text.Next) || strings.Contains(sheet.Text, "Nothing is for sale") {
		t.Errorf("%d %v %+v", shown.Code, shown.Header(), sheet)
	}
	if diff := cmp.Diff(map[string]string{"https://shop.example.com": "Go to shop.example.com"}, sheet.Links); diff != "" {
		t.Error(diff)
	}
	fakeshop.Refused(t, told, http.StatusServiceUnavailable, "Nothing is for sale.")
	if after := told.Header().Get("Retry-After"); after != "5" {
		t.Errorf("after %q", after)
	}
}

// TestWantsPage tells browsers from programs.
func TestWantsPage(t *testing.T) {
	for name, row := range map[string]struct {
		accept []string
		want   bool
	}{
		"a browser":            {[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, true},
		"a page alone":         {[]string{"text/html"}, true},
		"in a line of its own": {[]string{"application/json", "text/html"}, true},
		"curl":                 {[]string{"*/*"}, false},
		"a script":             {[]string{"application/json"}, false},
		"who does not say":     {nil, false},
		"text of another kind": {[]string{"text/plain"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := fakeshop.Request(t, http.MethodGet, "/", "")
			r.Header["Accept"] = row.accept
			if got := page.WantsPage(r); got != row.want {
				t.Errorf("%t", got)
			}
		})
	}
}
