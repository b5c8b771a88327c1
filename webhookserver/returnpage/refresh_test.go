package returnpage_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
	"github.com/paylink-dev/paylink/webhookserver/returnpage"
)

// follow goes where a page leads by itself until it stays, and returns how long it stayed each time.
func follow(t *testing.T, s *fakeshop.Shop, query string) (waits []time.Duration, last *fakeshop.Page) {
	t.Helper()
	for range 100 {
		r := fakeshop.Request(t, http.MethodGet, "/dashboard/billing"+query, "", "Accept", "text/html")
		last = fakeshop.Read(t, s.Send(r))
		if last.Refresh == 0 {
			return waits, last
		}
		waits, query = append(waits, last.Refresh), last.RefreshTo
		s.Clock.SetTime(s.Clock.Now().Add(last.Refresh))
	}
	t.Fatal("it never stays")
	return nil, nil
}

// TestRefresh: without JavaScript the page comes again by itself, ever less often, for about ten minutes. Then it says
// that it has stopped, and leads back to its beginning.
func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shopOf(t, fakeshop.Options{})
		waits, last := follow(t, s, "?provider=stripe&session_id=cs_test_newpaid")
		total, before := time.Duration(0), time.Duration(0)
		for i, wait := range waits {
			if wait < before || wait < time.Second || wait > 30*time.Second {
				t.Errorf("try %d stays %s, after %s", i, wait, before)
			}
			total, before = total+wait, wait
		}
		if waits[0] != 2*time.Second || total < 9*time.Minute || total > 11*time.Minute {
			t.Errorf("%d tries, the first after %s, in %s", len(waits), waits[0], total)
		}
		const again = "?provider=stripe&session_id=cs_test_newpaid"
		if last.State != string(returnpage.Confirming) || last.Links[again] != "Check again" {
			t.Errorf("in the end %+v", last)
		}
		if waits, _ := follow(t, s, again); len(waits) != 24 {
			t.Errorf("from the beginning it comes again %d times", len(waits))
		}
	})
}

// TestLateIsSaid where the page has stopped, and nowhere before.
func TestLateIsSaid(t *testing.T) {
	s := shopOf(t, fakeshop.Options{})
	for query, says := range map[string]bool{"&try=1": false, "&try=23": false, "&try=24": true, "&try=99999999999999999999": true, "&try=-1": true, "&try=x": true, "&try=": true, "&try=1.5": true} {
		_, sheet := look(t, s, "cs_test_newpaid", query)
		late := strings.Contains(sheet.Text, "Not confirmed yet. This page has stopped checking.")
		if late != says || (sheet.Refresh > 0) == says {
			t.Errorf("%s: comes again after %s, and says %s", query, sheet.Refresh, sheet.Text)
		}
	}
}

// TestAdviceStays: what the page says of checking is no longer true once it has stopped; any other advice is.
func TestAdviceStays(t *testing.T) {
	s := shopOf(t, fakeshop.Options{Stripe: fakeshop.StripeFunc(stripe)})
	for session, row := range map[string]struct {
		state returnpage.State
		stays bool
	}{
		"cs_test_away": {returnpage.Confirming, false}, "cs_test_newmismatch": {returnpage.Review, true}, "cs_test_newdebit": {returnpage.Processing, true}, "cs_test_nobodys": {returnpage.Unknown, true},
	} {
		_, sheet := look(t, s, session, "&try=24")
		if stays := strings.Contains(sheet.Text, returnpage.TextOf(row.state).Next); sheet.State != string(row.state) || stays != row.stays {
			t.Errorf("%s: %s", sheet.State, sheet.Text)
		}
	}
}

// TestLimitedPage: who looked too often is told so, and the page comes again when there is a chance, but not for ever.
func TestLimitedPage(t *testing.T) {
	s := shopOf(t, fakeshop.Options{Looks: ratelimit.Rate{Events: 1, Per: time.Hour, Burst: 1}})
	const path = "/dashboard/billing?provider=stripe&session_id=cs_test_paid"
	if _, sheet := look(t, s, "cs_test_paid"); sheet.State != string(returnpage.Paid) {
		t.Errorf("%+v", sheet)
	}
	code, sheet := look(t, s, "cs_test_paid")
	if code != http.StatusTooManyRequests || sheet.State != page.TooManyRequests.State || !sheet.Poll || sheet.Refresh != time.Hour+time.Second {
		t.Errorf("%d %+v", code, sheet)
	}
	if want := "?provider=stripe&session_id=cs_test_paid&try=1"; sheet.RefreshTo != want {
		t.Errorf("it comes again at %s", sheet.RefreshTo)
	}
	if _, sheet := look(t, s, "cs_test_paid", "&try=24"); sheet.Refresh != 0 {
		t.Errorf("it comes again after %s, for ever", sheet.Refresh)
	}
	r := from(t, "cs_test_paid", path, "")
	r.Method = http.MethodGet
	answer := s.Send(r)
	fakeshop.Refused(t, answer, http.StatusTooManyRequests, "Too many requests from your network")
	if after := answer.Header().Get("Retry-After"); after != "3600" {
		t.Errorf("after %s", after)
	}
}
