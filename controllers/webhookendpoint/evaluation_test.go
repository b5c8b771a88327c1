package webhookendpoint

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

const ourURL = "https://shop.example.com/api/webhooks/stripe"

// endpoint is one of live mode as it should be; rows change what is different.
func endpoint(id string, changes ...func(*stripeclient.Endpoint)) stripeclient.Endpoint {
	e := stripeclient.Endpoint{ID: id, URL: ourURL, Status: "enabled", Livemode: true, APIVersion: stripeclient.APIVersion, Events: stripeclient.EndpointEvents()}
	for _, change := range changes {
		change(&e)
	}
	return e
}

func gets(types ...string) func(*stripeclient.Endpoint) {
	return func(e *stripeclient.Endpoint) { e.Events = types }
}

func getsAllBut(types ...string) func(*stripeclient.Endpoint) {
	return func(e *stripeclient.Endpoint) {
		e.Events = slices.DeleteFunc(stripeclient.EndpointEvents(), func(t string) bool { return slices.Contains(types, t) })
	}
}

func version(v string) func(*stripeclient.Endpoint) {
	return func(e *stripeclient.Endpoint) { e.APIVersion = v }
}

func off(e *stripeclient.Endpoint) { e.Status = "disabled" }

func inTestMode(e *stripeclient.Endpoint) { e.Livemode = false }

func ofPaylink(e *stripeclient.Endpoint) { e.Metadata = map[string]string{"managed-by": "paylink"} }

