package webhookserver_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

const appURL = "https://shop.example.com/en"

// corsHeaders are the headers of a response for CORS, without their prefix.
func corsHeaders(h http.Header) map[string]string {
	found := map[string]string{}
	for name := range h {
		if short, ok := strings.CutPrefix(name, "Access-Control-"); ok {
			found[short] = h.Get(name)
		}
	}
	return found
}

// preflight is the request of a browser before a call of a script. headers are the names of headers, in lower case.
func preflight(path, origin, method, headers string) call {
	c := call{method: http.MethodOptions, path: path}.with("Origin", origin).with("Access-Control-Request-Method", method)
	if headers != "" {
		c = c.with("Access-Control-Request-Headers", headers)
	}
	return c
}

// TestCORS: scripts of the shop's origin can read the responses, errors too. Scripts of other origins cannot.
func TestCORS(t *testing.T) {
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
				if diff := cmp.Diff(want, corsHeaders(answer.Header())); diff != "" || (answer.Code != row.status && address != "") {
					t.Errorf("shop %q: got status %d, want %d; headers (-want +got):\n%s", address, answer.Code, row.status, diff)
				}
				if tells := len(want) > 0; tells && !slices.Contains(answer.Header().Values("Vary"), "Origin") {
					t.Error("got no Vary: Origin, want it for caches")
				}
			}
		})
	}
}

// TestPreflight: scripts of the shop's origin can call the routes for scripts. Without the address of the shop, no script can.
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
			got := corsHeaders(answer.Header())
			if name == "no preflight" {
				maps.DeleteFunc(got, func(string, string) bool { return true })
			}
			check.Equal(t, row.status, answer.Code, "status")
			check.Equal(t, want, got, "headers")

			answer = ask(t, open(t, fakeshop.Options{}), row.call)
			if got := corsHeaders(answer.Header()); len(got) > 0 || answer.Code < http.StatusBadRequest {
				t.Errorf("without the shop's address: got %d %v, want an error without CORS headers", answer.Code, got)
			}
		})
	}
}

// TestPreflightIsFree: a preflight needs no token, and counts against no limit.
func TestPreflightIsFree(t *testing.T) {
	o := rateLimited(1)
	o.AppURL = appURL
	s := open(t, o)
	noTokens(s)
	for range 3 {
		for _, path := range []string{capturePath, checkout.OrdersPath} {
			check.Equal(t, http.StatusNoContent, ask(t, s, preflight(path, "https://shop.example.com", "POST", "content-type")).Code, "%s", path)
		}
	}
	check.Equal(t, http.StatusOK, ask(t, s, capture("cs_test_paid")).Code, "status")
}

// TestAppURLs: the origin of the shop is that of its address.
func TestAppURLs(t *testing.T) {
	for address, origin := range map[string]string{
		"https://shop.example.com":        "https://shop.example.com",
		"https://shop.example.com/en/eur": "https://shop.example.com",
		"http://localhost:3000":           "http://localhost:3000",
		"http://[::1]:3000":               "http://[::1]:3000",
	} {
		answer := ask(t, open(t, fakeshop.Options{AppURL: address}), capture("cs_test_paid").with("Origin", origin))
		check.Equal(t, origin, answer.Header().Get("Access-Control-Allow-Origin"), "%s: origin", address)
	}
}
