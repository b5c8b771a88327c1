package webhook_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// TestDecodeEvent checks the fields of an event that do not depend on its object.
func TestDecodeEvent(t *testing.T) {
	const name = "v1.billing.meter.error_report_triggered"
	for name, row := range map[string]struct {
		body []byte
		want webhook.Event
	}{
		"of an unhandled type": {
			stripeevents.FromStripe(t, stripeevents.SessionExpired),
			webhook.Event{ID: "evt_1Example0000000000000012", Type: "checkout.session.expired", Created: at(1760086401).UTC(), Snapshot: true},
		},
		"live": {
			stripeevents.FromStripe(t, stripeevents.SessionExpired, stripeevents.Set("livemode", true)),
			webhook.Event{ID: "evt_1Example0000000000000012", Type: "checkout.session.expired", Created: at(1760086401).UTC(), Snapshot: true, Livemode: true},
		},
		"created in 1970": {
			stripeevents.FromStripe(t, stripeevents.SessionExpired, stripeevents.Set("created", 0)),
			webhook.Event{ID: "evt_1Example0000000000000012", Type: "checkout.session.expired", Created: at(0).UTC(), Snapshot: true},
		},
		"thin, with its time as text and no object": {
			[]byte(`{"id":"evt_test_1","object":"v2.core.event","type":"` + name + `","livemode":false,"created":"2026-10-09T08:54:21.000Z",` +
				`"related_object":{"id":"mtr_1","type":"billing.meter","url":"/v1/billing/meters/mtr_1"},"data":{"developer_message_summary":"1 error"}}`),
			webhook.Event{ID: "evt_test_1", Type: name},
		},
		"thin, of a handled type": {
			[]byte(`{"id":"evt_test_2","object":"v2.core.event","type":"checkout.session.completed","created":"2026-10-09T08:54:21.000Z"}`),
			webhook.Event{ID: "evt_test_2", Type: "checkout.session.completed"},
		},
		"of a connected account": {
			stripeevents.Newer(t, stripeevents.SessionPaid, stripeevents.Set("account", "acct_1Example")),
			webhook.Event{ID: "evt_1Example0000000000000001", Type: "checkout.session.completed", Created: at(1760000061).UTC(), Snapshot: true, Account: "acct_1Example"},
		},
		"of an account in an organization": {
			stripeevents.Newer(t, stripeevents.ChargeRefunded, stripeevents.Set("context", "org_1Example/acct_1Example")),
			webhook.Event{ID: "evt_3Example0000000000000020", Type: "charge.refunded", Created: at(1760005001).UTC(), Snapshot: true, Account: "org_1Example/acct_1Example"},
		},
		"of no other account": {
			stripeevents.Newer(t, stripeevents.SessionExpired, stripeevents.Set("account", nil), stripeevents.Set("context", nil)),
			webhook.Event{ID: "evt_1Example0000000000000012", Type: "checkout.session.expired", Created: at(1760086401).UTC(), Snapshot: true},
		},
		"object null":  {[]byte(`{"id":"evt_1","type":"charge.refunded","data":{"object":null}}`), webhook.Event{ID: "evt_1", Type: "charge.refunded"}},
		"data null":    {[]byte(`{"id":"evt_1","type":"charge.refunded","data":null}`), webhook.Event{ID: "evt_1", Type: "charge.refunded"}},
		"empty object": {[]byte(`{}`), webhook.Event{}},
		"null":         {[]byte(`null`), webhook.Event{}},
		// An object of another kind can have a field with another type. Its event is ignored.
		"a credit grant, whose amount is an object": {
			stripeevents.Newer(t, stripeevents.SessionExpired, stripeevents.Set("type", "billing.credit_grant.created"),
				set("amount", map[string]any{"type": "monetary", "monetary": map[string]any{"currency": "eur", "value": 1000}})),
			webhook.Event{ID: "evt_1Example0000000000000012", Type: "billing.credit_grant.created", Snapshot: true},
		},
		"a future object, whose payment is a number": {
			stripeevents.Newer(t, stripeevents.SessionExpired, stripeevents.Set("type", "purchase.made"), set("payment_intent", 3)),
			webhook.Event{ID: "evt_1Example0000000000000012", Type: "purchase.made", Snapshot: true},
		},
		"a future event, whose object is a list": {
			stripeevents.Newer(t, stripeevents.SessionExpired, stripeevents.Set("type", "purchases.made"), stripeevents.Set("data.object", []any{})),
			webhook.Event{ID: "evt_1Example0000000000000012", Type: "purchases.made"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := webhook.Decode(row.body)
			check.Must(t, err)
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("event (-want +got): %s", diff)
			}
		})
	}
}

