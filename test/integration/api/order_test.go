package api_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
)

// refusal is something that the server does not take: which field is at fault, and words that it must say.
type refusal struct{ change, field, says string }

func long(n int) string { return strings.Repeat("x", n) }

// byURL makes an Order that has its link's address rather than a PaymentLink.
func byURL(url string) string {
	return `{spec: {paymentLinkRef: null, paymentLinkURL: "` + url + `"}}`
}

const (
	currencySays = "currency is a three-letter ISO 4217 code such as USD or eur"
	urlSays      = "write the Payment Link's full address, such as https://buy.stripe.com/abc123, without a #fragment"
	expirySays   = "expiresAfter is a duration in hours, minutes and seconds, from 1s to 87600h (ten years), such as 168h or 30m"
	orderIDSays  = "orderId may hold only letters, digits, _ and - (Stripe drops any other client_reference_id); leave it empty to use the Order's uid"
)

var orderRefusals = map[string]refusal{
	"nothing said at all":              {`{spec: null}`, "spec", "Required"},
	"no amount":                        {`{spec: {amount: null}}`, "spec.amount", "Required"},
	"amount below zero":                {`{spec: {amount: -1}}`, "spec.amount", "greater than or equal to 0"},
	"amount beyond all money":          {`{spec: {amount: 1000000000000}}`, "spec.amount", "less than or equal to 999999999999"},
	"amount in dollars":                {`{spec: {amount: 19.9}}`, "spec.amount", "must be of type int64"},
	"amount in words":                  {`{spec: {amount: "19900"}}`, "spec.amount", "must be of type integer"},
	"no currency":                      {`{spec: {currency: null}}`, "spec.currency", "Required"},
	"empty currency":                   {`{spec: {currency: ""}}`, "spec.currency", currencySays},
	"currency of two letters":          {`{spec: {currency: US}}`, "spec.currency", currencySays},
	"currency of four letters":         {`{spec: {currency: USDT}}`, "spec.currency", currencySays},
	"currency with a sign":             {`{spec: {currency: US$}}`, "spec.currency", currencySays},
	"currency with a space":            {`{spec: {currency: "USD "}}`, "spec.currency", currencySays},
	"currency in a sentence":           {`{spec: {currency: "` + long(17) + `"}}`, "spec.currency", "may not be more than 16 bytes"},
	"no product":                       {`{spec: {productId: null}}`, "spec.productId", "Required"},
	"empty product":                    {`{spec: {productId: ""}}`, "spec.productId", "at least 1 chars long"},
	"product too long":                 {`{spec: {productId: "` + long(201) + `"}}`, "spec.productId", "may not be more than 200"},
	"product name too long":            {`{spec: {productName: "` + long(251) + `"}}`, "spec.productName", "may not be more than 250"},
	"customer too long":                {`{spec: {customerId: "` + long(201) + `"}}`, "spec.customerId", "may not be more than 200"},
	"another provider":                 {`{spec: {provider: paypal}}`, "spec.provider", `supported values: "stripe"`},
	"empty provider":                   {`{spec: {provider: ""}}`, "spec.provider", `supported values: "stripe"`},
	"livemode in words":                {`{spec: {livemode: "true"}}`, "spec.livemode", "must be of type boolean"},
	"no link":                          {`{spec: {paymentLinkRef: null}}`, "spec", "set exactly one of paymentLinkRef (a PaymentLink in this namespace) and paymentLinkURL (a Stripe Payment Link's address)"},
	"both links":                       {`{spec: {paymentLinkURL: "https://buy.stripe.com/a"}}`, "spec", "set exactly one of paymentLinkRef"},
	"link without a name":              {`{spec: {paymentLinkRef: {name: null}}}`, "spec.paymentLinkRef.name", "Required"},
	"link with an empty name":          {`{spec: {paymentLinkRef: {name: ""}}}`, "spec.paymentLinkRef.name", "at least 1 chars long"},
	"link with too long a name":        {`{spec: {paymentLinkRef: {name: "` + long(254) + `"}}}`, "spec.paymentLinkRef.name", "may not be more than 253"},
	"empty address":                    {byURL(""), "spec.paymentLinkURL", urlSays},
	"address without a scheme":         {byURL("buy.stripe.com/abc"), "spec.paymentLinkURL", urlSays},
	"address of another scheme":        {byURL("ftp://buy.stripe.com/abc"), "spec.paymentLinkURL", urlSays},
	"script for an address":            {byURL("javascript:alert(1)"), "spec.paymentLinkURL", urlSays},
	"address without a host":           {byURL("https:///abc"), "spec.paymentLinkURL", urlSays},
	"address with a space":             {byURL("https://buy stripe.com/abc"), "spec.paymentLinkURL", urlSays},
	"address with a fragment":          {byURL("https://buy.stripe.com/abc#top"), "spec.paymentLinkURL", urlSays},
	"address too long":                 {byURL("https://buy.stripe.com/" + long(2026)), "spec.paymentLinkURL", "may not be more than 2048"},
	"address with a reference":         {byURL("https://buy.stripe.com/abc?client_reference_id=7"), "spec.paymentLinkURL", "leave client_reference_id out of the URL: Paylink adds the order's own"},
	"address with a reference, later":  {byURL("https://buy.stripe.com/abc?locale=de&client_reference_id="), "spec.paymentLinkURL", "leave client_reference_id out"},
	"plain http for real money":        {byURL("http://127.0.0.1:8080/pay"), "spec.paymentLinkURL", "a live Order needs an https:// paymentLinkURL; http:// is for test mode (livemode: false)"},
	"orderId with a dot":               {`{spec: {orderId: a.b}}`, "spec.orderId", orderIDSays},
	"orderId with a slash":             {`{spec: {orderId: shop/7}}`, "spec.orderId", orderIDSays},
	"orderId with a space":             {`{spec: {orderId: "a b"}}`, "spec.orderId", orderIDSays},
	"orderId with an umlaut":           {`{spec: {orderId: äpfel}}`, "spec.orderId", orderIDSays},
	"orderId with a line break":        {`{spec: {orderId: "abc\n"}}`, "spec.orderId", orderIDSays},
	"orderId too long":                 {`{spec: {orderId: "` + long(201) + `"}}`, "spec.orderId", "may not be more than 200"},
	"expiresAfter in days":             {`{spec: {expiresAfter: 7d}}`, "spec.expiresAfter", expirySays},
	"expiresAfter in words":            {`{spec: {expiresAfter: 1 week}}`, "spec.expiresAfter", expirySays},
	"expiresAfter before":              {`{spec: {expiresAfter: -1h}}`, "spec.expiresAfter", expirySays},
	"expiresAfter at once":             {`{spec: {expiresAfter: 0s}}`, "spec.expiresAfter", expirySays},
	"expiresAfter within the second":   {`{spec: {expiresAfter: 0.5s}}`, "spec.expiresAfter", expirySays},
	"expiresAfter empty":               {`{spec: {expiresAfter: ""}}`, "spec.expiresAfter", expirySays},
	"expiresAfter without a unit":      {`{spec: {expiresAfter: "3600"}}`, "spec.expiresAfter", expirySays},
	"expiresAfter as a number":         {`{spec: {expiresAfter: 3600}}`, "spec.expiresAfter", "must be of type string"},
	"expiresAfter in milliseconds":     {`{spec: {expiresAfter: 500ms}}`, "spec.expiresAfter", expirySays},
	"expiresAfter with a space":        {`{spec: {expiresAfter: 1h 30m}}`, "spec.expiresAfter", expirySays},
	"expiresAfter in more than ten y.": {`{spec: {expiresAfter: 87601h}}`, "spec.expiresAfter", expirySays},
	"expiresAfter beyond counting":     {`{spec: {expiresAfter: 99999999999999999h}}`, "spec.expiresAfter", expirySays},
	"expiresAfter too long":            {`{spec: {expiresAfter: "` + strings.Repeat("1h", 17) + `"}}`, "spec.expiresAfter", "may not be more than 32"},
}

