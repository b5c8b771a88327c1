package webhookserver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/webhookserver"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// allowed are the methods of each route of shops and buyers.
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

// TestOtherMethods: a method that a route does not have is answered 405 with Allow.
func TestOtherMethods(t *testing.T) {
	s := open(t, fakeshop.Options{})
	for path, want := range allowed {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "post"} {
			t.Run(method+" "+path, func(t *testing.T) {
				answer := ask(t, s, call{method: method, path: path})
				served := slices.Contains(strings.Split(want, ", "), strings.Replace(method, "HEAD", "GET", 1))
				check.Equal(t, answer.Code != http.StatusMethodNotAllowed, served, "status %d", answer.Code)
				if served {
					return
				}
				if fakeshop.Refused(t, answer, http.StatusMethodNotAllowed, want); answer.Header().Get("Allow") != want {
					t.Errorf("got Allow %q, want %q", answer.Header().Get("Allow"), want)
				}
			})
		}
	}
}

// TestNoRoute: any other path is answered 404, and counted in no metric.
func TestNoRoute(t *testing.T) {
	s := open(t, fakeshop.Options{AppURL: appURL})
	for _, path := range []string{
		"/", "/api", "/api/", "/api/orders/", "/api/orders/paid/", "/api/orders/paid/refunds", "/api/orders/capture/x", "/API/orders", "/api/order",
		"/buy", "/buy/", "/buy/shop", "/buy/shop/", "/buy/shop/lifetime/", "/buy/shop/lifetime/x", "/dashboard", "/dashboard/", "/dashboard/billings",
		"/openapi.json", "/openapi.yaml/", "/metrics", "/healthz", "/debug/pprof/", "/favicon.ico", "/robots.txt",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
			t.Run(method+" "+path, func(t *testing.T) {
				fakeshop.Refused(t, ask(t, s, call{method: method, path: path, token: fakeshop.Backend, body: lifetime}), http.StatusNotFound, "There is nothing here")
			})
		}
	}
	if got := requests(s); len(got) > 0 {
		t.Errorf("got counts %v, want none", got)
	}
}

// TestWithoutCheckout: a server without the right to create orders has no route that does.
func TestWithoutCheckout(t *testing.T) {
	s := open(t, fakeshop.Options{WithoutCheckout: true, AppURL: appURL})
	for _, c := range []call{
		newOrder(lifetime), getOrder("paid"), get(checkout.OrdersPath), get(lifetimePath), get(lifetimePath).html(), buy(lifetimePath),
		preflight(checkout.OrdersPath, "https://shop.example.com", "POST", "authorization"),
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			answer := httptest.NewRecorder() // not compared with the description, which has the routes
			s.Handler.ServeHTTP(answer, c.request(t.Context()))
			fakeshop.Refused(t, answer, http.StatusNotFound, "There is nothing here")
			if got := corsHeaders(answer.Header()); len(got) > 0 {
				t.Errorf("got CORS headers %v, want none", got)
			}
		})
	}
	for _, c := range []call{capture("cs_test_paid"), get(billingPath + "cs_test_paid"), get("/dashboard/billing/page.css"), get("/openapi.yaml")} {
		check.Equal(t, http.StatusOK, ask(t, s, c).Code, "%s %s: status", c.method, c.path)
	}
}

// TestOtherWebhookPaths: Stripe follows no redirect, so a path that is not quite right is refused and not redirected.
func TestOtherWebhookPaths(t *testing.T) {
	body := event(t)
	for _, path := range []string{"/", "/api/webhooks/stripe/", "/api/webhooks", "/api/webhooks/stripe2", "/API/webhooks/stripe", "/healthz", "/metrics"} {
		f := newFixture(t, ledgerFunc(func(context.Context, payment.Fact) (ledger.Result, error) {
			t.Errorf("%s: got a call of the ledger, want none", path)
			return ledger.Applied, nil
		}))
		r := stripeevents.MakeDelivery(body).Sign(secret, time.Now()).Obj(t.Context())
		r.URL.Path = path
		fakeshop.Refused(t, f.send(r), http.StatusNotFound, webhook.Path)
		for sample, value := range scrape.Metrics(t, f.registry) {
			check.Equal(t, 0, value, "%s: %s", path, sample)
		}
	}
}

// TestWithoutRoutes: a server without routes of shops and buyers answers them 404.
func TestWithoutRoutes(t *testing.T) {
	s := newFixture(t, blocking(nil))
	for path := range allowed {
		check.Equal(t, http.StatusNotFound, s.send(get(path).request(t.Context())).Code, "%s: status", path)
	}
}

