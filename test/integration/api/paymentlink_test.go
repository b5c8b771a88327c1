package api_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
)

var paymentLinkRefusals = map[string]refusal{
	"nothing said at all":       {`{spec: null}`, "spec", "Required"},
	"no amount":                 {`{spec: {amount: null}}`, "spec.amount", "Required"},
	"amount below zero":         {`{spec: {amount: -1}}`, "spec.amount", "greater than or equal to 0"},
	"amount beyond all money":   {`{spec: {amount: 1000000000000}}`, "spec.amount", "less than or equal to 999999999999"},
	"amount in dollars":         {`{spec: {amount: 199.5}}`, "spec.amount", "must be of type int64"},
	"amount in words":           {`{spec: {amount: "19900"}}`, "spec.amount", "must be of type integer"},
	"no currency":               {`{spec: {currency: null}}`, "spec.currency", "Required"},
	"currency of two letters":   {`{spec: {currency: US}}`, "spec.currency", currencySays},
	"currency with a sign":      {`{spec: {currency: US$}}`, "spec.currency", currencySays},
	"currency of four letters":  {`{spec: {currency: USDT}}`, "spec.currency", currencySays},
	"currency in a sentence":    {`{spec: {currency: "` + long(17) + `"}}`, "spec.currency", "may not be more than 16 bytes"},
	"no product":                {`{spec: {productId: null}}`, "spec.productId", "Required"},
	"empty product":             {`{spec: {productId: ""}}`, "spec.productId", "at least 1 chars long"},
	"product too long":          {`{spec: {productId: "` + long(201) + `"}}`, "spec.productId", "may not be more than 200"},
	"product name too long":     {`{spec: {productName: "` + long(251) + `"}}`, "spec.productName", "may not be more than 250"},
	"another provider":          {`{spec: {provider: paypal}}`, "spec.provider", `supported values: "stripe"`},
	"no address":                {`{spec: {url: null}}`, "spec.url", "Required"},
	"empty address":             {`{spec: {url: ""}}`, "spec.url", urlSays},
	"address without a scheme":  {`{spec: {url: buy.stripe.com/abc}}`, "spec.url", urlSays},
	"address without a host":    {`{spec: {url: "https:///abc"}}`, "spec.url", urlSays},
	"script for an address":     {`{spec: {url: "javascript:alert(1)"}}`, "spec.url", urlSays},
	"address with a fragment":   {`{spec: {url: "https://buy.stripe.com/abc#top"}}`, "spec.url", urlSays},
	"link's id for an address":  {`{spec: {url: plink_1ABC}}`, "spec.url", urlSays},
	"address too long":          {`{spec: {url: "https://buy.stripe.com/` + long(2026) + `"}}`, "spec.url", "may not be more than 2048"},
	"address with a reference":  {`{spec: {url: "https://buy.stripe.com/abc?client_reference_id=7"}}`, "spec.url", "leave client_reference_id out of the URL: Paylink adds each order's own"},
	"plain http for real money": {`{spec: {url: "http://127.0.0.1:8080/pay"}}`, "spec.url", "a live PaymentLink needs an https:// url; http:// is for test mode (livemode: false)"},
	"address for a link's id":   {`{spec: {paymentLinkId: "https://buy.stripe.com/abc"}}`, "spec.paymentLinkId", "paymentLinkId is Stripe's id of the link and begins with plink_; the address goes into url"},
	"session for a link's id":   {`{spec: {paymentLinkId: cs_1}}`, "spec.paymentLinkId", "begins with plink_"},
	"nothing after plink_":      {`{spec: {paymentLinkId: plink_}}`, "spec.paymentLinkId", "begins with plink_"},
	"link's id too long":        {`{spec: {paymentLinkId: "plink_` + long(250) + `"}}`, "spec.paymentLinkId", "may not be more than 255"},
}

var paymentLinkAccepted = map[string]string{
	"the least":               `{}`,
	"free":                    `{spec: {amount: 0}}`,
	"currency in lower case":  `{spec: {currency: usd}}`,
	"everything":              `{spec: {productName: Lifetime, provider: stripe, livemode: true, paymentLinkId: plink_1ABCxyz}}`,
	"an empty id":             `{spec: {paymentLinkId: ""}}`,
	"test mode":               `{spec: {livemode: false, url: "https://buy.stripe.com/test_1"}}`,
	"plain http in test mode": `{spec: {livemode: false, url: "http://127.0.0.1:8080/pay"}}`,
	"a query":                 `{spec: {url: "https://buy.stripe.com/abc?prefilled_promo_code=TEN&locale=de"}}`,
}