var orderAccepted = map[string]string{
	"the least":                       `{}`,
	"free":                            `{spec: {amount: 0}}`,
	"as dear as can be":               `{spec: {amount: 999999999999}}`,
	"currency in lower case":          `{spec: {currency: usd}}`,
	"currency in mixed case":          `{spec: {currency: eUr}}`,
	"everything about the product":    `{spec: {productId: "` + long(200) + `", productName: "` + long(250) + `", customerId: "` + long(200) + `"}}`,
	"the provider by name":            `{spec: {provider: stripe}}`,
	"test mode":                       `{spec: {livemode: false}}`,
	"an orderId of all it may hold":   `{spec: {orderId: "AZaz09_-"}}`,
	"the longest orderId":             `{spec: {orderId: "` + long(200) + `"}}`,
	"an empty orderId":                `{spec: {orderId: ""}}`,
	"a link by address":               byURL("https://buy.stripe.com/abc123"),
	"a link with a query":             byURL("https://buy.stripe.com/abc?prefilled_promo_code=TEN&locale=de"),
	"a link with a port and no path":  byURL("https://pay.example.com:8443"),
	"the longest link":                byURL("https://buy.stripe.com/" + long(2025)),
	"plain http in test mode":         `{spec: {livemode: false, paymentLinkRef: null, paymentLinkURL: "http://127.0.0.1:8080/pay"}}`,
	"https in test mode":              `{spec: {livemode: false, paymentLinkRef: null, paymentLinkURL: "https://buy.stripe.com/test_1"}}`,
	"the longest name of a link":      `{spec: {paymentLinkRef: {name: "` + long(253) + `"}}}`,
	"a status that nobody asked for ": `{status: {phase: Paid}}`,
}

