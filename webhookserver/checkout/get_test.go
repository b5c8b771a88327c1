package checkout_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/fakeshop"
)

// paid makes an order a paid one, with every field.
func paid(o *v1alpha1.Order) {
	at := metav1.NewTime(fakeshop.Now)
	o.Status = v1alpha1.OrderStatus{
		Phase: v1alpha1.OrderPaid, PaidAt: &at, AmountRefunded: 5000, ProviderOrderID: "cs_1", ProviderCaptureID: "pi_1", PaymentLinkID: "plink_1",
		Payments: []v1alpha1.Payment{{SessionID: "cs_1", Outcome: v1alpha1.OutcomePaid, PaymentIntentID: "pi_1", Amount: 19900, Currency: "usd", AmountRefunded: 5000, PaidAt: &at}},
	}
}

// TestGet: the response has the fields of the API alone.
func TestGet(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{Failures: fakeshop.ReadOnly(t), Cached: fakeshop.ReadOnly(t)}, fakeshop.Link("lifetime"),
		fakeshop.Order("Mine"), fakeshop.Order("sold", paid), fakeshop.Order("stuck", func(o *v1alpha1.Order) { o.Spec.PaymentLinkRef.Name = "none" }),
		fakeshop.Order("anonymous", func(o *v1alpha1.Order) { o.Spec.OrderID = "" }))
	const pay = "https://buy.stripe.com/test_a?client_reference_id="
	for id, want := range map[string]string{
		"Mine":             `{"orderId":"Mine","status":"pending","checkoutUrl":"` + pay + `Mine","namespace":"shop","name":"mine","amount":19900,"amountRefunded":0,"currency":"USD"}`,
		"sold":             `{"orderId":"sold","status":"paid","checkoutUrl":"` + pay + `sold","namespace":"shop","name":"sold","amount":19900,"amountRefunded":5000,"currency":"USD","paidAt":"2026-11-23T12:00:00Z"}`,
		"stuck":            `{"orderId":"stuck","status":"pending","namespace":"shop","name":"stuck","amount":19900,"amountRefunded":0,"currency":"USD"}`,
		"uid-of-anonymous": `{"orderId":"uid-of-anonymous","status":"pending","checkoutUrl":"` + pay + `uid-of-anonymous","namespace":"shop","name":"anonymous","amount":19900,"amountRefunded":0,"currency":"USD"}`,
	} {
		answer := read(t, s, fakeshop.Backend, id)
		check.Equal(t, http.StatusOK, answer.Code, "%s: status", id)
		check.Equal(t, want, strings.TrimSpace(answer.Body.String()), "%s: order", id)
		check.Equal(t, "no-store", answer.Header().Get("Cache-Control"), "%s: Cache-Control", id)
	}
}

// TestUnknownAndForbidden: an order that the caller may not read is answered as one that does not exist.
func TestUnknownAndForbidden(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Order("mine"), fakeshop.Order("theirs", func(o *v1alpha1.Order) { o.Namespace = "annex" }))
	want := read(t, s, fakeshop.Backend, "nobodys")
	fakeshop.Refused(t, want, http.StatusNotFound, "orderId: there is no order of this id that you may read (RBAC: get orders.payments.paylink.dev in its namespace).")
	for name, got := range map[string]*httptest.ResponseRecorder{
		"another namespace's": read(t, s, fakeshop.Backend, "theirs"), "a stranger's": read(t, s, fakeshop.OtherUser, "mine"), "its name": read(t, s, fakeshop.Backend, "uid-of-mine"),
	} {
		wantSame(t, want, got, name)
	}
}

// TestRightByName: RBAC can allow one order by its name.
func TestRightByName(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Order("Mine"), fakeshop.Order("Yours"))
	s.Users.Allow(func(spec authorizationv1.SubjectAccessReviewSpec) bool {
		return spec.ResourceAttributes.Verb == "get" && spec.ResourceAttributes.Name == "mine"
	})
	check.Equal(t, http.StatusOK, read(t, s, fakeshop.OtherUser, "Mine").Code, "status")
	check.Equal(t, http.StatusNotFound, read(t, s, fakeshop.OtherUser, "Yours").Code, "status for another order")
}

// TestInvalidID: an invalid id is answered 400, to a caller with a token.
func TestInvalidID(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Order("mine"))
	for _, id := range []string{"a.b", "a%20b", "%C3%BC", "a%2Fb", strings.Repeat("a", 201), "mine%00", "mine%0A", "%2E%2E"} {
		p := fakeshop.Refused(t, read(t, s, fakeshop.Backend, id), http.StatusBadRequest, "orderId: is no id of an order: such ids hold letters, digits, _ and - alone, 200 characters at most.")
		check.Equal(t, []string{"orderId"}, p.Fields(), "%s: fields", id)
		fakeshop.Refused(t, read(t, s, "wrong", id), http.StatusUnauthorized, "Kubernetes does not know this token")
	}
	fakeshop.Refused(t, read(t, s, fakeshop.Backend, strings.Repeat("a", 200)), http.StatusNotFound, "there is no order of this id")
}

// TestJustCreated: an order that the cache does not have yet is read from the API server.
func TestJustCreated(t *testing.T) {
	answer := read(t, newShop(t, cached(fakeapi.FailList(nil)), fakeshop.Order("mine")), fakeshop.Backend, "mine")
	check.Equal(t, http.StatusOK, answer.Code, "status")
	check.Contains(t, answer.Body.String(), `"orderId":"mine"`)
}

// TestOrdersUnavailable: if the orders or the PaymentLink cannot be read, the answer is 503.
func TestOrdersUnavailable(t *testing.T) {
	s := newShop(t, fakeshop.Options{Failures: fakeshop.ReadOnly(t), Cached: fakeapi.FailList(errUnreachable)}, fakeshop.Order("mine"))
	fakeshop.Unavailable(t, read(t, s, fakeshop.Backend, "mine"), "try again later")
	fakeshop.Unavailable(t, s.Send(asked(t, lifetime, keyHeader, "k1")), "try again later")
	fakeshop.Unavailable(t, s.Send(asked(t, `{"paymentLink":"lifetime","namespace":"shop","orderId":"mine"}`)), "try again later")
	s = newShop(t, fakeshop.Options{Failures: fakeshop.ReadOnly(t), Cached: fakeapi.FailGet(errUnreachable)})
	fakeshop.Unavailable(t, s.Send(asked(t, lifetime)), "The PaymentLink could not be read: try again later.")
}
