package returnpage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
	"github.com/paylink-dev/paylink/webhookserver/returnpage"
)

func body(session string) string {
	return fmt.Sprintf(`{"provider":"stripe","session_id":%q}`, session)
}

// captured is a response of the capture route.
type captured struct {
	OrderID *string `json:"orderId"`
	Status  string  `json:"status"`
	Final   bool    `json:"final"`
	Message string  `json:"message"`
}

// TestCapture: the response for every state of a payment.
func TestCapture(t *testing.T) {
	s := newShop(t, fakeshop.Options{Stripe: fakeshop.StripeFunc(stripe)})
	of := func(id string) *string { return &id }
	for session, row := range map[string]struct {
		orderID *string
		status  string
		final   bool
		state   returnpage.State
	}{
		"cs_test_paid":         {of("paid"), "paid", true, returnpage.Paid},
		"cs_test_refunded":     {of("refunded"), "refunded", true, returnpage.Refunded},
		"cs_test_failed":       {of("failed"), "failed", true, returnpage.Failed},
		"cs_test_underway":     {of("underway"), "failed", false, returnpage.Processing},
		"cs_test_mismatch":     {of("mismatch"), "pending", true, returnpage.Review},
		"cs_test_newpaid":      {of("new"), "paid", false, returnpage.Received},
		"cs_test_newdebit":     {of("new"), "failed", false, returnpage.Processing},
		"cs_test_newmismatch":  {of("new"), "pending", false, returnpage.Review},
		"cs_test_refundFailed": {of("refundFailed"), "refunded", true, returnpage.RefundFailed},
		"cs_test_newopen":      {nil, "pending", false, returnpage.Unfinished},
		"cs_test_newended":     {nil, "pending", true, returnpage.SessionExpired},
		"cs_test_lateopen":     {nil, "pending", false, returnpage.Unfinished},
		"cs_test_theirsopen":   {nil, "pending", false, returnpage.Unfinished}, // as if there were such an order
		"cs_test_theirsended":  {nil, "pending", true, returnpage.SessionExpired},
		"cs_test_noneopen":     {nil, "", false, returnpage.Unknown},
		"cs_test_latepaid":     {of("late"), "paid", false, returnpage.Received},
		"cs_test_away":         {nil, "pending", false, returnpage.Confirming},
		"cs_live_whatever":     {nil, "pending", false, returnpage.Confirming},
		"cs_test_nobodys":      {nil, "", false, returnpage.Unknown},
		"cs_test_nonepaid":     {nil, "", false, returnpage.Unknown}, // without a reference
		"cs_test_theirspaid":   {nil, "", false, returnpage.Unknown}, // of another shop on the same account
		"cs_test_PAID":         {nil, "", false, returnpage.Unknown},
	} {
		t.Run(session, func(t *testing.T) {
			answer := s.Send(from(t, session, "/api/orders/capture", body(session)))
			if row.state == returnpage.Unknown {
				p := fakeshop.Refused(t, answer, http.StatusNotFound, "session_id: no order here has this checkout session.")
				if len(p.Errors) != 1 || p.Errors[0].Field != "session_id" {
					t.Errorf("got problem %+v", p)
				}
				return
			}
			var got captured
			if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || answer.Code != http.StatusOK {
				t.Fatalf("got %d %s: %v, want 200", answer.Code, answer.Body, err)
			}
			check.Equal(t, captured{row.orderID, row.status, row.final, returnpage.TextOf(row.state).Message}, got, "result")
			// The id of a session gives access to the state of its payment, and to no other data.
			for _, word := range []string{"customer-of", "shop\"", "lifetime", "Lifetime", "pi_", "plink_", "19900"} {
				check.Lacks(t, answer.Body.String(), word)
			}
		})
	}
}

// from returns a request of a client with an address for each session.
func from(t testing.TB, session, path, body string) *http.Request {
	t.Helper()
	r := fakeshop.Post(t, path, body)
	sum := 0
	for _, letter := range session {
		sum = (31*sum + int(letter)) % 65521
	}
	r.RemoteAddr = fmt.Sprintf("198.18.%d.%d:4711", sum>>8, sum&255)
	return r
}

