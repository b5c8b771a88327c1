package returnpage_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/returnpage"
)

// shopURL is the address of the shop.
const shopURL = "https://shop.example.com/en"

// openPage gets the billing page of a session, as a browser does.
func openPage(t *testing.T, s *fakeshop.Shop, session string, more ...string) (int, *fakeshop.Page) {
	t.Helper()
	r := from(t, session, "/dashboard/billing?provider=stripe&session_id="+session+strings.Join(more, ""), "")
	r.Method = http.MethodGet
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	answer := s.Send(r)
	return answer.Code, fakeshop.Read(t, answer)
}

// TestPage: the page of every state of a payment.
func TestPage(t *testing.T) {
	const pay = "https://buy.stripe.com/test_a?client_reference_id="
	for session, row := range map[string]struct {
		code  int
		state returnpage.State
		order string
		retry string
		poll  bool
	}{
		"cs_test_paid":         {200, returnpage.Paid, "paid", "", false},
		"cs_test_refunded":     {200, returnpage.Refunded, "refunded", "", false},
		"cs_test_failed":       {200, returnpage.Failed, "failed", pay + "failed", false},
		"cs_test_underway":     {200, returnpage.Processing, "underway", "", true},
		"cs_test_mismatch":     {200, returnpage.Review, "mismatch", "", false},
		"cs_test_newpaid":      {200, returnpage.Received, "new", "", true},
		"cs_test_newdebit":     {200, returnpage.Processing, "new", "", true},
		"cs_test_newmismatch":  {200, returnpage.Review, "new", "", true},
		"cs_test_refundFailed": {200, returnpage.RefundFailed, "refundFailed", "", false},
		"cs_test_newopen":      {200, returnpage.Unfinished, "", "", true},
		"cs_test_newended":     {200, returnpage.SessionExpired, "", "", false},
		"cs_test_theirsopen":   {200, returnpage.Unfinished, "", "", true},
		"cs_test_away":         {200, returnpage.Confirming, "", "", true},
		"cs_test_nobodys":      {404, returnpage.Unknown, "", "", true},
	} {
		t.Run(session, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, fakeshop.Options{Stripe: fakeshop.StripeFunc(stripe), AppURL: shopURL})
				code, shown := openPage(t, s, session)
				text := returnpage.TextOf(row.state)
				if code != row.code || shown.State != string(row.state) || shown.Poll != row.poll || shown.Title != text.Title || shown.Heading != text.Title {
					t.Errorf("got %d %+v", code, shown)
				}
				for _, words := range []string{text.Message, text.Next, session, "Only the payment provider, Stripe, confirms payments."} {
					check.Contains(t, shown.Text, words)
				}
				check.Equal(t, row.order != "", strings.Contains(shown.Text, "Product Lifetime Total 199.00 USD Order "+row.order+" "), "text %s", shown.Text)
				check.Lacks(t, shown.Text, "customer-of")
				want := map[string]string{shopURL: "Continue to shop.example.com"}
				if row.retry != "" {
					want[row.retry] = "Go to the payment page"
				}
				if row.poll {
					want["?provider=stripe&session_id="+session] = "Check again"
				}
				check.Equal(t, want, shown.Links, "links")
				if strings.Contains(shown.Text, "Check again") || (shown.Refresh > 0) != row.poll {
					t.Errorf("got refresh %s and text %s, want a refresh: %t", shown.Refresh, shown.Text, row.poll)
				}
				check.Equal(t, []string{"billing/billing.js", "../dashboard/billing/page.css"}, append(shown.Scripts, shown.Styles...), "scripts and styles")
			})
		})
	}
}

// TestPageWithoutAppURL: without the address of the shop the page has no link to it.
func TestPageWithoutAppURL(t *testing.T) {
	_, shown := openPage(t, newShop(t, fakeshop.Options{}), "cs_test_paid")
	if len(shown.Links) > 0 {
		t.Errorf("got links %v, want none", shown.Links)
	}
}

