package order

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

func TestEvaluate(t *testing.T) {
	// given is a status with a checkout URL that no current link has.
	given := func(o *v1alpha1.Order) {
		o.Status.ClientReferenceID, o.Status.PaymentLinkID = o.ClientReferenceID(), "plink_1"
		o.Status.CheckoutURL = "https://buy.stripe.com/given?client_reference_id=o1-uid"
	}
	expired := func(o *v1alpha1.Order) { o.Status.ExpiredAt = &metav1.Time{Time: now} }
	changed := func(l *v1alpha1.PaymentLink) { l.Generation++ }
	elder := fakeapi.MakeOrder("elder").Namespace("annex").Obj()
	none := readiness{}
	sentNowhere := func(o *v1alpha1.Order) { o.Status.CheckoutURL = "" }
	ready := func(url, linkID string) readiness {
		return readiness{ready: true, reason: v1alpha1.ReasonCheckoutReady, reference: "o1-uid", checkoutURL: url, paymentLinkID: linkID}
	}
	because := func(r readiness, reason string) readiness { r.reason = reason; return r }
	const throughLink = "https://buy.stripe.com/b?locale=de&client_reference_id=o1-uid"
	for name, row := range map[string]struct {
		order *v1alpha1.Order
		owner *v1alpha1.Order
		link  *v1alpha1.PaymentLink
		want  readiness
		// message is in the message of the readiness.
		message string
	}{
		"by address":           {fakeapi.MakeOrder("o1").Obj(), nil, nil, ready("https://buy.stripe.com/a?client_reference_id=o1-uid", ""), "The buyer pays at"},
		"with orderId":         {fakeapi.MakeOrder("o1").OrderID("shop-77").Obj(), nil, nil, readiness{ready: true, reason: v1alpha1.ReasonCheckoutReady, reference: "shop-77", checkoutURL: "https://buy.stripe.com/a?client_reference_id=shop-77"}, "The buyer pays at"},
		"it owns its id":       {fakeapi.MakeOrder("o1").Obj(), fakeapi.MakeOrder("o1").Obj(), nil, ready("https://buy.stripe.com/a?client_reference_id=o1-uid", ""), "The buyer pays at"},
		"invalid address":      {fakeapi.MakeOrder("o1").URL("ftp://x").Obj(), nil, nil, because(none, v1alpha1.ReasonInvalidSpec), "such as https://buy.stripe.com"},
		"no address at all":    {fakeapi.MakeOrder("o1").URL("").Obj(), nil, nil, because(none, v1alpha1.ReasonInvalidSpec), "such as https://buy.stripe.com"},
		"by a link":            {fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), nil, fakeapi.MakePaymentLink("l").Ready().Obj(), ready(throughLink, "plink_1"), "The buyer pays at"},
		"link of unknown id":   {fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), nil, fakeapi.MakePaymentLink("l").StripeID("").Ready().Obj(), ready(throughLink, ""), "The buyer pays at"},
		"no such link":         {fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), nil, nil, because(none, v1alpha1.ReasonPaymentLinkNotFound), `There is no PaymentLink "l"`},
		"link not ready":       {fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), nil, fakeapi.MakePaymentLink("l").URL("").Obj(), because(none, v1alpha1.ReasonPaymentLinkNotReady), "see its conditions"},
		"link without status":  {fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), nil, &v1alpha1.PaymentLink{}, because(none, v1alpha1.ReasonPaymentLinkNotReady), "see its conditions"},
		"link changed since":   {fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), nil, stale(fakeapi.MakePaymentLink("l").Ready().Obj(), changed), because(none, v1alpha1.ReasonPaymentLinkNotReady), "see its conditions"},
		"another price":        {fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), nil, fakeapi.MakePaymentLink("l").Price(24900, "USD").Ready().Obj(), because(none, v1alpha1.ReasonPaymentLinkMismatch), "249.00 USD, not 199.00 USD"},
		"another currency":     {fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), nil, fakeapi.MakePaymentLink("l").Price(19900, "EUR").Ready().Obj(), because(none, v1alpha1.ReasonPaymentLinkMismatch), "199.00 EUR, not 199.00 USD"},
		"currency's case":      {fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), nil, fakeapi.MakePaymentLink("l").Price(19900, "usd").Ready().Obj(), ready(throughLink, "plink_1"), "The buyer pays at"},
		"another mode":         {fakeapi.MakeOrder("o1").PaymentLink("l").TestMode().Obj(), nil, fakeapi.MakePaymentLink("l").Ready().Obj(), because(none, v1alpha1.ReasonPaymentLinkMismatch), "in live mode, not in test mode"},
		"a full discount":      {fakeapi.MakeOrder("o1").PaymentLink("l").Price(0, "USD").Obj(), nil, fakeapi.MakePaymentLink("l").Ready().Obj(), ready(throughLink, "plink_1"), "The buyer pays at"},
		"free, other money":    {fakeapi.MakeOrder("o1").PaymentLink("l").Price(0, "USD").Obj(), nil, fakeapi.MakePaymentLink("l").Price(19900, "EUR").Ready().Obj(), because(none, v1alpha1.ReasonPaymentLinkMismatch), "EUR"},
		"duplicate":            {fakeapi.MakeOrder("o1").Obj(), elder, nil, because(none, v1alpha1.ReasonDuplicateOrderID), "annex/elder"},
		"duplicate, was ready": {fakeapi.MakeOrder("o1").With(given).Obj(), elder, nil, readiness{reason: v1alpha1.ReasonDuplicateOrderID, reference: "o1-uid", paymentLinkID: "plink_1"}, "annex/elder"},
		"duplicate, expired":   {fakeapi.MakeOrder("o1").With(expired).Obj(), elder, nil, because(none, v1alpha1.ReasonDuplicateOrderID), "annex/elder"},
		"expired":              {fakeapi.MakeOrder("o1").With(expired).Obj(), nil, nil, because(none, v1alpha1.ReasonExpired), "create a new Order"},
		"expired, was ready":   {fakeapi.MakeOrder("o1").With(given).With(expired).Obj(), nil, nil, readiness{reason: v1alpha1.ReasonExpired, reference: "o1-uid", paymentLinkID: "plink_1"}, "create a new Order"},
		// A ready order keeps its price and its link.
		"ready, link repriced": {fakeapi.MakeOrder("o1").With(given).PaymentLink("l").Obj(), nil, fakeapi.MakePaymentLink("l").Price(24900, "USD").Ready().Obj(), ready("https://buy.stripe.com/given?client_reference_id=o1-uid", "plink_1"), "The buyer pays at"},
		"ready, link gone":     {fakeapi.MakeOrder("o1").With(given).PaymentLink("l").Obj(), nil, nil, ready("https://buy.stripe.com/given?client_reference_id=o1-uid", "plink_1"), "The buyer pays at"},
		"ready, link replaced": {fakeapi.MakeOrder("o1").With(given).PaymentLink("l").Obj(), nil, fakeapi.MakePaymentLink("l").StripeID("plink_2").Ready().Obj(), ready("https://buy.stripe.com/given?client_reference_id=o1-uid", "plink_1"), "The buyer pays at"},
		// The copied link stays if the order loses its checkout URL and gets one again.
		"once ready, link replaced": {fakeapi.MakeOrder("o1").With(given).PaymentLink("l").With(sentNowhere).Obj(), nil, fakeapi.MakePaymentLink("l").StripeID("plink_2").Ready().Obj(), ready(throughLink, "plink_1"), "The buyer pays at"},
		"once ready, link gone":     {fakeapi.MakeOrder("o1").With(given).PaymentLink("l").With(sentNowhere).Obj(), nil, nil, readiness{reason: v1alpha1.ReasonPaymentLinkNotFound, reference: "o1-uid", paymentLinkID: "plink_1"}, "There is no PaymentLink"},
		"another product":           {fakeapi.MakeOrder("o1").PaymentLink("l").Obj(), nil, fakeapi.MakePaymentLink("l").Product("basic", "").Ready().Obj(), because(none, v1alpha1.ReasonPaymentLinkMismatch), "product basic, not lifetime"},
	} {
		t.Run(name, func(t *testing.T) {
			got := evaluate(row.order, inputs{owner: row.owner, link: row.link})
			if !strings.Contains(got.message, row.message) {
				t.Errorf("message: got %q, want %q in it", got.message, row.message)
			}
			got.message = ""
			if diff := cmp.Diff(row.want, got, cmp.AllowUnexported(readiness{})); diff != "" {
				t.Errorf("readiness (-want +got): %s", diff)
			}
		})
	}
}

// stale changes a link after its status was written.
func stale(l *v1alpha1.PaymentLink, change func(*v1alpha1.PaymentLink)) *v1alpha1.PaymentLink {
	change(l)
	return l
}