var paymentLinkRevisions = map[string]revision{
	"price":                        {change: `{spec: {amount: 9900, currency: EUR}}`},
	"product":                      {change: `{spec: {productId: other, productName: Other}}`},
	"address and id":               {change: `{spec: {url: "https://buy.stripe.com/new", paymentLinkId: plink_2}}`},
	"livemode, off":                {change: `{spec: {livemode: false}}`, field: "spec.livemode", says: "livemode is immutable: create a new PaymentLink instead"},
	"livemode, on":                 {from: `{spec: {livemode: false}}`, change: `{spec: {livemode: true}}`, field: "spec.livemode", says: "livemode is immutable"},
	"livemode false, taken out":    {from: `{spec: {livemode: false}}`, change: `{spec: {livemode: null}}`, field: "spec.livemode", says: "livemode is immutable"},
	"livemode true, taken out":     {change: `{spec: {livemode: null}}`},
	"address, to plain http, live": {change: `{spec: {url: "http://127.0.0.1:8080/pay"}}`, field: "spec.url", says: "a live PaymentLink needs an https:// url"},
	"price, after it was ready":    {status: `{status: {url: "https://buy.stripe.com/abc123", price: 199.00 USD}}`, change: `{spec: {amount: 1}}`},
}

func TestPaymentLinkDefaults(t *testing.T) {
	o := created(t, paymentLink, `{status: {url: "https://elsewhere.example"}}`)
	for _, got := range []*unstructured.Unstructured{o, live(t, o)} {
		spec := got.Object["spec"].(map[string]any)
		if spec["provider"] != "stripe" || spec["livemode"] != true {
			t.Errorf("provider %v, livemode %v", spec["provider"], spec["livemode"])
		}
		if got.Object["status"] != nil {
			t.Errorf("status %v, want none before anybody looked", got.Object["status"])
		}
	}
	typed := &v1alpha1.PaymentLink{Spec: v1alpha1.PaymentLinkSpec{ProductID: "lifetime", Currency: "USD", URL: "https://buy.stripe.com/abc"}}
	typed.GenerateName, typed.Namespace = "case-", "default"
	check.Must(t, api.Create(t.Context(), typed))
	if typed.Spec.Livemode == nil || !typed.Live() || typed.Spec.Provider != v1alpha1.ProviderStripe {
		t.Errorf("made by a Go client: %+v", typed.Spec)
	}
}

var paymentLinkStatusRefusals = map[string]refusal{
	"address too long":    {`{url: "` + long(2049) + `"}`, "status.url", "may not be more than 2048"},
	"id too long":         {`{paymentLinkId: "` + long(256) + `"}`, "status.paymentLinkId", "may not be more than 255"},
	"price too long":      {`{price: "` + long(65) + `"}`, "status.price", "may not be more than 64"},
	"nine conditions":     {`{conditions: ` + list(9, aCondition) + `}`, "status.conditions", "must have at most 8 items"},
	"one condition twice": {`{conditions: ` + list(2, `{type: Ready, status: "True", reason: R, message: "", lastTransitionTime: "2026-01-02T03:04:05Z"}`) + `}`, "status.conditions[1]", "Duplicate"},
}

// TestPaymentLinkStatusIsApart: who writes the spec does not touch the status, and the other way round.
func TestPaymentLinkStatusIsApart(t *testing.T) {
	o := withStatus(t, paymentLink, `{}`, `{spec: {amount: 1}, status: {price: 199.00 USD}}`)
	check.Must(t, patch(t, o, `{spec: {amount: 9900}, status: {price: 1.00 USD}}`))
	now := live(t, o)
	amount, _, _ := unstructured.NestedInt64(now.Object, "spec", "amount")
	price, _, _ := unstructured.NestedString(now.Object, "status", "price")
	if amount != 9900 || price != "199.00 USD" {
		t.Errorf("amount %d, price %s; want each as its own writer left it", amount, price)
	}
}