// TestPageContentType: the state of a payment is a page for every client. A problem is a page for browsers alone.
func TestPageContentType(t *testing.T) {
	s := newShop(t, fakeshop.Options{Stripe: fakeshop.StripeFunc(stripe)})
	for query, row := range map[string]struct {
		code  int
		state returnpage.State
		says  string
	}{
		"?session_id=cs_test_paid":                             {200, returnpage.Paid, ""},
		"?provider=&session_id=cs_test_paid":                   {200, returnpage.Paid, ""},
		"?provider=stripe&session_id=cs_test_paid&utm_source=": {200, returnpage.Paid, ""},
		"?session_id=cs_test_nobodys":                          {404, returnpage.Unknown, ""},
		"":                                                     {400, returnpage.Invalid, "session_id: is missing"},
		"?session_id=":                                         {400, returnpage.Invalid, "session_id: is missing"},
		"?session_id={CHECKOUT_SESSION_ID}":                    {400, returnpage.Invalid, "session_id: is no id of a checkout session"},
		"?session_id=pi_1":                                     {400, returnpage.Invalid, "session_id: is no id of a checkout session"},
		"?provider=paypal&session_id=cs_test_paid":             {400, returnpage.Invalid, `provider: must be "stripe"`},
	} {
		for accept, reads := range map[string]bool{"text/html": true, "*/*": false, "": false, "application/json": false, "application/json, text/html;q=0.5": true} {
			answer := s.Send(fakeshop.Request(t, http.MethodGet, "/dashboard/billing"+query+try(query), "", "Accept", accept))
			if row.says != "" && !reads {
				fakeshop.Refused(t, answer, row.code, row.says)
				continue
			}
			if shown := fakeshop.Read(t, answer); answer.Code != row.code || shown.State != string(row.state) || (row.says != "" && (shown.Poll || shown.Refresh > 0)) {
				t.Errorf("%s for %q: got %d %+v, want %d %s", query, accept, answer.Code, shown, row.code, row.state)
			}
		}
	}
}

// try adds the number of a reload to a query, so that the page does not wait for the webhook.
func try(query string) string {
	if query == "" {
		return ""
	}
	return "&try=1"
}

// TestPageWithoutOrders: if the orders cannot be read, the page polls.
func TestPageWithoutOrders(t *testing.T) {
	o := fakeshop.Options{}
	o.Cached.List = func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return errors.New("dial tcp 10.0.0.1:443: connection refused")
	}
	s := fakeshop.New(t, o, newObjects()...)
	code, shown := openPage(t, s, "cs_test_paid")
	if code != http.StatusOK || shown.State != string(returnpage.Confirming) || shown.Refresh == 0 || strings.Contains(shown.Text, "refused") {
		t.Errorf("got %d %+v, want 200 and a refresh", code, shown)
	}
	check.Contains(t, s.Logged.String(), "connection refused")
}

// TestPageHead: HEAD has the headers of GET.
func TestPageHead(t *testing.T) {
	s := newShop(t, fakeshop.Options{})
	const path = "/dashboard/billing?session_id=cs_test_paid"
	get, head := s.Send(fakeshop.Request(t, http.MethodGet, path, "")), s.Send(fakeshop.Request(t, http.MethodHead, path, ""))
	check.Equal(t, http.StatusOK, head.Code, "status")
	check.Equal(t, get.Header(), head.Header(), "headers")
}

// TestAwaitWebhook: the first request waits a moment for the cache, and no other request does.
func TestAwaitWebhook(t *testing.T) {
	for name, row := range map[string]struct {
		comes time.Duration
		more  string
		state returnpage.State
		took  time.Duration
	}{
		"there already":      {0, "", returnpage.Paid, 0},
		"comes in time":      {90 * time.Millisecond, "", returnpage.Paid, 100 * time.Millisecond},
		"comes too late":     {time.Second, "", returnpage.Confirming, 400 * time.Millisecond},
		"try 0 is the first": {90 * time.Millisecond, "&try=0", returnpage.Paid, 100 * time.Millisecond},
		"a reload":           {90 * time.Millisecond, "&try=1", returnpage.Confirming, 0},
		"no number of a try": {90 * time.Millisecond, "&try=x", returnpage.Confirming, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				o := fakeshop.Options{}
				o.Cached.List = func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					if time.Since(start) < row.comes {
						return nil
					}
					return c.List(ctx, list, opts...)
				}
				s := fakeshop.New(t, o, newObjects()...)
				_, shown := openPage(t, s, "cs_test_paid", row.more)
				if took := time.Since(start); shown.State != string(row.state) || took != row.took {
					t.Errorf("got %s after %s, want %s after %s", shown.State, took, row.state, row.took)
				}
			})
		})
	}
}