// TestOrderExpiresAfter: what the server takes, Go must be able to read; otherwise one Order would stop every Go
// client from listing any.
func TestOrderExpiresAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"168h":     168 * time.Hour,
		"168h0m0s": 168 * time.Hour,
		"30m":      30 * time.Minute,
		"1h30m":    90 * time.Minute,
		"1.5h":     90 * time.Minute,
		"1s":       time.Second,
		"1.25s":    1250 * time.Millisecond,
		"90s":      90 * time.Second,
		"87600h":   87600 * time.Hour,
	} {
		t.Run(text, func(t *testing.T) {
			o := created(t, order, `{spec: {expiresAfter: "`+text+`"}}`)
			var typed v1alpha1.Order
			check.Must(t, api.Get(t.Context(), client.ObjectKeyFromObject(o), &typed))
			if typed.Spec.ExpiresAfter == nil || typed.Spec.ExpiresAfter.Duration != want {
				t.Fatalf("read as %v, want %v", typed.Spec.ExpiresAfter, want)
			}
			// Written back by a Go client it has another spelling, which must be as good.
			check.NoError(t, api.Update(t.Context(), &typed))
		})
	}
}

// TestOrderDefaults: what is filled in is there in the very answer to the creation, and does not yield to null.
func TestOrderDefaults(t *testing.T) {
	for name, change := range map[string]string{
		"unset":             `{}`,
		"asked to be Paid":  `{status: {phase: Paid, providerCaptureId: pi_1, payments: [{sessionId: cs_1, outcome: Paid}]}}`,
		"an empty status":   `{status: {}}`,
		"an empty customer": `{spec: {customerId: ""}}`,
	} {
		t.Run(name, func(t *testing.T) {
			o := created(t, order, change)
			for _, got := range []*unstructured.Unstructured{o, live(t, o)} {
				spec := got.Object["spec"].(map[string]any)
				if spec["provider"] != "stripe" || spec["livemode"] != true {
					t.Errorf("provider %v, livemode %v", spec["provider"], spec["livemode"])
				}
				check.Equal[any](t, map[string]any{"phase": "Pending"}, got.Object["status"], "status")
			}
		})
	}
	t.Run("by a Go client", func(t *testing.T) {
		typed := &v1alpha1.Order{Spec: v1alpha1.OrderSpec{
			ProductID: "lifetime", Amount: 0, Currency: "USD", PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "lifetime"},
		}}
		typed.GenerateName, typed.Namespace = "case-", "default"
		check.Must(t, api.Create(t.Context(), typed))
		if typed.Status.Phase != v1alpha1.OrderPending || typed.Spec.Provider != v1alpha1.ProviderStripe || typed.Spec.Livemode == nil || !typed.Live() {
			t.Errorf("spec %+v, status %+v", typed.Spec, typed.Status)
		}
	})
}
