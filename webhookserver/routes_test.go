package webhookserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/webhookserver"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
)

// allowed are the methods of each route that shops and buyers use.
var allowed = map[string]string{
	"/api/orders":                    "POST",
	"/api/orders/paid":               "GET",
	"/api/orders/capture":            "POST",
	"/dashboard/billing":             "GET",
	"/dashboard/billing/page.css":    "GET",
	"/dashboard/billing/billing.js":  "GET",
	"/dashboard/billing/nothing.txt": "GET",
	"/buy/shop/lifetime":             "GET, POST",
	"/buy/shop/nothing":              "GET, POST",
	"/openapi.yaml":                  "GET",
}

// problemOf reads a problem, or fails the test.
func problemOf(t *testing.T, header http.Header, body []byte) (status int, detail string) {
	t.Helper()
	var p struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal(body, &p); err != nil || header.Get("Content-Type") != "application/problem+json" || p.Title != http.StatusText(p.Status) {
		t.Errorf("no problem: %v %s %v", header, body, err)
	}
	return p.Status, p.Detail
}

// TestOtherMethods: each route says which methods it is for.
func TestOtherMethods(t *testing.T) {
	s := open(t, opening{})
	for path, want := range allowed {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "post"} {
			answer := s.ask(call{method: method, path: path})
			served := slices.Contains(strings.Split(want, ", "), strings.Replace(method, "HEAD", "GET", 1))
			if served != (answer.Code != http.StatusMethodNotAllowed) {
				t.Errorf("%s %s: %d", method, path, answer.Code)
			}
			if served {
				continue
			}
			if status, detail := problemOf(t, answer.Header(), answer.Body.Bytes()); status != 405 || answer.Header().Get("Allow") != want || !strings.Contains(detail, want) {
				t.Errorf("%s %s: %d, %q, for %q", method, path, status, detail, answer.Header().Get("Allow"))
			}
		}
	}
}

// TestNoRoute: what is not a route is a 404 that says so, and nothing is created or counted on the way.
func TestNoRoute(t *testing.T) {
	s := open(t, opening{appURL: appURL})
	for _, path := range []string{
		"/", "/api", "/api/", "/api/orders/", "/api/orders/paid/", "/api/orders/paid/refunds", "/api/orders/capture/x", "/API/orders", "/api/order",
		"/buy", "/buy/", "/buy/shop", "/buy/shop/", "/buy/shop/lifetime/", "/buy/shop/lifetime/x", "/dashboard", "/dashboard/", "/dashboard/billings",
		"/openapi.json", "/openapi.yaml/", "/metrics", "/healthz", "/debug/pprof/", "/favicon.ico", "/robots.txt",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
			answer := s.ask(call{method: method, path: path, token: backend, body: lifetime})
			if status, _ := problemOf(t, answer.Header(), answer.Body.Bytes()); answer.Code != 404 || status != 404 {
				t.Errorf("%s %s: %d", method, path, answer.Code)
			}
		}
	}
	if got := requests(t, s); len(got) > 0 {
		t.Errorf("counted: %v", got)
	}
}

// TestWithoutCheckout: a server that may not create orders has no route that does.
func TestWithoutCheckout(t *testing.T) {
	s := open(t, opening{withoutCheckout: true, appURL: appURL})
	for _, c := range []call{
		newOrder(lifetime), getOrder("paid"), get(checkout.OrdersPath), get(lifetimePath), get(lifetimePath).html(), buy(lifetimePath),
		preflight(checkout.OrdersPath, "https://shop.example.com", "POST", "authorization"),
	} {
		answer := s.ask(c)
		if status, _ := problemOf(t, answer.Header(), answer.Body.Bytes()); answer.Code != 404 || status != 404 {
			t.Errorf("%s %s: %d", c.method, c.path, answer.Code)
		}
		if got := sharing(answer.Header()); len(got) > 0 {
			t.Errorf("%s %s is shared: %v", c.method, c.path, got)
		}
	}
	for _, c := range []call{capture("cs_test_paid"), get(billingPath + "cs_test_paid"), get("/dashboard/billing/page.css"), get("/openapi.yaml")} {
		if answer := s.ask(c); answer.Code != http.StatusOK {
			t.Errorf("%s %s: %d", c.method, c.path, answer.Code)
		}
	}
}

