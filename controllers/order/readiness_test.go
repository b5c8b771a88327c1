package order

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// TestJudgeReadiness is whether a buyer can be sent to pay, and where.
func TestJudgeReadiness(t *testing.T) {
	given := func(o *v1alpha1.Order) {
		o.Status.ClientReferenceID, o.Status.PaymentLinkID = o.ClientReferenceID(), "plink_1"
		o.Status.CheckoutURL = "https://buy.stripe.com/given?client_reference_id=o1-uid"
	}
	expired := func(o *v1alpha1.Order) { o.Status.ExpiredAt = &metav1.Time{Time: now} }
	test := func(o *v1alpha1.Order) { live := false; o.Spec.Livemode = &live }
	free := func(o *v1alpha1.Order) { o.Spec.Amount = 0 }
	address := func(url string) func(*v1alpha1.Order) {
		return func(o *v1alpha1.Order) { o.Spec.PaymentLinkURL = url }
	}
	changed := func(l *v1alpha1.PaymentLink) { l.Generation++ }
	elder := order("elder", in("annex"))
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
		// message is a piece of it.
		message string
	}{
		"by address":          {order("o1"), nil, nil, ready("https://buy.stripe.com/a?client_reference_id=o1-uid", ""), "The buyer pays at"},
		"by its own id":       {order("o1", orderID("shop-77")), nil, nil, readiness{ready: true, reason: v1alpha1.ReasonCheckoutReady, reference: "shop-77", checkoutURL: "https://buy.stripe.com/a?client_reference_id=shop-77"}, "The buyer pays at"},
		"it owns its id":      {order("o1"), order("o1"), nil, ready("https://buy.stripe.com/a?client_reference_id=o1-uid", ""), "The buyer pays at"},
		"address of no use":   {order("o1", address("ftp://x")), nil, nil, because(none, v1alpha1.ReasonInvalidSpec), "such as https://buy.stripe.com"},
		"no address at all":   {order("o1", address("")), nil, nil, because(none, v1alpha1.ReasonInvalidSpec), "such as https://buy.stripe.com"},
		"by a link":           {order("o1", by("l")), nil, link("l"), ready(throughLink, "plink_1"), "The buyer pays at"},
		"link of unknown id":  {order("o1", by("l")), nil, link("l", func(l *v1alpha1.PaymentLink) { l.Spec.PaymentLinkID = "" }), ready(throughLink, ""), "The buyer pays at"},
		"no such link":        {order("o1", by("l")), nil, nil, because(none, v1alpha1.ReasonPaymentLinkNotFound), `There is no PaymentLink "l"`},
		"link not ready":      {order("o1", by("l")), nil, link("l", func(l *v1alpha1.PaymentLink) { l.Spec.URL = "" }), because(none, v1alpha1.ReasonPaymentLinkNotReady), "see its conditions"},
		"link never judged":   {order("o1", by("l")), nil, &v1alpha1.PaymentLink{}, because(none, v1alpha1.ReasonPaymentLinkNotReady), "see its conditions"},
		"link changed since":  {order("o1", by("l")), nil, stale(link("l"), changed), because(none, v1alpha1.ReasonPaymentLinkNotReady), "see its conditions"},
		"another price":       {order("o1", by("l")), nil, link("l", sells(24900, "USD")), because(none, v1alpha1.ReasonPaymentLinkMismatch), "249.00 USD, not 199.00 USD"},
		"another currency":    {order("o1", by("l")), nil, link("l", sells(19900, "EUR")), because(none, v1alpha1.ReasonPaymentLinkMismatch), "199.00 EUR, not 199.00 USD"},
		"currency's case":     {order("o1", by("l")), nil, link("l", sells(19900, "usd")), ready(throughLink, "plink_1"), "The buyer pays at"},
		"another mode":        {order("o1", by("l"), test), nil, link("l"), because(none, v1alpha1.ReasonPaymentLinkMismatch), "in live mode, not in test mode"},
		"a full discount":     {order("o1", by("l"), free), nil, link("l"), ready(throughLink, "plink_1"), "The buyer pays at"},
		"free, other money":   {order("o1", by("l"), free), nil, link("l", sells(19900, "EUR")), because(none, v1alpha1.ReasonPaymentLinkMismatch), "EUR"},
		"duplicate":           {order("o1"), elder, nil, because(none, v1alpha1.ReasonDuplicateOrderID), "annex/elder"},
		"duplicate, was sent": {order("o1", given), elder, nil, readiness{reason: v1alpha1.ReasonDuplicateOrderID, reference: "o1-uid", paymentLinkID: "plink_1"}, "annex/elder"},
		"duplicate, expired":  {order("o1", expired), elder, nil, because(none, v1alpha1.ReasonDuplicateOrderID), "annex/elder"},
		"expired":             {order("o1", expired), nil, nil, because(none, v1alpha1.ReasonExpired), "create a new Order"},
		"expired, was sent":   {order("o1", given, expired), nil, nil, readiness{reason: v1alpha1.ReasonExpired, reference: "o1-uid", paymentLinkID: "plink_1"}, "create a new Order"},
		// An order keeps the price and the link that it was given.
		"given, link repriced": {order("o1", by("l"), given), nil, link("l", sells(24900, "USD")), ready("https://buy.stripe.com/given?client_reference_id=o1-uid", "plink_1"), "The buyer pays at"},
		"given, link gone":     {order("o1", by("l"), given), nil, nil, ready("https://buy.stripe.com/given?client_reference_id=o1-uid", "plink_1"), "The buyer pays at"},
		"given, link replaced": {order("o1", by("l"), given), nil, link("l", func(l *v1alpha1.PaymentLink) { l.Spec.PaymentLinkID = "plink_2" }), ready("https://buy.stripe.com/given?client_reference_id=o1-uid", "plink_1"), "The buyer pays at"},
		// What was copied stays so, even where the order loses its checkout URL for a while and is given one again.
		"given before, link replaced": {order("o1", by("l"), given, sentNowhere), nil, link("l", func(l *v1alpha1.PaymentLink) { l.Spec.PaymentLinkID = "plink_2" }), ready(throughLink, "plink_1"), "The buyer pays at"},
		"given before, link gone":     {order("o1", by("l"), given, sentNowhere), nil, nil, readiness{reason: v1alpha1.ReasonPaymentLinkNotFound, reference: "o1-uid", paymentLinkID: "plink_1"}, "There is no PaymentLink"},
		"another product":             {order("o1", by("l")), nil, link("l", func(l *v1alpha1.PaymentLink) { l.Spec.ProductID = "basic" }), because(none, v1alpha1.ReasonPaymentLinkMismatch), "product basic, not lifetime"},
	} {
		t.Run(name, func(t *testing.T) {
			got := judgeReadiness(row.order, surroundings{owner: row.owner, link: row.link})
			if !strings.Contains(got.message, row.message) {
				t.Errorf("%q does not say %q", got.message, row.message)
			}
			got.message = ""
			if diff := cmp.Diff(row.want, got, cmp.AllowUnexported(readiness{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// stale changes a link after it was judged.
func stale(l *v1alpha1.PaymentLink, change func(*v1alpha1.PaymentLink)) *v1alpha1.PaymentLink {
	change(l)
	return l
}
