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

// endpoint is a correct endpoint in live mode, with changes.
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

// TestEvaluate: a failed check is 0 in the metric, and the text names the remedy.
func TestEvaluate(t *testing.T) {
	none := []string{"exists", "enabled", "events", "mode", "api_version"}
	list := func(endpoints ...stripeclient.Endpoint) observed { return observed{found: endpoints} }
	managed := func(change func(*observed)) observed {
		o := observed{managed: true, found: []stripeclient.Endpoint{endpoint("we_1", ofPaylink)}}
		change(&o)
		return o
	}
	for name, row := range map[string]struct {
		observed observed
		failed   []string
		// prefix begins the text, which contains the words.
		prefix string
		words  []string
	}{
		"correct":               {observed: list(endpoint("we_1")), prefix: "ok: we_1 at " + ourURL + " gets all 11 event types"},
		"none":                  {failed: none, prefix: "wrong: no endpoint in live mode at Stripe has the URL " + ourURL + ": add one in Stripe under Developers > Webhooks, for the event types charge.dispute.closed, "},
		"disabled":              {observed: list(endpoint("we_1", off)), failed: []string{"enabled"}, prefix: "wrong: we_1 at " + ourURL + ": it is disabled", words: []string{"enable it in Stripe under Developers > Webhooks"}},
		"all types":             {observed: list(endpoint("we_1", gets("*"))), prefix: "ok: we_1"},
		"families":              {observed: list(endpoint("we_1", gets("charge.*", "checkout.session.*", "refund.*"))), prefix: "ok: we_1"},
		"a family of a family":  {observed: list(endpoint("we_1", gets("charge.dispute.*", "charge.refunded", "charge.refund.updated", "checkout.*", "refund.*"))), prefix: "ok: we_1"},
		"more types":            {observed: list(endpoint("we_1", gets(append(stripeclient.EndpointEvents(), "payout.paid")...))), prefix: "ok: we_1"},
		"types missing":         {observed: list(endpoint("we_1", getsAllBut("charge.refunded", "refund.updated"))), failed: []string{"events"}, prefix: "wrong: we_1", words: []string{"it does not get charge.refunded, refund.updated: add these event types in Stripe under Developers > Webhooks"}},
		"a family missing":      {observed: list(endpoint("we_1", gets("charge.*", "refund.*"))), failed: []string{"events"}, prefix: "wrong: we_1", words: []string{"it does not get checkout.session.async_payment_failed, "}},
		"half a word":           {observed: list(endpoint("we_1", gets("charge.*", "refund.*", "checkout.session*"))), failed: []string{"events"}, prefix: "wrong: we_1"},
		"of the other mode":     {observed: list(endpoint("we_1", inTestMode)), failed: []string{"mode"}, prefix: "wrong: we_1", words: []string{"it is in test mode, and the API key in live mode"}},
		"the account's version": {observed: list(endpoint("we_1", version(""))), prefix: "ok: we_1"},
		"a newer version":       {observed: list(endpoint("we_1", version("2026-08-26.dahlia"))), prefix: "ok: we_1"},
		"an older version":      {observed: list(endpoint("we_1", version("2022-11-15"))), failed: []string{"api_version"}, prefix: "wrong: we_1", words: []string{"2022-11-15, older than 2023-10-16", "add another one in Stripe under Developers > Webhooks"}},
		"all of it": {
			observed: list(endpoint("we_1", off, gets("payout.paid"), inTestMode, version("2020-08-27"))),
			failed:   []string{"enabled", "events", "mode", "api_version"}, prefix: "wrong: we_1", words: []string{"it is disabled", "; it does not get ", "; it is in test mode", "; its events are of API version 2020-08-27"},
		},
		"one of two is good": {
			observed: list(endpoint("we_1", off), endpoint("we_2")),
			prefix:   "ok: we_2 at", words: []string{"2 endpoints have this URL (we_1, we_2), and each gets every event, which is harmless but doubles the work"},
		},
		"none of two is good": {
			observed: list(endpoint("we_1", off, inTestMode), endpoint("we_2", version("2020-08-27")), endpoint("we_3", off)),
			failed:   []string{"api_version"}, prefix: "wrong: we_2", words: []string{"3 endpoints have this URL (we_1, we_2, we_3)"},
		},
		"none over http": {
			observed: observed{url: "http://shop.example.com/api/webhooks/stripe"}, failed: none,
			prefix: "wrong: no endpoint", words: []string{"in live mode Stripe takes https:// alone: set NEXT_PUBLIC_APP_URL"},
		},
		"managed":            {observed: managed(func(*observed) {}), prefix: "ok: we_1"},
		"managed, none":      {observed: observed{managed: true, syncErrors: []error{errors.New("status 429")}}, failed: append(slices.Clone(none), "secret"), prefix: "wrong: no endpoint in live mode at Stripe has the URL " + ourURL + "; status 429"},
		"managed, no secret": {observed: managed(func(o *observed) { o.secretProblems = map[string]string{"we_1": "no secret"} }), failed: []string{"secret"}, prefix: "wrong: we_1 at " + ourURL + ": no secret"},
		"managed, failed":    {observed: managed(func(o *observed) { o.syncErrors = []error{errors.New("status 500")} }), prefix: "ok: we_1 at " + ourURL + " gets all 11 event types; status 500"},
	} {
		t.Run(name, func(t *testing.T) {
			o := row.observed
			o.live = true
			if o.url == "" {
				o.url = ourURL
			}
			got := o.evaluate()
			want := map[string]bool{"exists": true, "enabled": true, "events": true, "mode": true, "api_version": true}
			if o.managed {
				want[metrics.EndpointSecret] = true
			}
			for _, check := range row.failed {
				want[check] = false
			}
			if diff := cmp.Diff(want, got.passed); diff != "" {
				t.Errorf("passed (-want +got): %s", diff)
			}
			checkText(t, got.text, row.prefix, row.words)
			if allPassed := !slices.Contains(slices.Collect(maps.Values(got.passed)), false); allPassed != strings.HasPrefix(got.text, "ok: ") {
				t.Errorf("got %v and %q, want the metric and the text to agree", got.passed, got.text)
			}
		})
	}
}

// TestSameURL: addresses of the same route are the same.
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
		if a, b := sameURL(ourURL, other), sameURL(other, ourURL); a != want || b != want {
			t.Errorf("%s: got %t and %t, want %t", other, a, b, want)
		}
	}
	for _, other := range []string{"http://shop.example.com/x", "HTTP://shop.example.com:80/x/"} {
		if !sameURL("http://shop.example.com:80/x", other) {
			t.Errorf("%s: got false, want true", other)
		}
	}
}