// TestEndpointJudgement: what is wrong is said, with what to do, and is 0 in the metric.
func TestEndpointJudgement(t *testing.T) {
	wrong := func(checks ...string) []string { return checks }
	for name, row := range map[string]struct {
		seen  endpointSight
		wrong []string
		// begins is how the text does; says is what else is in it.
		begins string
		says   []string
	}{
		"as it should be":       {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1")}}, begins: "ok: we_1 at " + ourURL + " gets all 11 event types"},
		"none":                  {wrong: wrong("exists", "enabled", "events", "mode", "api_version"), begins: "wrong: no endpoint in live mode at Stripe has the URL " + ourURL + ": add one in Stripe under Developers > Webhooks, for the event types charge.dispute.closed, "},
		"disabled":              {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", off)}}, wrong: wrong("enabled"), begins: "wrong: we_1 at " + ourURL + ": it is disabled", says: []string{"enable it in Stripe under Developers > Webhooks"}},
		"all types":             {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", gets("*"))}}, begins: "ok: we_1"},
		"families":              {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", gets("charge.*", "checkout.session.*", "refund.*"))}}, begins: "ok: we_1"},
		"a family of a family":  {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", gets("charge.dispute.*", "charge.refunded", "charge.refund.updated", "checkout.*", "refund.*"))}}, begins: "ok: we_1"},
		"more types":            {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", gets(append(stripeclient.EndpointEvents(), "payout.paid")...))}}, begins: "ok: we_1"},
		"types missing":         {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", getsAllBut("charge.refunded", "refund.updated"))}}, wrong: wrong("events"), begins: "wrong: we_1", says: []string{"it does not get charge.refunded, refund.updated: add these event types in Stripe under Developers > Webhooks"}},
		"a family missing":      {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", gets("charge.*", "refund.*"))}}, wrong: wrong("events"), begins: "wrong: we_1", says: []string{"it does not get checkout.session.async_payment_failed, "}},
		"half a word":           {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", gets("charge.*", "refund.*", "checkout.session*"))}}, wrong: wrong("events"), begins: "wrong: we_1"},
		"of the other mode":     {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", inTestMode)}}, wrong: wrong("mode"), begins: "wrong: we_1", says: []string{"it is in test mode, and the API key in live mode"}},
		"the account's version": {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", version(""))}}, begins: "ok: we_1"},
		"a newer version":       {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", version("2026-08-26.dahlia"))}}, begins: "ok: we_1"},
		"an older version":      {seen: endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", version("2022-11-15"))}}, wrong: wrong("api_version"), begins: "wrong: we_1", says: []string{"2022-11-15, older than 2023-10-16", "add another one in Stripe under Developers > Webhooks"}},
		"all of it": {
			seen:  endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", off, gets("payout.paid"), inTestMode, version("2020-08-27"))}},
			wrong: wrong("enabled", "events", "mode", "api_version"), begins: "wrong: we_1", says: []string{"it is disabled", "; it does not get ", "; it is in test mode", "; its events are of API version 2020-08-27"},
		},
		"one of two is good": {
			seen:   endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", off), endpoint("we_2")}},
			begins: "ok: we_2 at", says: []string{"2 endpoints have this URL (we_1, we_2), and each gets every event, which is harmless but doubles the work"},
		},
		"none of two is good": {
			seen:  endpointSight{found: []stripeclient.Endpoint{endpoint("we_1", off, inTestMode), endpoint("we_2", version("2020-08-27")), endpoint("we_3", off)}},
			wrong: wrong("api_version"), begins: "wrong: we_2", says: []string{"3 endpoints have this URL (we_1, we_2, we_3)"},
		},
		"none over http": {
			seen: endpointSight{url: "http://shop.example.com/api/webhooks/stripe"}, wrong: wrong("exists", "enabled", "events", "mode", "api_version"),
			begins: "wrong: no endpoint", says: []string{"in live mode Stripe takes https:// alone: set NEXT_PUBLIC_APP_URL"},
		},
		"managed":               {seen: endpointSight{managed: true, found: []stripeclient.Endpoint{endpoint("we_1", ofPaylink)}}, begins: "ok: we_1"},
		"managed, and none":     {seen: endpointSight{managed: true, troubles: []error{errStripe}}, wrong: wrong("exists", "enabled", "events", "mode", "api_version", "secret"), begins: "wrong: no endpoint in live mode at Stripe has the URL " + ourURL + "; status 429"},
		"managed, and a secret": {seen: endpointSight{managed: true, found: []stripeclient.Endpoint{endpoint("we_1", ofPaylink)}, secretTroubles: map[string]string{"we_1": "no secret"}}, wrong: wrong("secret"), begins: "wrong: we_1 at " + ourURL + ": no secret"},
		"managed, and trouble":  {seen: endpointSight{managed: true, found: []stripeclient.Endpoint{endpoint("we_1", ofPaylink)}, troubles: []error{errors.New("status 500")}}, begins: "ok: we_1 at " + ourURL + " gets all 11 event types; status 500"},
	} {
		t.Run(name, func(t *testing.T) {
			row.seen.live = true
			if row.seen.url == "" {
				row.seen.url = ourURL
			}
			got := row.seen.judge()
			want := map[string]bool{"exists": true, "enabled": true, "events": true, "mode": true, "api_version": true}
			if row.seen.managed {
				want[metrics.EndpointSecret] = true
			}
			for _, check := range row.wrong {
				want[check] = false
			}
			if diff := cmp.Diff(want, got.good); diff != "" {
				t.Error(diff)
			}
			if !strings.HasPrefix(got.text, row.begins) {
				t.Errorf("%q does not begin with %q", got.text, row.begins)
			}
			for _, says := range row.says {
				if !strings.Contains(got.text, says) {
					t.Errorf("%q does not say %q", got.text, says)
				}
			}
			if all := !slices.Contains(slices.Collect(maps.Values(got.good)), false); all != strings.HasPrefix(got.text, "ok: ") {
				t.Errorf("the metric and the text disagree: %v, %q", got.good, got.text)
			}
		})
	}
}

// TestSameURL: what leads to the same route is the same.
func TestSameURL(t *testing.T) {
	for other, want := range map[string]bool{
		ourURL: true,
		"HTTPS://Shop.Example.COM/api/webhooks/stripe":          true,
		"https://shop.example.com:443/api/webhooks/stripe":      true,
		"https://shop.example.com/api/webhooks/stripe/":         true,
		"https://shop.example.com/api/webhooks/stripe//":        false,
		"http://shop.example.com/api/webhooks/stripe":           false,
		"http://shop.example.com:443/api/webhooks/stripe":       false,
		"https://shop.example.com:80/api/webhooks/stripe":       false,
		"https://shop.example.com:8443/api/webhooks/stripe":     false,
		"https://shop.example.com/API/webhooks/stripe":          false,
		"https://shop.example.com/api/webhooks/stripe?a=b":      false,
		"https://shop.example.com/api/webhooks":                 false,
		"https://example.com/api/webhooks/stripe":               false,
		"https://shop.example.com.evil.com/api/webhooks/stripe": false,
		"":        false,
		"://":     false,
		"% %":     false,
		"arn:aws": false,
	} {
		if sameURL(ourURL, other) != want || sameURL(other, ourURL) != want {
			t.Errorf("%s: %t", other, !want)
		}
	}
	for _, is := range []string{"http://shop.example.com/x", "HTTP://shop.example.com:80/x/"} {
		if !sameURL("http://shop.example.com:80/x", is) {
			t.Error(is)
		}
	}
}