// TestDecodeRefuses: the error of a malformed body names the field and never quotes a value.
func TestDecodeRefuses(t *testing.T) {
	const paid = stripeevents.SessionPaid
	hostile := func(sample string, changes ...stripeevents.Change) string {
		return string(stripeevents.Hostile(t, sample, changes...))
	}
	whole := hostile(paid)
	tooLong := strings.Repeat("i", 256)
	for name, row := range map[string]struct{ body, want string }{
		"nothing":                  {"", "not JSON, from byte 0 on"},
		"a form":                   {"id=evt_1&buyer=Mustermann", "not JSON, from byte 1 on"},
		"a list":                   {"[]", "JSON, but not an object (array)"},
		"a text":                   {`"Mustermann"`, "JSON, but not an object (string)"},
		"a number":                 {"10115", "JSON, but not an object (number)"},
		"cut short":                {whole[:len(whole)/2], "not JSON, from byte "},
		"something after it":       {whole + "Mustermann", "not JSON, from byte "},
		"two events":               {whole + whole, "not JSON, from byte "},
		"10001 deep":               {strings.Repeat("[", 10001) + strings.Repeat("]", 10001), "not JSON"},
		"10001 deep inside":        {`{"data":{"object":{"metadata":` + strings.Repeat(`{"a":`, 10001) + "1" + strings.Repeat("}", 10001) + "}}}", "not JSON"},
		"type a number":            {hostile(paid, stripeevents.Set("type", 10115)), `field "type" has the wrong type (number)`},
		"no type and a bad amount": {`{"id":"evt_1","data":{"object":{"amount":"Mustermann"}}}`, `field "data.object.amount" has the wrong type (string)`},
		"data a list":              {hostile(paid, stripeevents.Set("data", []any{"Mustermann"})), `field "data" has the wrong type (array)`},
		"object a text":            {hostile(paid, stripeevents.Set("data.object", "Mustermann")), `field "data.object" has the wrong type (string)`},
		"no event id":              {hostile(paid, stripeevents.Drop("id")), `field "id" is missing`},
		"event id empty":           {hostile(paid, stripeevents.Set("id", "")), `field "id" is missing`},
		"event id too long":        {hostile(paid, stripeevents.Set("id", tooLong)), `field "id" is longer than 255 bytes`},
		"no session id":            {hostile(paid, drop("id")), `field "data.object.id" is missing`},
		"session id too long":      {hostile(paid, set("id", tooLong)), `field "data.object.id" is longer than 255 bytes`},
		"payment id too long":      {hostile(paid, set("payment_intent", tooLong)), `field "data.object.payment_intent" is longer than 255 bytes`},
		"link id too long":         {hostile(paid, set("payment_link", tooLong)), `field "data.object.payment_link" is longer than 255 bytes`},
		"currency too long":        {hostile(paid, set("currency", "Mustermann, Erika")), `field "data.object.currency" is too long`},
		"512 KiB of session id":    {hostile(paid, set("id", strings.Repeat("x", 512<<10))), `field "data.object.id" is longer than 255 bytes`},
		"amount in euros":          {hostile(paid, set("amount_total", 49.99)), `field "data.object.amount_total" has the wrong type (number)`},
		"amount as text":           {hostile(paid, set("amount_total", "4999")), `field "data.object.amount_total" has the wrong type (string)`},
		"amount beyond 64 bits":    {strings.Replace(whole, `"amount_total": 4999`, `"amount_total": 99999999999999999999`, 1), `field "data.object.amount_total" has the wrong type (number)`},
		"payment a number":         {hostile(paid, set("payment_intent", 10115)), "not JSON of the expected shape"},
		"payment a flag":           {hostile(paid, set("payment_intent", true)), "not JSON of the expected shape"},
		"payment a list":           {hostile(paid, set("payment_intent", []any{"Mustermann"})), "not JSON of the expected shape"},
		"payment expanded, its id a number": {
			hostile(paid, set("payment_intent", map[string]any{"id": 10115})), `has the wrong type (number)`,
		},
		"before 1970":                     {hostile(paid, stripeevents.Set("created", -1)), "not JSON of the expected shape"},
		"after 9999":                      {hostile(paid, stripeevents.Set("created", 253402300800)), "not JSON of the expected shape"},
		"session before 1970":             {hostile(paid, set("created", -1)), "not JSON of the expected shape"},
		"time with a fraction":            {hostile(paid, stripeevents.Set("created", 1.5)), "has the wrong type (number)"},
		"refunded a text":                 {hostile(stripeevents.ChargeRefunded, set("refunded", "Mustermann")), `field "data.object.refunded" has the wrong type (string)`},
		"refund without id":               {hostile(stripeevents.RefundFailed, drop("id")), `field "data.object.id" is missing`},
		"refund's id too long":            {hostile(stripeevents.RefundFailed, set("id", tooLong)), `field "data.object.id" is longer than 255 bytes`},
		"dispute without id":              {hostile(stripeevents.DisputeCreated, drop("id")), `field "data.object.id" is missing`},
		"dispute's id too long":           {hostile(stripeevents.DisputeCreated, set("id", tooLong)), `field "data.object.id" is longer than 255 bytes`},
		"dispute's reason an object":      {hostile(stripeevents.DisputeCreated, set("reason", map[string]any{"by": "Mustermann"})), `field "data.object.reason" has the wrong type (object)`},
		"payment of a refund too long":    {hostile(stripeevents.ChargeRefunded, set("payment_intent", tooLong)), `field "data.object.payment_intent" is longer than 255 bytes`},
		"payment of a dispute is 512 KiB": {hostile(stripeevents.DisputeCreated, set("payment_intent", strings.Repeat("x", 512<<10))), `field "data.object.payment_intent" is longer than 255 bytes`},
		"the conversion's amount a text":  {hostile(paid, set("currency_conversion", map[string]any{"amount_total": "Mustermann"})), `field "data.object.currency_conversion.amount_total" has the wrong type (string)`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := webhook.Decode([]byte(row.body))
			if !errors.Is(err, webhook.ErrMalformed) {
				t.Fatalf("got event %+v and error %v, want %v", got, err, webhook.ErrMalformed)
			}
			if !strings.Contains(err.Error(), row.want) {
				t.Errorf("got error %q, want %q", err, row.want)
			}
			for _, value := range append(stripeevents.Buyer(), "4999", "99999999999999999999", "xxxx", "iiii") {
				if strings.Contains(err.Error(), value) {
					t.Errorf("got error %q, want it without %q", err, value)
				}
			}
		})
	}
}

