package checkout_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	lifetime  = `{"paymentLink":"lifetime","namespace":"shop"}`
	forSale   = "/buy/shop/lifetime"
	keyHeader = "Idempotency-Key"
)

// errUnreachable is an error of the API server's client. It names an address that no answer may contain.
var errUnreachable = errors.New("dial tcp 10.0.0.1:443: connection refused")

// order is an order in the HTTP API.
type order struct {
	OrderID        string `json:"orderId"`
	Status         string `json:"status"`
	CheckoutURL    string `json:"checkoutUrl"`
	Namespace      string `json:"namespace"`
	Name           string `json:"name"`
	Amount         int64  `json:"amount"`
	AmountRefunded int64  `json:"amountRefunded"`
	Currency       string `json:"currency"`
	PaidAt         string `json:"paidAt"`
}

func private(l *v1alpha1.PaymentLink) { l.Spec.PublicCheckout = false }
func unready(l *v1alpha1.PaymentLink) { l.Spec.URL = "" }
func inAnnex(l *v1alpha1.PaymentLink) { l.Namespace = "annex" }

// newShop is a shop with the PaymentLink lifetime and other objects.
func newShop(t *testing.T, o fakeshop.Options, objects ...client.Object) *fakeshop.Shop {
	t.Helper()
	return fakeshop.New(t, o, append(objects, fakeshop.Link("lifetime"))...)
}

// cached are failures of reads of the cache, and live of reads and writes at the API server.
func cached(f interceptor.Funcs) fakeshop.Options { return fakeshop.Options{Cached: f} }
func live(f interceptor.Funcs) fakeshop.Options   { return fakeshop.Options{Failures: f} }

// readOnly fails the test at any write.
func readOnly(t *testing.T) fakeshop.Options { return live(fakeshop.ReadOnly(t)) }

// asked returns the request of a backend for an order.
func asked(t testing.TB, body string, headers ...string) *http.Request {
	t.Helper()
	return fakeshop.Post(t, "/api/orders", body, append([]string{"Authorization", "Bearer " + fakeshop.Backend}, headers...)...)
}

// create sends a request for an order with a key, and returns the order.
func create(t *testing.T, s *fakeshop.Shop, body, key string, replayed bool) order {
	t.Helper()
	return created(t, s.Send(asked(t, body, keyHeader, key)), replayed)
}

// created returns the order of an answer, and fails the test unless it was created, or replayed.
func created(t testing.TB, answer *httptest.ResponseRecorder, replayed bool) order {
	t.Helper()
	var o order
	if err := json.Unmarshal(answer.Body.Bytes(), &o); err != nil || answer.Code != http.StatusCreated {
		t.Errorf("got %d %s: %v, want an order", answer.Code, answer.Body, err)
	}
	header := ""
	if replayed {
		header = "true"
	}
	check.Equal(t, header, answer.Header().Get("Idempotent-Replayed"), "Idempotent-Replayed")
	check.Equal(t, "/api/orders/"+o.OrderID, answer.Header().Get("Location"), "Location")
	return o
}

// read gets an order.
func read(t *testing.T, s *fakeshop.Shop, token, id string) *httptest.ResponseRecorder {
	t.Helper()
	return s.Send(fakeshop.Request(t, http.MethodGet, "/api/orders/"+id, "", "Authorization", "Bearer "+token))
}

// readFrom gets an order through a proxy at 10.0.0.1.
func readFrom(t *testing.T, s *fakeshop.Shop, address, token string) *httptest.ResponseRecorder {
	t.Helper()
	r := fakeshop.Request(t, http.MethodGet, "/api/orders/mine", "", "Authorization", "Bearer "+token, "X-Forwarded-For", address)
	r.RemoteAddr = "10.0.0.1:1234"
	return s.Send(r)
}

// form is the request of a program for the form, and bought that of a browser.
func form(t testing.TB) *http.Request { return fakeshop.Request(t, http.MethodPost, forSale, "") }

func bought(t testing.TB, path string, headers ...string) *http.Request {
	t.Helper()
	return fakeshop.Request(t, http.MethodPost, path, "", append([]string{
		"Accept", "text/html", "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://example.com", "Sec-Fetch-Site", "same-origin",
	}, headers...)...)
}

// wantBuys compares the statuses of purchases, one after another.
func wantBuys(t *testing.T, s *fakeshop.Shop, path string, statuses ...int) {
	t.Helper()
	for i, want := range statuses {
		answer := s.Send(fakeshop.Request(t, http.MethodPost, path, ""))
		check.Equal(t, want, answer.Code, "purchase %d at %s: status with %s", i, path, answer.Body)
	}
}

// wantNotice fails the test unless an answer is a page with this text.
func wantNotice(t *testing.T, answer *httptest.ResponseRecorder, code int, want page.Text) {
	t.Helper()
	shown := fakeshop.Read(t, answer)
	if answer.Code != code || shown.State != want.State || shown.Title != want.Title || !strings.Contains(shown.Text, want.Message) || len(shown.Forms) > 0 {
		t.Errorf("got %d %+v, want %d %s", answer.Code, shown, code, want.State)
	}
}

// wantSame fails the test unless two answers are the same.
func wantSame(t *testing.T, want, got *httptest.ResponseRecorder, request string) {
	t.Helper()
	check.Equal(t, want.Code, got.Code, "%s: status", request)
	check.Equal(t, want.Header(), got.Header(), "%s: headers", request)
	check.Equal(t, want.Body.String(), got.Body.String(), "%s: body", request)
}

// wantTook fails the test unless the time since a start is this one, or up to 100 ms more.
func wantTook(t *testing.T, start time.Time, want, more time.Duration) {
	t.Helper()
	if took := time.Since(start); took < want || took > want+more {
		t.Errorf("got the answer after %s, want %s to %s", took, want, want+more)
	}
}

// limits are those of a small shop.
func limits(perAddress, perLink ratelimit.Rate, open int) checkout.Limits {
	return checkout.Limits{PerAddress: perAddress, PerLink: perLink, Open: open, Expiry: time.Hour}
}

// onlyOpen limits the unpaid orders alone.
func onlyOpen(n int) fakeshop.Options {
	return fakeshop.Options{Limits: limits(fakeshop.Anything, fakeshop.Anything, n)}
}
