package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// The ids of the one sale that all samples are of.
const (
	session   = "cs_test_a1Example0000000000000000000000000000000000000000000000001"
	intent    = "pi_3Example00000000000001"
	link      = "plink_1Example0000000000001"
	reference = "order-7f3c2a10"
)

func at(seconds int64) metav1.Time { return metav1.NewTime(time.Unix(seconds, 0)) }

// sessionFact is what the sample of a paid session says; rows change what is different in theirs.
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

// set is short for a change of the event's object.
func set(field string, value any) stripeevents.Change {
	return stripeevents.Set("data.object."+field, value)
}

func drop(field string) stripeevents.Change { return stripeevents.Drop("data.object." + field) }

// decodes is a table of bodies and the one fact that each states; nil for none.
func decodes(t *testing.T, rows map[string]decoded) {
	t.Helper()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			got, err := webhook.Decode(row.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, got.Fact); diff != "" {
				t.Error(diff)
			}
			if !got.Snapshot {
				t.Error("the event has an object, and is taken for a thin one")
			}
		})
	}
}

type decoded struct {
	body []byte
	want *payment.Fact
}

func TestDecodeSession(t *testing.T) {
	fromStripe := func(sample string, changes ...stripeevents.Change) []byte {
		return stripeevents.FromStripe(t, sample, changes...)
	}
	const paid = stripeevents.SessionPaid
	decodes(t, map[string]decoded{
		"paid":   {fromStripe(paid), sessionFact()},
		"unpaid": {fromStripe(stripeevents.SessionUnpaid), sessionFact(outcome(v1alpha1.OutcomeUnpaid), event("evt_1Example0000000000000002", "checkout.session.completed", 1760000061))},
		"nothing due": {
			fromStripe(paid, set("payment_status", "no_payment_required"), set("amount_total", 0), set("payment_intent", nil)),
			sessionFact(func(f *payment.Fact) { f.Session.Amount, f.PaymentIntentID = 0, "" }),
		},
		"a payment status to come": {
			stripeevents.Newer(t, paid, set("payment_status", "authorized")), sessionFact(outcome(v1alpha1.OutcomeUnpaid)),
		},
		"no payment status": {
			stripeevents.Hostile(t, paid, drop("payment_status")), sessionFact(outcome(v1alpha1.OutcomeUnpaid)),
		},
		"another price": {
			fromStripe(stripeevents.SessionOfAnotherPrice),
			sessionFact(event("evt_1Example0000000000000004", "checkout.session.completed", 1760000061), func(f *payment.Fact) { f.Session.Amount = 100 }),
		},
		"a debit that arrived": {
			fromStripe(stripeevents.SessionAsyncSucceeded),
			sessionFact(event("evt_1Example0000000000000010", "checkout.session.async_payment_succeeded", 1760259200)),
		},
		// The status is still unpaid; the type says that it failed.
		"a debit that bounced": {
			fromStripe(stripeevents.SessionAsyncFailed),
			sessionFact(event("evt_1Example0000000000000011", "checkout.session.async_payment_failed", 1760259200), outcome(v1alpha1.OutcomeFailed)),
		},
		"expired":                    {fromStripe(stripeevents.SessionExpired), nil},
		"live":                       {fromStripe(paid, stripeevents.Set("livemode", true), set("livemode", true)), sessionFact(func(f *payment.Fact) { f.Livemode = true })},
		"without link":               {fromStripe(paid, set("payment_link", nil)), sessionFact(func(f *payment.Fact) { f.Session.PaymentLinkID = "" })},
		"payment and link in full":   {fromStripe(paid, stripeevents.Expand("data.object.payment_intent", "payment_intent"), stripeevents.Expand("data.object.payment_link", "payment_link")), sessionFact()},
		"amount unknown":             {fromStripe(paid, set("amount_total", nil)), sessionFact(func(f *payment.Fact) { f.Session.Amount = 0 })},
		"currency unknown":           {fromStripe(paid, set("currency", nil)), sessionFact(func(f *payment.Fact) { f.Session.Currency = "" })},
		"the most that a number has": {fromStripe(paid, set("amount_total", int64(1<<63-1))), sessionFact(func(f *payment.Fact) { f.Session.Amount = 1<<63 - 1 })},
		// Until 2025-03-31 a session with Adaptive Pricing had the buyer's currency where the seller's is now.
		"Adaptive Pricing as it was": {
			fromStripe(paid, set("currency", "sek"), set("amount_total", 55900), set("currency_conversion",
				map[string]any{"amount_subtotal": 4999, "amount_total": 4999, "fx_rate": "11.18", "source_currency": "eur"})),
			sessionFact(),
		},
		"Adaptive Pricing as it is": {
			stripeevents.Newer(t, paid, stripeevents.Set("api_version", "2025-09-30.clover"),
				set("presentment_details", map[string]any{"presentment_amount": 55900, "presentment_currency": "sek"})),
			sessionFact(),
		},
	})
}

// TestDecodeReference: what is no reference of ours can be anything, an e-mail address for one, and is not kept.
func TestDecodeReference(t *testing.T) {
	rows := map[string]decoded{}
	for _, mine := range []string{"a", "3f6f0b8e-7c9e-4e0e-9d0a-0f7b6a3f2c11", "Order_1-b", strings.Repeat("x", 200)} {
		rows["ours: "+mine] = decoded{
			stripeevents.FromStripe(t, stripeevents.SessionPaid, set("client_reference_id", mine)),
			sessionFact(func(f *payment.Fact) { f.ClientReferenceID = mine }),
		}
	}
	for name, foreign := range map[string]any{
		"none": nil, "empty": "", "e-mail address": "buyer@example.com", "name": "Erika Mustermann", "with a dot": "order.1",
		"namespace and name": "shop/order-1", "umlaut": "bestellung-ü", "line end": "order-1\n", "too long": strings.Repeat("x", 201), "NUL": "order\x00",
	} {
		rows["foreign: "+name] = decoded{
			stripeevents.FromStripe(t, stripeevents.SessionPaid, set("client_reference_id", foreign)), sessionFact(unreferenced),
		}
	}
	decodes(t, rows)
}

// TestDecodeAnyVersion: an endpoint has the API version of its account, of which stripe-go knows one.
func TestDecodeAnyVersion(t *testing.T) {
	rows := map[string]decoded{}
	for _, version := range []any{"2014-01-31", "2023-10-16", "2026-09-30.endive", "", nil} {
		rows[asText(version)] = decoded{stripeevents.FromStripe(t, stripeevents.SessionPaid, stripeevents.Set("api_version", version)), sessionFact()}
	}
	decodes(t, rows)
}

func asText(version any) string {
	if text, ok := version.(string); ok {
		return "version " + text
	}
	return "no version"
}
