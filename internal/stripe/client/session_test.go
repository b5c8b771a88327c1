package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// notOfEvent ignores the fields that only an event has.
var notOfEvent = cmpopts.IgnoreFields(payment.Fact{}, "EventID", "Type", "Created")

func TestIsSessionID(t *testing.T) {
	for text, want := range map[string]bool{
		"cs_test_a1B2c3": true, "cs_live_a1B2c3": true, "cs_test_" + strings.Repeat("a", 247): true,
		"": false, "cs_test_": false, "cs_prod_a1": false, "cs_a1B2": false, "pi_a1B2": false, "CS_TEST_a1": false, "cs_test_a-b": false,
		"cs_test_a\n": false, " cs_test_a": false, "cs_test_a/../../charges": false, "cs_test_ü": false, "{CHECKOUT_SESSION_ID}": false,
		"cs_test_" + strings.Repeat("a", 248): false,
	} {
		if got := stripeclient.IsSessionID(text); got != want {
			t.Errorf("%q: got %t, want %t", text, got, want)
		}
	}
}

// TestSession reads a session in each of its states, with one call.
func TestSession(t *testing.T) {
	for name, row := range map[string]struct {
		live    bool
		buy     func(*testing.T, *account) stripesim.Session
		status  string
		outcome v1alpha1.Outcome
	}{
		"paid":          {false, func(t *testing.T, a *account) stripesim.Session { return a.pay(t) }, stripeclient.SessionComplete, v1alpha1.OutcomePaid},
		"paid, live":    {true, func(t *testing.T, a *account) stripesim.Session { return a.pay(t) }, stripeclient.SessionComplete, v1alpha1.OutcomePaid},
		"debit started": {false, func(t *testing.T, a *account) stripesim.Session { return a.debit(t) }, stripeclient.SessionComplete, v1alpha1.OutcomeUnpaid},
		"debit succeeded": {false, func(t *testing.T, a *account) stripesim.Session {
			session := a.debit(t)
			check(t, a.SettleDebit(session.ID, true))
			return session
		}, stripeclient.SessionComplete, v1alpha1.OutcomePaid},
		"open":          {false, func(t *testing.T, a *account) stripesim.Session { return a.visit(t) }, stripeclient.SessionOpen, v1alpha1.OutcomeUnpaid},
		"card declined": {false, func(t *testing.T, a *account) stripesim.Session { return a.decline(t) }, stripeclient.SessionOpen, v1alpha1.OutcomeUnpaid},
		"expired": {false, func(t *testing.T, a *account) stripesim.Session {
			session := a.visit(t)
			check(t, a.ExpireSession(session.ID))
			return session
		}, stripeclient.SessionExpired, v1alpha1.OutcomeUnpaid},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, row.live, 19900)
			session := row.buy(t, a)
			got, err := a.client.Session(t.Context(), session.ID)
			check(t, err)
			created := metav1.NewTime(session.Created.UTC().Truncate(time.Second))
			want := stripeclient.Session{Status: row.status, Fact: payment.Fact{
				EventID: session.ID + ":" + string(row.outcome), Created: created, Type: "checkout.session.completed",
				Livemode: session.Livemode, ClientReferenceID: "order-1", PaymentIntentID: session.PaymentIntent,
				Session: &v1alpha1.SessionFact{
					ID: session.ID, Outcome: row.outcome, Amount: 19900, Currency: "usd", PaymentLinkID: session.PaymentLink, Created: created,
				},
			}}
			checkEqual(t, "session", want, got)
			a.client.calls.expectCodes(t, retrieve, "200")
			a.client.calls.expectReceived(t, "GET /v1/checkout/sessions/"+session.ID)
		})
	}
}

// TestUnreadableSession: a session of the other mode is not requested. An unknown session is missing in either mode.
func TestUnreadableSession(t *testing.T) {
	for key, row := range map[string]struct {
		id    string
		sees  bool
		want  error
		codes string
	}{
		"sk_test_1":       {"cs_live_a1", false, stripeclient.ErrOtherMode, ""},
		"rk_test_1":       {"cs_live_a1", false, stripeclient.ErrOtherMode, ""},
		"sk_live_1":       {"cs_test_a1", false, stripeclient.ErrOtherMode, ""},
		"rk_live_1":       {"cs_test_a1", false, stripeclient.ErrOtherMode, ""},
		"rk_test__live_1": {"cs_live_a1", false, stripeclient.ErrOtherMode, ""}, // the mode counts at its place only
		stripesim.TestKey: {"cs_test_a1", true, stripeclient.ErrNoSuchObject, "404"},
		stripesim.LiveKey: {"cs_live_a1", true, stripeclient.ErrNoSuchObject, "404"},
	} {
		t.Run(key, func(t *testing.T) {
			client := newClient(t, key, stripeclient.Options{Base: newAccount(t, false, 19900).URL()})
			for name, read := range map[string]func() (stripeclient.Session, error){
				"without charge": func() (stripeclient.Session, error) { return client.Session(t.Context(), row.id) },
				"with charge":    func() (stripeclient.Session, error) { return client.SessionWithCharge(t.Context(), row.id) },
			} {
				if _, err := read(); !errors.Is(err, row.want) || errors.Is(err, stripeclient.ErrCallFailed) {
					t.Errorf("%s: got error %v, want %v", name, err, row.want)
				}
				client.calls.expectCodes(t, retrieve, row.codes)
			}
			other := strings.NewReplacer("test", "live", "live", "test").Replace(row.id)
			if client.Sees(row.id) != row.sees || client.Sees(other) == row.sees {
				t.Errorf("got Sees(%s) = %t and Sees(%s) = %t, want %t and %t", row.id, client.Sees(row.id), other, client.Sees(other), row.sees, !row.sees)
			}
		})
	}
}

