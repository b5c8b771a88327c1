package api_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/check"
)

// revision is a change of an object that is already there.
type revision struct {
	from   string // what the object is created with
	status string // the status that it then gets; empty: none
	change string
	field  string // empty: the change is taken
	says   string
}

const (
	orderIDStays = "orderId is immutable: create a new Order instead"
	linkStays    = "the payment link cannot change once the order has been given a checkout URL: create a new Order instead"
	given        = `{status: {clientReferenceId: order-1, checkoutURL: "https://buy.stripe.com/abc?client_reference_id=order-1"}}`
)

var orderRevisions = map[string]revision{
	"amount":                       {change: `{spec: {amount: 1}}`, field: "spec.amount", says: "amount is immutable: create a new Order instead"},
	"amount, of a free order":      {from: `{spec: {amount: 0}}`, change: `{spec: {amount: 19900}}`, field: "spec.amount", says: "amount is immutable"},
	"amount, to nothing":           {change: `{spec: {amount: 0}}`, field: "spec.amount", says: "amount is immutable"},
	"amount, taken out":            {change: `{spec: {amount: null}}`, field: "spec.amount", says: "Required"},
	"currency":                     {change: `{spec: {currency: EUR}}`, field: "spec.currency", says: "currency is immutable: create a new Order instead"},
	"currency, in case alone":      {change: `{spec: {currency: usd}}`, field: "spec.currency", says: "currency is immutable"},
	"productId":                    {change: `{spec: {productId: other}}`, field: "spec.productId", says: "productId is immutable: create a new Order instead"},
	"provider, to another":         {change: `{spec: {provider: paypal}}`, field: "spec.provider", says: `supported values: "stripe"`},
	"provider, taken out":          {change: `{spec: {provider: null}}`},
	"livemode, off":                {change: `{spec: {livemode: false}}`, field: "spec.livemode", says: "livemode is immutable: create a new Order instead"},
	"livemode, on":                 {from: `{spec: {livemode: false}}`, change: `{spec: {livemode: true}}`, field: "spec.livemode", says: "livemode is immutable"},
	"livemode false, taken out":    {from: `{spec: {livemode: false}}`, change: `{spec: {livemode: null}}`, field: "spec.livemode", says: "livemode is immutable"},
	"livemode true, taken out":     {from: `{spec: {livemode: true}}`, change: `{spec: {livemode: null}}`},
	"orderId, set late":            {change: `{spec: {orderId: a}}`, field: "spec.orderId", says: orderIDStays},
	"orderId, set where empty":     {from: `{spec: {orderId: ""}}`, change: `{spec: {orderId: a}}`, field: "spec.orderId", says: orderIDStays},
	"orderId, changed":             {from: `{spec: {orderId: a}}`, change: `{spec: {orderId: b}}`, field: "spec.orderId", says: orderIDStays},
	"orderId, emptied":             {from: `{spec: {orderId: a}}`, change: `{spec: {orderId: ""}}`, field: "spec.orderId", says: orderIDStays},
	"orderId, taken out":           {from: `{spec: {orderId: a}}`, change: `{spec: {orderId: null}}`, field: "spec.orderId", says: orderIDStays},
	"orderId, from unset to empty": {change: `{spec: {orderId: ""}}`},
	"orderId, from empty to unset": {from: `{spec: {orderId: ""}}`, change: `{spec: {orderId: null}}`},
	"orderId, the same":            {from: `{spec: {orderId: a}}`, change: `{spec: {orderId: a, productName: Lifetime}}`},
	"what may change":              {change: `{spec: {productName: Lifetime, customerId: c1, expiresAfter: 1h}}`},
	"what may be taken out":        {from: `{spec: {productName: Lifetime, customerId: c1, expiresAfter: 1h}}`, change: `{spec: {productName: null, customerId: null, expiresAfter: null}}`},

	"link, before there is a checkout URL":    {change: `{spec: {paymentLinkRef: {name: other}}}`},
	"link, to an address before that":         {change: byURL("https://buy.stripe.com/abc")},
	"link, with an empty reference":           {status: `{status: {clientReferenceId: ""}}`, change: `{spec: {paymentLinkRef: {name: other}}}`},
	"address, before that":                    {from: byURL("https://buy.stripe.com/a"), change: byURL("https://buy.stripe.com/b")},
	"link, to both":                           {change: `{spec: {paymentLinkURL: "https://buy.stripe.com/a"}}`, field: "spec", says: "set exactly one of paymentLinkRef"},
	"link, to none":                           {change: `{spec: {paymentLinkRef: null}}`, field: "spec", says: "set exactly one of paymentLinkRef"},
	"link, after":                             {status: given, change: `{spec: {paymentLinkRef: {name: other}}}`, field: "spec", says: linkStays},
	"link, to an address after":               {status: given, change: byURL("https://buy.stripe.com/abc"), field: "spec", says: linkStays},
	"address, after":                          {from: byURL("https://buy.stripe.com/a"), status: given, change: byURL("https://buy.stripe.com/b"), field: "spec", says: linkStays},
	"address, its query after":                {from: byURL("https://buy.stripe.com/a"), status: given, change: byURL("https://buy.stripe.com/a?locale=de"), field: "spec", says: linkStays},
	"address, to a link after":                {from: byURL("https://buy.stripe.com/a"), status: given, change: `{spec: {paymentLinkURL: null, paymentLinkRef: {name: lifetime}}}`, field: "spec", says: linkStays},
	"link, after, the checkout URL gone":      {status: `{status: {clientReferenceId: order-1}}`, change: `{spec: {paymentLinkRef: {name: other}}}`, field: "spec", says: linkStays},
	"anything but the link, after":            {status: given, change: `{spec: {productName: Lifetime, expiresAfter: 1h}}`},
	"anything but the address, after":         {from: byURL("https://buy.stripe.com/a"), status: given, change: `{spec: {customerId: c1}}`},
	"amount, after it was paid":               {status: `{status: {phase: Paid}}`, change: `{spec: {amount: 1}}`, field: "spec.amount", says: "amount is immutable"},
	"a label, after it was paid":              {status: `{status: {phase: Paid, clientReferenceId: order-1}}`, change: `{metadata: {labels: {shipped: "yes"}}}`},
	"an address that is no address, while at": {change: byURL("nowhere"), field: "spec.paymentLinkURL", says: urlSays},
}

