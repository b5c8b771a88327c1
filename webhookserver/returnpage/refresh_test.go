package returnpage_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
	"github.com/paylink-dev/paylink/webhookserver/returnpage"
)

// follow reloads a page as it says, until it does not. It returns the time before each reload, and the last page.
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
	t.Fatal("got 100 reloads, want an end")
	return nil, nil
}

// TestRefresh: without JavaScript the page reloads at growing intervals, for about ten minutes. Then it says that it has
// stopped, and links to itself.
func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, fakeshop.Options{})
		waits, last := follow(t, s, "?provider=stripe&session_id=cs_test_newpaid")
		total, before := time.Duration(0), time.Duration(0)
		for i, wait := range waits {
			if wait < before || wait < time.Second || wait > 30*time.Second {
				t.Errorf("reload %d: got interval %s after %s, want a longer one up to 30s", i, wait, before)
			}
			total, before = total+wait, wait
		}
		if waits[0] != 2*time.Second || total < 9*time.Minute || total > 11*time.Minute {
			t.Errorf("got %d reloads, the first after %s, in %s, want ten minutes", len(waits), waits[0], total)
		}
		const again = "?provider=stripe&session_id=cs_test_newpaid"
		if last.State != string(returnpage.Confirming) || last.Links[again] != "Check again" {
			t.Errorf("got last page %+v, want a link to the first", last)
		}
		if waits, _ := follow(t, s, again); len(waits) != 24 {
			t.Errorf("got %d reloads, want 24", len(waits))
		}
	})
}

// TestStoppedPage: a page that has stopped says so, and no other does.
func TestStoppedPage(t *testing.T) {
	s := newShop(t, fakeshop.Options{})
	for query, says := range map[string]bool{"&try=1": false, "&try=23": false, "&try=24": true, "&try=99999999999999999999": true, "&try=-1": true, "&try=x": true, "&try=": true, "&try=1.5": true} {
		_, shown := openPage(t, s, "cs_test_newpaid", query)
		late := strings.Contains(shown.Text, "Not confirmed yet. This page has stopped checking.")
		if late != says || (shown.Refresh > 0) == says {
			t.Errorf("%s: got refresh %s and text %s, want stopped: %t", query, shown.Refresh, shown.Text, says)
		}
	}
}

// TestStoppedAdvice: a page that has stopped does not say that it checks. Other advice stays.
func TestStoppedAdvice(t *testing.T) {
	s := newShop(t, fakeshop.Options{Stripe: fakeshop.StripeFunc(stripe)})
	for session, row := range map[string]struct {
		state returnpage.State
		stays bool
	}{
		"cs_test_away": {returnpage.Confirming, false}, "cs_test_newmismatch": {returnpage.Review, true}, "cs_test_newdebit": {returnpage.Processing, true}, "cs_test_nobodys": {returnpage.Unknown, true},
	} {
		_, shown := openPage(t, s, session, "&try=24")
		if stays := strings.Contains(shown.Text, returnpage.TextOf(row.state).Next); shown.State != string(row.state) || stays != row.stays {
			t.Errorf("got %s %s, want %s", shown.State, shown.Text, row.state)
		}
	}
}

// TestLimitedPage: a client over the limit gets a page that reloads when a request is allowed, and not for ever.
func TestLimitedPage(t *testing.T) {
	s := newShop(t, fakeshop.Options{Looks: ratelimit.Rate{Events: 1, Per: time.Hour, Burst: 1}})
	const path = "/dashboard/billing?provider=stripe&session_id=cs_test_paid"
	if _, shown := openPage(t, s, "cs_test_paid"); shown.State != string(returnpage.Paid) {
		t.Errorf("got %+v", shown)
	}
	code, shown := openPage(t, s, "cs_test_paid")
	if code != http.StatusTooManyRequests || shown.State != page.TooManyRequests.State || !shown.Poll || shown.Refresh != time.Hour+time.Second {
		t.Errorf("got %d %+v", code, shown)
	}
	if want := "?provider=stripe&session_id=cs_test_paid&try=1"; shown.RefreshTo != want {
		t.Errorf("got refresh to %s, want %s", shown.RefreshTo, want)
	}
	if _, shown := openPage(t, s, "cs_test_paid", "&try=24"); shown.Refresh != 0 {
		t.Errorf("got refresh after %s, want none", shown.Refresh)
	}
	r := from(t, "cs_test_paid", path, "")
	r.Method = http.MethodGet
	answer := s.Send(r)
	fakeshop.Refused(t, answer, http.StatusTooManyRequests, "Too many requests from your network")
	check.Equal(t, "3600", answer.Header().Get("Retry-After"), "Retry-After")
}