// TestSameFact: a session that is read has the same fact as its webhook, but for the fields of the event.
func TestSameFact(t *testing.T) {
	changed := func(changes ...stripeevents.Change) []byte {
		return stripeevents.FromStripe(t, stripeevents.SessionPaid, changes...)
	}
	set := func(field string, value any) stripeevents.Change {
		return stripeevents.Set("data.object."+field, value)
	}
	bodies := map[string][]byte{
		"expanded":            changed(stripeevents.Expand("data.object.payment_intent", "payment_intent"), stripeevents.Expand("data.object.payment_link", "payment_link")),
		"nothing due":         changed(set("payment_status", "no_payment_required"), set("payment_intent", nil)),
		"no link":             changed(set("payment_link", nil)),
		"no reference":        changed(set("client_reference_id", nil)),
		"a buyer's reference": changed(set("client_reference_id", "buyer@example.com")),
		"in live mode":        changed(stripeevents.Set("livemode", true), set("livemode", true)),
		"adaptive pricing": changed(set("currency_conversion", map[string]any{
			"amount_subtotal": 4999, "amount_total": 4999, "fx_rate": "1.1", "source_currency": "eur",
		}), set("currency", "usd"), set("amount_total", 5499)),
	}
	for _, sample := range stripeevents.Names(t) {
		bodies[sample] = stripeevents.FromStripe(t, sample)
	}
	compared := 0
	for name, body := range bodies {
		event, err := webhook.Decode(body)
		check(t, err)
		if event.Fact == nil || !event.Fact.OfSession() {
			continue
		}
		compared++
		t.Run(name, func(t *testing.T) {
			client := newScriptedClient(t, respond(http.StatusOK, objectOf(t, body)))
			got, err := client.Session(t.Context(), sampleSession)
			check(t, err)
			want := *event.Fact
			if name == stripeevents.SessionAsyncFailed {
				want.Session.Outcome = v1alpha1.OutcomeUnpaid // only the webhook shows that a debit failed
			}
			checkEqual(t, "session", stripeclient.Session{Status: stripeclient.SessionComplete, Fact: want}, got, notOfEvent)
			client.calls.expectCodes(t, retrieve, "200")
		})
	}
	if compared != 12 {
		t.Errorf("got %d events of sessions, want 12", compared)
	}
}

// TestExpiredSample: the webhook of an expired session states no fact, but a read shows the status.
func TestExpiredSample(t *testing.T) {
	client := newScriptedClient(t, respond(http.StatusOK, objectOf(t, stripeevents.FromStripe(t, stripeevents.SessionExpired))))
	got, err := client.Session(t.Context(), sampleSession)
	if err != nil || got.Status != stripeclient.SessionExpired || got.Fact.Session.Outcome != v1alpha1.OutcomeUnpaid {
		t.Errorf("got %+v and error %v, want an expired session", got, err)
	}
}

// TestSessionWithoutCharge: an unpaid session has no charge.
func TestSessionWithoutCharge(t *testing.T) {
	a := newAccount(t, false, 19900)
	if got, err := a.client.SessionWithCharge(t.Context(), a.visit(t).ID); err != nil || got.Charge != nil || got.Status != stripeclient.SessionOpen {
		t.Errorf("got %+v and error %v, want an open session without charge", got, err)
	}
}

// TestInvalidFact: a fact that does not fit into an order is refused when it is read, as in a webhook.
func TestInvalidFact(t *testing.T) {
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
	expect := func(t *testing.T, err error, want string) {
		t.Helper()
		if want == "" {
			check(t, err)
			return
		}
		checkFailed(t, err, "invalid object in the response: malformed event: "+want)
	}
	for body, want := range map[string]string{
		session("status", `"complete"`):                                                                  "",
		session("payment_link", `"`+long+`"`):                                                            `field "data.object.payment_link" is longer than 255 bytes`,
		session("payment_intent", `"`+long+`"`):                                                          `field "data.object.payment_intent" is longer than 255 bytes`,
		session("currency", `"`+long+`"`):                                                                `field "data.object.currency" is too long`,
		session("payment_intent", `{"latest_charge":{"id":"ch_1","amount_refunded":9}}`):                 `field "data.object.payment_intent" is missing`,
		session("payment_intent", `{"id":"pi_1","latest_charge":{"id":"`+long+`"}}`):                     "", // the id is used for refunds only
		session("payment_intent", `{"id":"pi_1","latest_charge":{"id":"`+long+`","amount_refunded":9}}`): `field "id" is longer than 255 bytes`,
	} {
		got, err := newScriptedClient(t, respond(http.StatusOK, body)).SessionWithCharge(t.Context(), sampleSession)
		expect(t, err, want)
		if (err == nil) != (got.Fact.Session != nil) {
			t.Errorf("got %+v with error %v", got, err)
		}
		err = newScriptedClient(t, listPage(false, body)).SessionsOfLink(t.Context(), "plink_1", noon, func(stripeclient.Session) error { return nil })
		expect(t, err, want)
	}
	dispute := fmt.Sprintf(`{"id":%q,"payment_intent":"pi_1","status":"lost"}`, long)
	got, err := newScriptedClient(t, listPage(false, dispute)).Disputes(t.Context(), "pi_1")
	if expect(t, err, `field "id" is longer than 255 bytes`); len(got) > 0 {
		t.Errorf("got %+v, want no fact", got)
	}
}
