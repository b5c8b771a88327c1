package returnpage_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/returnpage"
)

// shopURL is where the shop is.
const shopURL = "https://shop.example.com/en"

// look opens the billing page of a session, as a browser does.
func look(t *testing.T, s *fakeshop.Shop, session string, more ...string) (int, *fakeshop.Page) {
	t.Helper()
	r := from(t, session, "/dashboard/billing?provider=stripe&session_id="+session+strings.Join(more, ""), "")
	r.Method = http.MethodGet
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	answer := s.Send(r)
	return answer.Code, fakeshop.Read(t, answer)
}

// TestPage is what a buyer sees who comes back, in every state of a payment.
func TestPage(t *testing.T) {
	const pay = "https://buy.stripe.com/test_a?client_reference_id="
	for session, row := range map[string]struct {
		code  int
		state returnpage.State
		order string
		retry string
		poll  bool
	}{
		"cs_test_paid":        {200, returnpage.Paid, "paid", "", false},
		"cs_test_refunded":    {200, returnpage.Refunded, "refunded", "", false},
		"cs_test_failed":      {200, returnpage.Failed, "failed", pay + "failed", false},
		"cs_test_underway":    {200, returnpage.Processing, "underway", "", true},
		"cs_test_mismatch":    {200, returnpage.Review, "mismatch", "", false},
		"cs_test_newpaid":     {200, returnpage.Received, "new", "", true},
		"cs_test_newdebit":    {200, returnpage.Processing, "new", "", true},
		"cs_test_newmismatch": {200, returnpage.Review, "new", "", true},
		"cs_test_bounced":     {200, returnpage.RefundFailed, "bounced", "", false},
		"cs_test_newopen":     {200, returnpage.Unfinished, "", "", true},
		"cs_test_newended":    {200, returnpage.SessionExpired, "", "", false},
		"cs_test_theirsopen":  {200, returnpage.Unfinished, "", "", true},
		"cs_test_away":        {200, returnpage.Confirming, "", "", true},
		"cs_test_nobodys":     {404, returnpage.Unknown, "", "", true},
	} {
		t.Run(session, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := shopOf(t, fakeshop.Options{Stripe: fakeshop.StripeFunc(stripe), AppURL: shopURL})
				code, sheet := look(t, s, session)
				text := returnpage.TextOf(row.state)
				if code != row.code || sheet.State != string(row.state) || sheet.Poll != row.poll || sheet.Title != text.Title || sheet.Heading != text.Title {
					t.Errorf("%d %+v", code, sheet)
				}
				for _, words := range []string{text.Message, text.Next, session, "Only the payment provider, Stripe, confirms payments."} {
					if !strings.Contains(sheet.Text, words) {
						t.Errorf("it does not say %q: %s", words, sheet.Text)
					}
				}
				if known := strings.Contains(sheet.Text, "Product Lifetime Total 199.00 USD Order "+row.order+" "); known != (row.order != "") {
					t.Errorf("of the order it says %s", sheet.Text)
				}
				if strings.Contains(sheet.Text, "customer-of") {
					t.Errorf("it names the customer: %s", sheet.Text)
				}
				want := map[string]string{shopURL: "Continue to shop.example.com"}
				if row.retry != "" {
					want[row.retry] = "Go to the payment page"
				}
				if row.poll {
					want["?provider=stripe&session_id="+session] = "Check again"
				}
				if diff := cmp.Diff(want, sheet.Links); diff != "" {
					t.Error(diff)
				}
				if strings.Contains(sheet.Text, "Check again") || (sheet.Refresh > 0) != row.poll {
					t.Errorf("it comes again after %s, and says %s", sheet.Refresh, sheet.Text)
				}
				if diff := cmp.Diff([]string{"billing/billing.js", "../dashboard/billing/page.css"}, append(sheet.Scripts, sheet.Styles...)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// TestPageOfAShopWithoutAddress has no link to nowhere.
func TestPageOfAShopWithoutAddress(t *testing.T) {
	_, sheet := look(t, shopOf(t, fakeshop.Options{}), "cs_test_paid")
	if len(sheet.Links) > 0 {
		t.Errorf("%v", sheet.Links)
	}
}

// TestPageIsForEverybody: what can be answered is a page, whoever asks. What cannot is one for browsers alone.
func TestPageIsForEverybody(t *testing.T) {
	s := shopOf(t, fakeshop.Options{Stripe: fakeshop.StripeFunc(stripe)})
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
			if sheet := fakeshop.Read(t, answer); answer.Code != row.code || sheet.State != string(row.state) || (row.says != "" && (sheet.Poll || sheet.Refresh > 0)) {
				t.Errorf("%s for %q: %d %+v", query, accept, answer.Code, sheet)
			}
		}
	}
}

// try makes a query that of a second look, which does not wait for news.
func try(query string) string {
	if query == "" {
		return ""
	}
	return "&try=1"
}

// TestPageWhileOrdersAreAway: a buyer need not know; the page asks again.
func TestPageWhileOrdersAreAway(t *testing.T) {
	o := fakeshop.Options{}
	o.Cached.List = func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return errors.New("dial tcp 10.0.0.1:443: connection refused")
	}
	s := fakeshop.New(t, o, stock()...)
	code, sheet := look(t, s, "cs_test_paid")
	if code != http.StatusOK || sheet.State != string(returnpage.Confirming) || sheet.Refresh == 0 || strings.Contains(sheet.Text, "refused") {
		t.Errorf("%d %+v", code, sheet)
	}
	if !strings.Contains(s.Logged.String(), "connection refused") {
		t.Error("the operator does not learn of it")
	}
}

// TestHeadOfPage has the headers of the page.
func TestHeadOfPage(t *testing.T) {
	s := shopOf(t, fakeshop.Options{})
	const path = "/dashboard/billing?session_id=cs_test_paid"
	get, head := s.Send(fakeshop.Request(t, http.MethodGet, path, "")), s.Send(fakeshop.Request(t, http.MethodHead, path, ""))
	if diff := cmp.Diff(get.Header(), head.Header()); diff != "" || head.Code != http.StatusOK {
		t.Errorf("%d %s", head.Code, diff)
	}
}

// TestNewsOnItsWay: Stripe sends a buyer on as soon as the webhook is taken, and the cache may be a blink behind. The
// first look, and it alone, waits that blink.
func TestNewsOnItsWay(t *testing.T) {
	for name, row := range map[string]struct {
		comes time.Duration
		more  string
		state returnpage.State
		took  time.Duration
	}{
		"there already":      {0, "", returnpage.Paid, 0},
		"comes a bit later":  {90 * time.Millisecond, "", returnpage.Paid, 100 * time.Millisecond},
		"comes too late":     {time.Second, "", returnpage.Confirming, 400 * time.Millisecond},
		"try 0 is the first": {90 * time.Millisecond, "&try=0", returnpage.Paid, 100 * time.Millisecond},
		"the second look":    {90 * time.Millisecond, "&try=1", returnpage.Confirming, 0},
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
				s := fakeshop.New(t, o, stock()...)
				_, sheet := look(t, s, "cs_test_paid", row.more)
				if took := time.Since(start); sheet.State != string(row.state) || took != row.took {
					t.Errorf("%s after %s", sheet.State, took)
				}
			})
		})
	}
}