// TestWithoutShop: a server that takes webhooks alone has none of the routes.
func TestWithoutShop(t *testing.T) {
	s := newShopWith(t, blocking{})
	for path := range allowed {
		if answer := s.send(get(path).request(t.Context())); answer.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
}

// TestHead: a look at the head alone is answered as GET, and counts as one.
func TestHead(t *testing.T) {
	for _, path := range []string{"/api/orders/paid", "/api/orders/none", billingPath + "cs_test_paid", "/dashboard/billing/page.css", lifetimePath, "/openapi.yaml"} {
		s := open(t, opening{})
		whole := s.ask(call{method: http.MethodGet, path: path, token: backend})
		head := s.ask(call{method: http.MethodHead, path: path, token: backend})
		if diff := cmp.Diff(whole.Header(), head.Header()); diff != "" || head.Code != whole.Code {
			t.Errorf("%s: %d, not %d: %s", path, head.Code, whole.Code, diff)
		}
	}
}

// TestDescription is served as it is.
func TestDescription(t *testing.T) {
	want, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	answer := open(t, opening{}).ask(get(webhookserver.OpenAPIPath))
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "application/yaml" || answer.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
	if answer.Body.String() != string(want) {
		t.Error("it is another than the file")
	}
}

// requests are those counted, by route and status.
func requests(t *testing.T, s *store) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	for sample, value := range scrape.Metrics(t, s.registry) {
		if labels, ok := strings.CutPrefix(sample, "paylink_checkout_requests_total"); ok {
			found[labels] = value
		}
	}
	return found
}

// TestCounted: each request once, by its route's pattern and the status, so that no client makes up labels.
func TestCounted(t *testing.T) {
	s := open(t, opening{appURL: appURL})
	want := map[string]float64{}
	for _, row := range []struct {
		call  call
		route string
	}{
		{newOrder(lifetime), "/api/orders"}, {newOrder(lifetime).as(""), "/api/orders"}, {newOrder(lifetime).as(guest), "/api/orders"}, {get("/api/orders"), "/api/orders"},
		{getOrder("paid"), "/api/orders/{orderId}"}, {getOrder("none"), "/api/orders/{orderId}"}, {getOrder("a.b"), "/api/orders/{orderId}"}, {getOrder("pending"), "/api/orders/{orderId}"},
		{capture("cs_test_paid"), "/api/orders/capture"}, {capture("cs_test_none"), "/api/orders/capture"}, {captureOf("x"), "/api/orders/capture"}, {get("/api/orders/capture"), "/api/orders/capture"},
		{preflight(capturePath, "https://shop.example.com", "POST", ""), "/api/orders/capture"}, {preflight(capturePath, "https://evil.example", "POST", ""), "/api/orders/capture"},
		{get(billingPath + "cs_test_paid"), "/dashboard/billing"}, {get(billingPath + "cs_test_none"), "/dashboard/billing"}, {get("/dashboard/billing"), "/dashboard/billing"},
		{get("/dashboard/billing/page.css"), "/dashboard/billing/"}, {get("/dashboard/billing/" + strings.Repeat("a", 99)), "/dashboard/billing/"},
		{get(lifetimePath), "/buy/{namespace}/{paymentLink}"}, {buy(lifetimePath), "/buy/{namespace}/{paymentLink}"}, {buy("/buy/a/b"), "/buy/{namespace}/{paymentLink}"},
		{get("/openapi.yaml"), "/openapi.yaml"}, {call{method: http.MethodHead, path: "/openapi.yaml"}, "/openapi.yaml"},
	} {
		answer := s.ask(row.call)
		want[fmt.Sprintf(`{code="%d",route=%q}`, answer.Code, row.route)]++
		if diff := cmp.Diff(want, requests(t, s)); diff != "" {
			t.Fatalf("%s %s: %s", row.call.method, row.call.path, diff)
		}
	}
	samples := scrape.Metrics(t, s.registry)
	for labels := range want {
		_, route, _ := strings.Cut(labels, ",")
		n := 0.0
		for other, value := range want {
			if strings.HasSuffix(other, ","+route) {
				n += value
			}
		}
		if got := samples["paylink_checkout_duration_seconds_count{"+route]; got != n {
			t.Errorf("%s was measured %v times, not %v: %v", route, got, n, slices.Sorted(maps.Keys(samples)))
		}
	}
}

// TestMeasured: what is measured is how long the client waited.
func TestMeasured(t *testing.T) {
	var s *store
	s = open(t, opening{trouble: interceptor.Funcs{List: func(ctx context.Context, api client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
		s.clock.SetTime(s.clock.Now().Add(1500 * time.Millisecond))
		return api.List(ctx, list, options...)
	}}})
	s.ask(capture("cs_test_paid"))
	if took := scrape.Metrics(t, s.registry)[`paylink_checkout_duration_seconds_sum{route="/api/orders/capture"}`]; took != 1.5 {
		t.Errorf("%v s", took)
	}
}