// TestWithoutKey: without an API key, a payment is pending until its webhook comes.
func TestWithoutKey(t *testing.T) {
	s := newShop(t, fakeshop.Options{})
	for session, want := range map[string]string{
		"cs_test_paid": `"status":"paid","final":true`, "cs_test_newpaid": `{"orderId":null,"status":"pending","final":false`, "cs_test_nobodys": `{"orderId":null,"status":"pending","final":false`,
	} {
		if answer := s.Send(fakeshop.Post(t, "/api/orders/capture", body(session))); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%s: got %d %s, want 200 %s", session, answer.Code, answer.Body, want)
		}
	}
}

// TestInvalidCapture: an invalid request is answered with the field, and without a call to Stripe.
func TestInvalidCapture(t *testing.T) {
	s := newShop(t, fakeshop.Options{Stripe: fakeshop.StripeFunc(func(context.Context, string) (stripeclient.Session, error) {
		t.Error("got a call to Stripe, want none")
		return stripeclient.Session{}, stripeclient.ErrNoSuchObject
	})})
	for name, row := range map[string]struct {
		body   string
		status int
		field  string
		says   string
	}{
		"nothing":             {``, 400, "", "The body is empty"},
		"no object":           {`[]`, 400, "", "The body is no JSON object"},
		"an empty object":     {`{}`, 400, "provider", `provider: is missing: write "stripe".`},
		"no provider":         {`{"session_id":"cs_test_paid"}`, 400, "provider", `provider: is missing: write "stripe".`},
		"another provider":    {`{"provider":"paypal","session_id":"cs_test_paid"}`, 400, "provider", `provider: must be "stripe", the only provider.`},
		"Stripe in capitals":  {`{"provider":"Stripe","session_id":"cs_test_paid"}`, 400, "provider", `provider: must be "stripe", the only provider.`},
		"no session":          {`{"provider":"stripe"}`, 400, "session_id", "session_id: is missing: write the checkout session's id (cs_…)."},
		"a session of null":   {`{"provider":"stripe","session_id":null}`, 400, "session_id", "session_id: is missing"},
		"a payment intent":    {body("pi_1"), 400, "session_id", "session_id: is no id of a checkout session: one begins with cs_live_ or cs_test_, followed by letters and digits."},
		"an unfilled session": {body("{CHECKOUT_SESSION_ID}"), 400, "session_id", "session_id: is no id of a checkout session"},
		"a path":              {body("cs_test_a/../../../charges"), 400, "session_id", "session_id: is no id of a checkout session"},
		"a number":            {`{"provider":"stripe","session_id":7}`, 400, "session_id", "session_id: must be a string."},
		"a field of nobody's": {`{"provider":"stripe","session_id":"cs_test_paid","orderId":"paid"}`, 400, "orderId", "orderId: is not a field of this request"},
		"a session twice":     {`{"provider":"stripe","session_id":"cs_test_paid","session_id":"cs_test_failed"}`, 400, "session_id", "session_id: is there more than once."},
		"much too much":       {body("cs_test_" + strings.Repeat("a", 16<<10)), 413, "", "at most 16 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			p := fakeshop.Refused(t, s.Send(fakeshop.Post(t, "/api/orders/capture", row.body)), row.status, row.says)
			check.Equal(t, row.field != "", len(p.Errors) == 1 && p.Errors[0].Field == row.field, "fields %+v", p.Errors)
		})
	}
	fakeshop.Refused(t, s.Send(fakeshop.Request(t, http.MethodPost, "/api/orders/capture", body("cs_test_paid"), "Content-Type", "text/plain")),
		http.StatusUnsupportedMediaType, "Content-Type: send a JSON object")
	cut := fakeshop.Post(t, "/api/orders/capture", "")
	cut.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"provider"`), iotest.ErrReader(io.ErrUnexpectedEOF)))
	fakeshop.Refused(t, s.Send(cut), http.StatusRequestTimeout, "could not be read to its end in time")
}

// TestOrdersUnavailable: if the orders cannot be read, the answer is 503 without the error.
func TestOrdersUnavailable(t *testing.T) {
	o := fakeshop.Options{Stripe: fakeshop.StripeFunc(stripe)}
	o.Cached.List = func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return errors.New("dial tcp 10.0.0.1:443: connection refused")
	}
	s := fakeshop.New(t, o, newObjects()...)
	answer := s.Send(fakeshop.Post(t, "/api/orders/capture", body("cs_test_paid")))
	fakeshop.Refused(t, answer, http.StatusServiceUnavailable, "The payment could not be looked up: ask again later.")
	if after := answer.Header().Get("Retry-After"); after != "5" || strings.Contains(answer.Body.String(), "10.0.0.1") {
		t.Errorf("got Retry-After %s and %s, want 5 and nothing of the cluster", after, answer.Body)
	}
	check.Contains(t, s.Logged.String(), "connection refused")
}

// TestOrdersUnavailableAfterStripe: the same holds for the look-up by the reference from Stripe.
func TestOrdersUnavailableAfterStripe(t *testing.T) {
	o := fakeshop.Options{Stripe: fakeshop.StripeFunc(stripe)}
	looks := 0
	o.Cached.List = func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		if looks++; looks > 1 {
			return errors.New("timeout")
		}
		return c.List(ctx, list, opts...)
	}
	s := fakeshop.New(t, o, newObjects()...)
	fakeshop.Refused(t, s.Send(fakeshop.Post(t, "/api/orders/capture", body("cs_test_newpaid"))), http.StatusServiceUnavailable, "ask again later")
}

// TestRateLimit: the requests of each client are limited. An invalid request counts too.
func TestRateLimit(t *testing.T) {
	s := newShop(t, fakeshop.Options{Looks: ratelimit.Rate{Events: 3, Per: time.Minute, Burst: 3}, Proxies: "10.0.0.1"})
	send := func(address, body string) int {
		r := fakeshop.Post(t, "/api/orders/capture", body, "X-Forwarded-For", address)
		r.RemoteAddr = "10.0.0.1:1234"
		answer := s.Send(r)
		if answer.Code == http.StatusTooManyRequests {
			fakeshop.Refused(t, answer, http.StatusTooManyRequests, "Too many requests from your network: ask again later.")
			check.Equal(t, "20", answer.Header().Get("Retry-After"), "Retry-After")
		}
		return answer.Code
	}
	for i, step := range []struct {
		passes  time.Duration
		address string
		body    string
		want    int
	}{
		{0, "192.0.2.1", body("cs_test_paid"), 200}, {0, "192.0.2.1", "", 400}, {0, "192.0.2.1", body("cs_test_paid"), 200},
		{0, "192.0.2.1", body("cs_test_paid"), 429}, {0, "192.0.2.1", "", 429}, {0, "192.0.2.2", body("cs_test_paid"), 200},
		{20 * time.Second, "192.0.2.1", body("cs_test_paid"), 200}, {0, "192.0.2.1", body("cs_test_paid"), 429},
	} {
		s.Clock.SetTime(s.Clock.Now().Add(step.passes))
		check.Equal(t, step.want, send(step.address, step.body), "step %d: status", i)
	}
	check.Equal(t, map[string]float64{"address": 3}, s.Limited(), "refusals by limit")
}

// TestOldestHasTheReference: a reference that several orders share belongs to the oldest, as in the ledger.
func TestOldestHasTheReference(t *testing.T) {
	twin := fakeshop.Order("new", func(o *v1alpha1.Order) {
		o.Name, o.UID, o.CreationTimestamp = "twin", "uid-0", metav1.NewTime(fakeshop.Now)
		o.Status.Payments = []v1alpha1.Payment{{SessionID: "cs_test_other", Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", PaymentLinkID: "plink_1"}}
	})
	s := fakeshop.New(t, fakeshop.Options{Stripe: fakeshop.StripeFunc(stripe)}, append(newObjects(), twin)...)
	answer := s.Send(fakeshop.Post(t, "/api/orders/capture", body("cs_test_newopen")))
	check.Contains(t, answer.Body.String(), `"status":"pending"`)
}

// TestNoReference: a session without a reference belongs to no order, not even to one without a reference.
func TestNoReference(t *testing.T) {
	nameless := fakeshop.Order("x", func(o *v1alpha1.Order) { o.UID, o.Spec.OrderID = "", "" })
	s := fakeshop.New(t, fakeshop.Options{Stripe: fakeshop.StripeFunc(stripe)}, fakeshop.Link("lifetime"), nameless)
	fakeshop.Refused(t, s.Send(fakeshop.Post(t, "/api/orders/capture", body("cs_test_nonepaid"))), http.StatusNotFound, "no order here has this checkout session")
}