// replace writes the object as it is now with the change in it, as kubectl replace or a Go client's Update do.
func replace(t *testing.T, o *unstructured.Unstructured, change string) error {
	t.Helper()
	now := live(t, o)
	now.Object = merge(now.Object, read(t, change))
	return send(t, now, func(o *unstructured.Unstructured) error { return api.Update(t.Context(), o) })
}

// TestOrderStatusIsApart: who writes the spec does not touch the status, and the other way round.
func TestOrderStatusIsApart(t *testing.T) {
	o := withStatus(t, order, `{}`, `{spec: {amount: 1, productName: sneaked}, status: {phase: Paid, providerCaptureId: pi_1}}`)
	for how, change := range map[string]func(*testing.T, *unstructured.Unstructured, string) error{"patched": patch, "replaced": replace} {
		if err := change(t, o, `{status: {phase: Pending, providerCaptureId: pi_2}}`); err != nil {
			t.Errorf("%s: %v", how, err)
		}
		now := live(t, o)
		if name, _, _ := unstructured.NestedString(now.Object, "spec", "productName"); name != "" {
			t.Errorf("%s: the status' writer set spec.productName %q", how, name)
		}
		for path, want := range map[string]string{"phase": "Paid", "providerCaptureId": "pi_1"} {
			if got, _, _ := unstructured.NestedString(now.Object, "status", path); got != want {
				t.Errorf("%s: the spec's writer made status.%s %q", how, path, got)
			}
		}
		if now.GetGeneration() != o.GetGeneration() {
			t.Errorf("%s: generation %d became %d though the spec is the same", how, o.GetGeneration(), now.GetGeneration())
		}
	}
	check.NoError(t, patchStatus(t, o, "application/merge-patch+json", `{metadata: {labels: {sneaked: "yes"}}}`))
	if labels := live(t, o).GetLabels(); len(labels) > 0 {
		t.Errorf("the status' writer set labels %v", labels)
	}
	if err := api.Delete(t.Context(), o, client.GracePeriodSeconds(0)); err != nil {
		t.Errorf("a paid Order cannot be deleted: %v", err)
	}
}
