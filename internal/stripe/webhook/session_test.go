package webhook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// The ids in the sample events, which are all of one sale.
const (
	session   = "cs_test_a1Example0000000000000000000000000000000000000000000000001"
	intent    = "pi_3Example00000000000001"
	link      = "plink_1Example0000000000001"
	reference = "order-7f3c2a10"
)

func at(seconds int64) metav1.Time { return metav1.NewTime(time.Unix(seconds, 0)) }

// sessionFact returns the fact of the sample of a paid session, with changes.
func sessionFact(changes ...func(*payment.Fact)) *payment.Fact {
	f := &payment.Fact{
		EventID: "evt_1Example0000000000000001", Type: "checkout.session.completed", Created: at(1760000061),
		ClientReferenceID: reference, PaymentIntentID: intent,
		Session: &v1alpha1.SessionFact{
			ID: session, Outcome: v1alpha1.OutcomePaid, Amount: 4999, Currency: "eur", PaymentLinkID: link, Created: at(1760000000),
		},
	}
	for _, change := range changes {
		change(f)
	}
	return f
}

func outcome(o v1alpha1.Outcome) func(*payment.Fact) {
	return func(f *payment.Fact) { f.Session.Outcome = o }
}

func event(id, eventType string, created int64) func(*payment.Fact) {
	return func(f *payment.Fact) { f.EventID, f.Type, f.Created = id, eventType, at(created) }
}

func unreferenced(f *payment.Fact) { f.ClientReferenceID = "" }

// set changes a field of the event's object.
func set(field string, value any) stripeevents.Change {
	return stripeevents.Set("data.object."+field, value)
}

// drop removes a field of the event's object.
func drop(field string) stripeevents.Change { return stripeevents.Drop("data.object." + field) }

// checkDecode decodes each body and compares its fact.
func checkDecode(t *testing.T, rows map[string]decoded) {
	t.Helper()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			got, err := webhook.Decode(row.body)
			check.Must(t, err)
			if diff := cmp.Diff(row.want, got.Fact); diff != "" {
				t.Errorf("fact (-want +got): %s", diff)
			}
			if !got.Snapshot {
				t.Error("got a thin event, want one with its object")
			}
		})
	}
}

// decoded is a body and the fact that it states; nil for none.
type decoded struct {
	body []byte
	want *payment.Fact
}

