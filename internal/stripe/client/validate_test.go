package client_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// TestKeepable: a fact that no order could hold is refused when it is looked up, as it is when a webhook states it.
func TestKeepable(t *testing.T) {
	long := strings.Repeat("x", 256)
	session := func(field, value string) string {
		fields := map[string]string{
			"id": `"` + sampleSession + `"`, "payment_status": `"paid"`, "currency": `"eur"`, "payment_link": `"plink_1"`,
			"payment_intent": `{"id":"pi_1","latest_charge":{"id":"ch_1","payment_intent":"pi_1","amount":9,"amount_refunded":9}}`,
		}
		fields[field] = value
		var pairs []string
		for name, value := range fields {
			pairs = append(pairs, fmt.Sprintf("%q:%s", name, value))
		}
		return "{" + strings.Join(pairs, ",") + "}"
	}
	for body, want := range map[string]string{
		session("status", `"complete"`):                                                                  "",
		session("payment_link", `"`+long+`"`):                                                            `field "data.object.payment_link" is longer than 255 bytes`,
		session("payment_intent", `"`+long+`"`):                                                          `field "data.object.payment_intent" is longer than 255 bytes`,
		session("currency", `"`+long+`"`):                                                                `field "data.object.currency" is too long`,
		session("payment_intent", `{"latest_charge":{"id":"ch_1","amount_refunded":9}}`):                 `field "data.object.payment_intent" is missing`,
		session("payment_intent", `{"id":"pi_1","latest_charge":{"id":"`+long+`"}}`):                     "", // no refund names it
		session("payment_intent", `{"id":"pi_1","latest_charge":{"id":"`+long+`","amount_refunded":9}}`): `field "id" is longer than 255 bytes`,
	} {
		client, _ := newClient(t, "rk_test_"+keyTail, newScript(t, says(http.StatusOK, body)).URL, time.Minute)
		got, err := client.SessionWithCharge(t.Context(), sampleSession)
		checkKeepable(t, err, want)
		if (err == nil) != (got.Fact.Session != nil) {
			t.Errorf("%+v", got)
		}
		client, _ = newClient(t, "rk_test_"+keyTail, newScript(t, listed(false, body)).URL, time.Minute)
		err = client.SessionsOfLink(t.Context(), "plink_1", noon, func(stripeclient.Session) error { return nil })
		checkKeepable(t, err, want)
	}
	dispute := fmt.Sprintf(`{"id":%q,"payment_intent":"pi_1","status":"lost"}`, long)
	client, _ := newClient(t, "rk_test_"+keyTail, newScript(t, listed(false, dispute)).URL, time.Minute)
	got, err := client.Disputes(t.Context(), "pi_1")
	if checkKeepable(t, err, `field "id" is longer than 255 bytes`); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

func checkKeepable(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	unanswered(t, err, "invalid object in the response: malformed event: "+want)
}
