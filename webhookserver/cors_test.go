package webhookserver_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

const appURL = "https://shop.example.com/en"

// sharing are the headers of an answer that tell browsers who may read it.
func sharing(h http.Header) map[string]string {
	found := map[string]string{}
	for name := range h {
		if short, ok := strings.CutPrefix(name, "Access-Control-"); ok {
			found[short] = h.Get(name)
		}
	}
	return found
}

// preflight is what a browser asks before a script's call; headers are those that the script sets, in small letters.
func preflight(path, origin, method, headers string) call {
	c := call{method: http.MethodOptions, path: path}.with("Origin", origin).with("Access-Control-Request-Method", method)
	if headers != "" {
		c = c.with("Access-Control-Request-Headers", headers)
	}
	return c
}

// TestShared: scripts of the shop's origin may read the answers, errors too, and nobody else's may.
func TestShared(t *testing.T) {
	ours := map[string]string{"Allow-Origin": "https://shop.example.com", "Expose-Headers": "Idempotent-Replayed, Location, Retry-After"}
	none := map[string]string{}
	for name, row := range map[string]struct {
		call   call
		origin string
		status int
		want   map[string]string
	}{
		"capture":                 {capture("cs_test_paid"), "https://shop.example.com", 200, ours},
		"capture, unknown":        {capture("cs_test_none"), "https://shop.example.com", 404, ours},
		"capture, wrong":          {captureOf("[]").with("Content-Type", "application/json"), "https://shop.example.com", 400, ours},
		"create":                  {newOrder(lifetime), "https://shop.example.com", 201, ours},
		"create, without a token": {newOrder(lifetime).as(""), "https://shop.example.com", 401, ours},
		"get":                     {getOrder("paid"), "https://shop.example.com", 200, ours},
		"get, but the head alone": {call{method: http.MethodHead, path: "/api/orders/paid", token: fakeshop.Backend}, "https://shop.example.com", 200, ours},
		"the description":         {get(webhookserver.OpenAPIPath), "https://shop.example.com", 200, ours},
		"another site":            {capture("cs_test_paid"), "https://evil.example", 200, none},
		"a site below":            {capture("cs_test_paid"), "https://a.shop.example.com", 200, none},
		"a site like it":          {capture("cs_test_paid"), "https://shop.example.com.evil.example", 200, none},
		"not encrypted":           {capture("cs_test_paid"), "http://shop.example.com", 200, none},
		"another port":            {capture("cs_test_paid"), "https://shop.example.com:8443", 200, none},
		"a file, or a frame":      {capture("cs_test_paid"), "null", 200, none},
		"no origin":               {capture("cs_test_paid"), "", 200, none},
		"the billing page":        {get(billingPath + "cs_test_paid"), "https://shop.example.com", 200, none},
		"the billing page's file": {get("/dashboard/billing/billing.js"), "https://shop.example.com", 200, none},
		"the buy page":            {get(lifetimePath), "https://shop.example.com", 200, none},
		"to buy":                  {buy(lifetimePath), "https://shop.example.com", 303, none},
		"a webhook":               {call{method: http.MethodPost, path: webhook.Path, body: "{}"}, "https://shop.example.com", 400, none},
		"nothing":                 {get("/"), "https://shop.example.com", 404, none},
	} {
		t.Run(name, func(t *testing.T) {
			for address, want := range map[string]map[string]string{appURL: row.want, "": none} {
				answer := ask(t, open(t, fakeshop.Options{AppURL: address}), row.call.with("Origin", row.origin))
				if diff := cmp.Diff(want, sharing(answer.Header())); diff != "" || (answer.Code != row.status && address != "") {
					t.Errorf("where the shop is %q: %d %s", address, answer.Code, diff)
				}
				if tells := len(want) > 0; tells && !slices.Contains(answer.Header().Values("Vary"), "Origin") {
					t.Error("a cache would give the answer to another origin")
				}
			}
		})
	}
}