func TestDecodeSession(t *testing.T) {
	fromStripe := func(sample string, changes ...stripeevents.Change) []byte {
		return stripeevents.FromStripe(t, sample, changes...)
	}
	const paid = stripeevents.SessionPaid
	checkDecode(t, map[string]decoded{
		"paid":   {fromStripe(paid), sessionFact()},
		"unpaid": {fromStripe(stripeevents.SessionUnpaid), sessionFact(outcome(v1alpha1.OutcomeUnpaid), event("evt_1Example0000000000000002", "checkout.session.completed", 1760000061))},
		"nothing due": {
			fromStripe(paid, set("payment_status", "no_payment_required"), set("amount_total", 0), set("payment_intent", nil)),
			sessionFact(func(f *payment.Fact) { f.Session.Amount, f.PaymentIntentID = 0, "" }),
		},
		"a future payment status": {
			stripeevents.Newer(t, paid, set("payment_status", "authorized")), sessionFact(outcome(v1alpha1.OutcomeUnpaid)),
		},
		"no payment status": {
			stripeevents.Hostile(t, paid, drop("payment_status")), sessionFact(outcome(v1alpha1.OutcomeUnpaid)),
		},
		"another price": {
			fromStripe(stripeevents.SessionOfAnotherPrice),
			sessionFact(event("evt_1Example0000000000000004", "checkout.session.completed", 1760000061), func(f *payment.Fact) { f.Session.Amount = 100 }),
		},
		"a debit that succeeded": {
			fromStripe(stripeevents.SessionAsyncSucceeded),
			sessionFact(event("evt_1Example0000000000000010", "checkout.session.async_payment_succeeded", 1760259200)),
		},
		// The status is still unpaid. The type of the event says that it failed.
		"a debit that failed": {
			fromStripe(stripeevents.SessionAsyncFailed),
			sessionFact(event("evt_1Example0000000000000011", "checkout.session.async_payment_failed", 1760259200), outcome(v1alpha1.OutcomeFailed)),
		},
		// The payment of a subscription recurs, and a setup session charges nothing. Neither pays an order.
		"subscription":              {fromStripe(paid, set("mode", "subscription"), set("payment_intent", nil)), nil},
		"setup":                     {fromStripe(paid, set("mode", "setup"), set("payment_intent", nil)), nil},
		"a future mode":             {stripeevents.Newer(t, paid, set("mode", "rental")), nil},
		"without mode":              {stripeevents.Hostile(t, paid, drop("mode")), sessionFact()},
		"expired":                   {fromStripe(stripeevents.SessionExpired), nil},
		"live":                      {fromStripe(paid, stripeevents.Set("livemode", true), set("livemode", true)), sessionFact(func(f *payment.Fact) { f.Livemode = true })},
		"without link":              {fromStripe(paid, set("payment_link", nil)), sessionFact(func(f *payment.Fact) { f.Session.PaymentLinkID = "" })},
		"payment and link expanded": {fromStripe(paid, stripeevents.Expand("data.object.payment_intent", "payment_intent"), stripeevents.Expand("data.object.payment_link", "payment_link")), sessionFact()},
		"amount unknown":            {fromStripe(paid, set("amount_total", nil)), sessionFact(func(f *payment.Fact) { f.Session.Amount = 0 })},
		"currency unknown":          {fromStripe(paid, set("currency", nil)), sessionFact(func(f *payment.Fact) { f.Session.Currency = "" })},
		"the largest number":        {fromStripe(paid, set("amount_total", int64(1<<63-1))), sessionFact(func(f *payment.Fact) { f.Session.Amount = 1<<63 - 1 })},
		// Until 2025-03-31, currency and amount_total of a session with Adaptive Pricing were the buyer's.
		"Adaptive Pricing until 2025-03-31": {
			fromStripe(paid, set("currency", "sek"), set("amount_total", 55900), set("currency_conversion",
				map[string]any{"amount_subtotal": 4999, "amount_total": 4999, "fx_rate": "11.18", "source_currency": "eur"})),
			sessionFact(),
		},
		"Adaptive Pricing since then": {
			stripeevents.Newer(t, paid, stripeevents.Set("api_version", "2025-09-30.clover"),
				set("presentment_details", map[string]any{"presentment_amount": 55900, "presentment_currency": "sek"})),
			sessionFact(),
		},
	})
}

// TestDecodeReference: a text without the form of a reference, such as an e-mail address, is not stored.
func TestDecodeReference(t *testing.T) {
	rows := map[string]decoded{}
	for _, reference := range []string{"a", "3f6f0b8e-7c9e-4e0e-9d0a-0f7b6a3f2c11", "Order_1-b", strings.Repeat("x", 200)} {
		rows["valid: "+reference] = decoded{
			stripeevents.FromStripe(t, stripeevents.SessionPaid, set("client_reference_id", reference)),
			sessionFact(func(f *payment.Fact) { f.ClientReferenceID = reference }),
		}
	}
	for name, foreign := range map[string]any{
		"none": nil, "empty": "", "e-mail address": "buyer@example.com", "name": "Erika Mustermann", "with a dot": "order.1",
		"namespace and name": "shop/order-1", "umlaut": "bestellung-ü", "line end": "order-1\n", "too long": strings.Repeat("x", 201), "NUL": "order\x00",
	} {
		rows["invalid: "+name] = decoded{
			stripeevents.FromStripe(t, stripeevents.SessionPaid, set("client_reference_id", foreign)), sessionFact(unreferenced),
		}
	}
	checkDecode(t, rows)
}

// TestDecodeAnyVersion: an event of any API version is decoded. stripe-go accepts one version only.
func TestDecodeAnyVersion(t *testing.T) {
	rows := map[string]decoded{}
	for _, version := range []any{"2014-01-31", "2023-10-16", "2026-09-30.endive", "", nil} {
		rows[fmt.Sprintf("version %v", version)] = decoded{stripeevents.FromStripe(t, stripeevents.SessionPaid, stripeevents.Set("api_version", version)), sessionFact()}
	}
	checkDecode(t, rows)
}