// TestDecodeRepeatedField: the last value of a repeated field counts, as in encoding/json.
func TestDecodeRepeatedField(t *testing.T) {
	body := strings.Replace(string(stripeevents.FromStripe(t, stripeevents.SessionPaid)),
		`"payment_status": "paid"`, `"payment_status": "unpaid", "payment_status": "paid"`, 1)
	checkDecode(t, map[string]decoded{"payment_status twice": {[]byte(body), sessionFact()}})
}

// TestDecodeLargeEvent: a dispute with its evidence is a hundred times as large as a session.
func TestDecodeLargeEvent(t *testing.T) {
	text := strings.Repeat("x", 150_000)
	body := stripeevents.FromStripe(t, stripeevents.DisputeCreated,
		set("evidence.uncategorized_text", text), set("evidence.access_activity_log", text), set("evidence.product_description", text))
	checkDecode(t, map[string]decoded{"450 kB of evidence": {body, disputeFact("charge.dispute.created", "needs_response", "product_not_received")}})
}

func TestHandles(t *testing.T) {
	for eventType, want := range map[string]bool{
		"checkout.session.completed": true, "checkout.session.async_payment_succeeded": true, "checkout.session.async_payment_failed": true,
		"charge.refunded": true, "charge.refund.updated": true, "refund.updated": true, "refund.failed": true,
		"charge.dispute.created": true, "charge.dispute.updated": true, "charge.dispute.funds_withdrawn": true,
		"charge.dispute.funds_reinstated": true, "charge.dispute.closed": true,
		"checkout.session.expired": false, "refund.created": false, "payment_intent.succeeded": false, "charge.succeeded": false,
		"customer.created": false, "CHARGE.REFUNDED": false, "": false,
	} {
		if got := webhook.Handles(eventType); got != want {
			t.Errorf("%q: got %t, want %t", eventType, got, want)
		}
	}
}
