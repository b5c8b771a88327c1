package fakeshop

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// Link is a public PaymentLink of the namespace shop for 199.00 USD in test mode.
func Link(name string, changes ...func(*v1alpha1.PaymentLink)) *v1alpha1.PaymentLink {
	return fakeapi.MakePaymentLink(name).Product("lifetime", "Lifetime").URL("https://buy.stripe.com/test_a").TestMode().PublicCheckout().With(changes...).Obj()
}

// Order is an order of the namespace shop, an hour old, for the PaymentLink lifetime.
func Order(id string, changes ...func(*v1alpha1.Order)) *v1alpha1.Order {
	return fakeapi.MakeOrder(strings.ToLower(id)).UID("uid-of-"+id).Age(time.Hour).Product("lifetime", "Lifetime").TestMode().
		OrderID(id).CustomerID("customer-of-" + id).PaymentLink("lifetime").Phase(v1alpha1.OrderPending).With(changes...).Obj()
}

// StripeFunc looks up sessions by a function.
type StripeFunc func(ctx context.Context, id string) (stripeclient.Session, error)

// Sees reports whether a session is of test mode, as the API key is.
func (f StripeFunc) Sees(id string) bool { return !strings.HasPrefix(id, "cs_live_") }

// Session calls the function.
func (f StripeFunc) Session(ctx context.Context, id string) (stripeclient.Session, error) {
	return f(ctx, id)
}

// ReadOnly fails the test at any write.
func ReadOnly(t testing.TB) interceptor.Funcs { return fakeapi.ReadOnly(t) }

// Request is a request of a client at 192.0.2.7.
func Request(t testing.TB, method, path, body string, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:4711"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// Post is a POST with a JSON body.
func Post(t testing.TB, path, body string, headers ...string) *http.Request {
	t.Helper()
	return Request(t, http.MethodPost, path, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

// Problem is the body of a problem.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Field  string `json:"field"`
		Detail string `json:"detail"`
	} `json:"errors"`
	OrderID string `json:"orderId"`
}

// Fields are the names of the invalid fields.
func (p Problem) Fields() []string {
	var fields []string
	for _, e := range p.Errors {
		fields = append(fields, e.Field)
	}
	return fields
}

// Unavailable is Refused for a 503 that says when to try again, and has no address of the cluster.
func Unavailable(t testing.TB, answer *httptest.ResponseRecorder, says string) Problem {
	t.Helper()
	check.Equal(t, "5", answer.Header().Get("Retry-After"), "Retry-After")
	check.Lacks(t, answer.Body.String(), "10.0.0.1")
	return Refused(t, answer, http.StatusServiceUnavailable, says)
}

// Refused fails the test unless an answer is a problem of this status, with these words in its detail. It returns the
// problem.
func Refused(t testing.TB, answer *httptest.ResponseRecorder, status int, says string) Problem {
	t.Helper()
	var p Problem
	if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil {
		t.Errorf("got %d %s: %v, want a problem", answer.Code, answer.Body, err)
	}
	if kind := answer.Header().Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("got %d of type %q, want a problem", answer.Code, kind)
	}
	if answer.Code != status || p.Status != status || p.Title != http.StatusText(status) || !strings.Contains(p.Detail, says) {
		t.Errorf("got %d %+v, want %d %q", answer.Code, p, status, says)
	}
	return p
}