// TestHead: HEAD is answered with the status and headers of GET.
func TestHead(t *testing.T) {
	for _, path := range []string{"/api/orders/paid", "/api/orders/none", billingPath + "cs_test_paid", "/dashboard/billing/page.css", lifetimePath, "/openapi.yaml"} {
		s := open(t, fakeshop.Options{})
		whole := ask(t, s, call{method: http.MethodGet, path: path, token: fakeshop.Backend})
		head := ask(t, s, call{method: http.MethodHead, path: path, token: fakeshop.Backend})
		check.Equal(t, whole.Code, head.Code, "%s: status", path)
		check.Equal(t, whole.Header(), head.Header(), "%s: headers", path)
	}
}

// TestOpenAPI: the description is served as in the file.
func TestOpenAPI(t *testing.T) {
	want, err := os.ReadFile("openapi.yaml")
	check.Must(t, err)
	answer := ask(t, open(t, fakeshop.Options{}), get(webhookserver.OpenAPIPath))
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "application/yaml" || answer.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %d %v, want 200 as application/yaml", answer.Code, answer.Header())
	}
	check.Equal(t, string(want), answer.Body.String(), "text")
}

// requests are the counts of requests by route and status.
func requests(s *fakeshop.Shop) map[string]float64 {
	found := map[string]float64{}
	for sample, value := range s.Counted() {
		if labels, ok := strings.CutPrefix(sample, "requests_total"); ok {
			found[labels] = value
		}
	}
	return found
}

// TestRequestMetrics: each request is counted and timed once, by the pattern of its route, so that clients cannot add labels.
func TestRequestMetrics(t *testing.T) {
	s := open(t, fakeshop.Options{AppURL: appURL})
	want := map[string]float64{}
	for _, row := range []struct {
		call  call
		route string
	}{
		{newOrder(lifetime), "/api/orders"}, {newOrder(lifetime).as(""), "/api/orders"}, {newOrder(lifetime).as(fakeshop.OtherUser), "/api/orders"}, {get("/api/orders"), "/api/orders"},
		{getOrder("paid"), "/api/orders/{orderId}"}, {getOrder("none"), "/api/orders/{orderId}"}, {getOrder("a.b"), "/api/orders/{orderId}"}, {getOrder("pending"), "/api/orders/{orderId}"},
		{capture("cs_test_paid"), "/api/orders/capture"}, {capture("cs_test_none"), "/api/orders/capture"}, {captureOf("x"), "/api/orders/capture"}, {get("/api/orders/capture"), "/api/orders/capture"},
		{preflight(capturePath, "https://shop.example.com", "POST", ""), "/api/orders/capture"}, {preflight(capturePath, "https://evil.example", "POST", ""), "/api/orders/capture"},
		{get(billingPath + "cs_test_paid"), "/dashboard/billing"}, {get(billingPath + "cs_test_none"), "/dashboard/billing"}, {get("/dashboard/billing"), "/dashboard/billing"},
		{get("/dashboard/billing/page.css"), "/dashboard/billing/"}, {get("/dashboard/billing/" + strings.Repeat("a", 99)), "/dashboard/billing/"},
		{get(lifetimePath), "/buy/{namespace}/{paymentLink}"}, {buy(lifetimePath), "/buy/{namespace}/{paymentLink}"}, {buy("/buy/a/b"), "/buy/{namespace}/{paymentLink}"},
		{get("/openapi.yaml"), "/openapi.yaml"}, {call{method: http.MethodHead, path: "/openapi.yaml"}, "/openapi.yaml"},
	} {
		answer := ask(t, s, row.call)
		want[fmt.Sprintf(`{code="%d",route=%q}`, answer.Code, row.route)]++
		if diff := cmp.Diff(want, requests(s)); diff != "" {
			t.Fatalf("%s %s: counts (-want +got):\n%s", row.call.method, row.call.path, diff)
		}
	}
	samples := s.Counted()
	for labels := range want {
		_, route, _ := strings.Cut(labels, ",")
		n := 0.0
		for other, value := range want {
			if strings.HasSuffix(other, ","+route) {
				n += value
			}
		}
		check.Equal(t, n, samples["duration_seconds_count{"+route], "%s: durations", route)
	}
}

// TestDuration: the duration of a request is that of its handler.
func TestDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, fakeshop.Options{Cached: interceptor.Funcs{List: func(ctx context.Context, api client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			<-time.After(1500 * time.Millisecond)
			return api.List(ctx, list, options...)
		}}})
		ask(t, s, capture("cs_test_paid"))
		check.Equal(t, 1.5, s.Counted()[`duration_seconds_sum{route="/api/orders/capture"}`], "s")
	})
}