// TestPreflight: what scripts of the shop's origin may send to which route. Without a shop's address, or on a route
// that is not for scripts, nobody may send anything.
func TestPreflight(t *testing.T) {
	const ours = "https://shop.example.com"
	create, read := checkout.OrdersPath, checkout.OrdersPath+"/paid"
	for name, row := range map[string]struct {
		call   call
		may    bool
		status int
	}{
		"create":                  {preflight(create, ours, "POST", "authorization,content-type"), true, 204},
		"create, with a key":      {preflight(create, ours, "POST", "authorization,content-type,idempotency-key"), true, 204},
		"create, nothing set":     {preflight(create, ours, "POST", ""), true, 204},
		"read":                    {preflight(read, ours, "GET", "authorization"), true, 204},
		"capture":                 {preflight(capturePath, ours, "POST", "content-type"), true, 204},
		"the description":         {preflight(webhookserver.OpenAPIPath, ours, "GET", ""), true, 204},
		"to delete":               {preflight(read, ours, "DELETE", "authorization"), false, 204},
		"to put":                  {preflight(create, ours, "PUT", "authorization"), false, 204},
		"to patch":                {preflight(create, ours, "PATCH", "authorization"), false, 204},
		"a header of no use":      {preflight(capturePath, ours, "POST", "x-forwarded-for"), false, 204},
		"one header of no use":    {preflight(create, ours, "POST", "authorization,x-remote-user"), false, 204},
		"another site":            {preflight(create, "https://evil.example", "POST", "authorization"), false, 204},
		"a file, or a frame":      {preflight(capturePath, "null", "POST", "content-type"), false, 204},
		"no preflight":            {call{method: http.MethodOptions, path: create}.with("Origin", ours), false, 405},
		"to buy":                  {preflight(lifetimePath, ours, "POST", ""), false, 405},
		"the billing page":        {preflight("/dashboard/billing", ours, "GET", ""), false, 405},
		"the billing page's file": {preflight("/dashboard/billing/page.css", ours, "GET", ""), false, 405},
		"a webhook":               {preflight(webhook.Path, ours, "POST", "stripe-signature"), false, 405},
		"nothing":                 {preflight("/api/refunds", ours, "POST", ""), false, 404},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(t, open(t, fakeshop.Options{AppURL: appURL}), row.call)
			want := map[string]string{}
			if row.may {
				want = map[string]string{"Allow-Origin": ours, "Allow-Methods": row.call.header["Access-Control-Request-Method"], "Max-Age": "600"}
				if headers := row.call.header["Access-Control-Request-Headers"]; headers != "" {
					want["Allow-Headers"] = headers
				}
			}
			got := sharing(answer.Header())
			if name == "no preflight" {
				maps.DeleteFunc(got, func(string, string) bool { return true })
			}
			if diff := cmp.Diff(want, got); diff != "" || answer.Code != row.status {
				t.Errorf("%d %s", answer.Code, diff)
			}

			answer = ask(t, open(t, fakeshop.Options{}), row.call)
			if got := sharing(answer.Header()); len(got) > 0 || answer.Code < http.StatusBadRequest {
				t.Errorf("where the shop's address is not known: %d %v", answer.Code, got)
			}
		})
	}
}

// TestPreflightAsksNobody: it needs no token, and counts against no limit of the client's.
func TestPreflightAsksNobody(t *testing.T) {
	o := looks(1)
	o.AppURL = appURL
	s := open(t, o)
	noTokens(s)
	for range 3 {
		for _, path := range []string{capturePath, checkout.OrdersPath} {
			if answer := ask(t, s, preflight(path, "https://shop.example.com", "POST", "content-type")); answer.Code != http.StatusNoContent {
				t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
			}
		}
	}
	if answer := ask(t, s, capture("cs_test_paid")); answer.Code != http.StatusOK {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

// TestAppURLs: what counts is the origin, as browsers send it.
func TestAppURLs(t *testing.T) {
	for address, origin := range map[string]string{
		"https://shop.example.com":        "https://shop.example.com",
		"https://shop.example.com/en/eur": "https://shop.example.com",
		"http://localhost:3000":           "http://localhost:3000",
		"http://[::1]:3000":               "http://[::1]:3000",
	} {
		answer := ask(t, open(t, fakeshop.Options{AppURL: address}), capture("cs_test_paid").with("Origin", origin))
		if got := answer.Header().Get("Access-Control-Allow-Origin"); got != origin {
			t.Errorf("%s: %q, not %q", address, got, origin)
		}
	}
}
