package stripeapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stripe/stripe-go/v76/webhook"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripeapi"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// FuzzVerify holds Verify to stripe-go's own ValidatePayload, which knows one secret and looks at the past alone.
// Where sign is true the header is a true signature, made age seconds ago, with the fuzzed header behind it.
func FuzzVerify(f *testing.F) {
	body := stripeevents.FromStripe(f, stripeevents.SessionPaid)
	for _, age := range []int64{0, 299, 300, 301, -299, -300, -301, 1 << 40} {
		f.Add(body, "", true, age)
	}
	for _, header := range []string{
		"", ",v0=00", ",v1=zz", ",t=1", ",t=946684800", ",", ", v1=00", "=", ",t=", ",v1==", "t=946684800,v1=00", "t=-1,v1=" + signature(liveSecret, -1, body),
	} {
		f.Add(body, header, false, int64(0))
		f.Add(body, header, true, int64(0))
	}
	f.Fuzz(func(t *testing.T, body []byte, header string, sign bool, age int64) {
		// In the bubble it is the same time for both, and an hour passes at once.
		synctest.Test(t, func(t *testing.T) {
			if sign {
				seconds := time.Now().Unix() - age
				header = fmt.Sprintf("t=%d,v1=%s", seconds, signature(liveSecret, seconds, body)) + header
			}
			v := &stripeapi.Verifier{Secrets: inForce(oldSecret, "", liveSecret), Clock: clock.RealClock{}}
			got := v.Verify(body, header)
			want := func() bool {
				return webhook.ValidatePayload(body, header, string(oldSecret)) == nil || webhook.ValidatePayload(body, header, string(liveSecret)) == nil
			}
			good := want()
			<-time.After(601 * time.Second)
			ahead := want() // what is still good 601 s later was signed more than 300 s ahead
			if (got == nil) != (good && !ahead) {
				t.Errorf("header %q: %v; stripe-go says %t, and %t 601 s later", header, got, good, ahead)
			}
			if ahead != errors.Is(got, stripeapi.ErrFuture) {
				t.Errorf("header %q: %v, signed ahead: %t", header, got, ahead)
			}
		})
	})
}

// messages are all that ErrMalformed may say: names of fields and kinds, never a value.
var messages = regexp.MustCompile(`^malformed event: (not JSON, from byte \d+ on|not JSON of the expected shape|JSON, but no object \([a-z]+\)` +
	`|field "[a-z_.]+" (cannot be of this kind \([a-z]+\)|is missing|is too long|is longer than 255 bytes))$`)

// FuzzDecode: whatever is signed, a fact is one that the CRD takes, and that comes back from the API as it was.
func FuzzDecode(f *testing.F) {
	for _, sample := range stripeevents.Names(f) {
		f.Add(stripeevents.FromStripe(f, sample))
	}
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `"x"`, `1`, `{"data":{"object":{}}}`, `{"type":"charge.refunded","data":{"object":{"payment_intent":{}}}}`,
		`{"id":"e","type":"charge.refunded","data":{"object":{"payment_intent":"p"}}}`, `{"created":"2026-10-09T08:54:21Z"}`, `{"created":-1}`,
		`{"id":"e","type":"charge.dispute.closed","data":{"object":{"id":"d","payment_intent":"p","reason":"` + string(make([]byte, 70)) + `"}}}`,
		`{"id":"e","type":"refund.failed","data":{"object":{"id":"r","payment_intent":{"id":"p"},"status":"failed"}}}`,
	} {
		f.Add([]byte(body))
	}
	crd := crdSchema(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := stripeapi.Decode(body)
		if err != nil {
			if !errors.Is(err, stripeapi.ErrMalformed) || !messages.MatchString(err.Error()) {
				t.Errorf("the error is %q", err)
			}
			return
		}
		if event.Fact == nil {
			return
		}
		if !event.Snapshot || !stripeapi.Interesting(event.Type) || event.Fact.Type != event.Type || event.Fact.EventID != event.ID {
			t.Errorf("the event %+v has the fact %+v", event, event.Fact)
		}
		checkFact(t, crd, *event.Fact)
	})
}

// refusals are all that ErrUnanswered may say: nothing of an answer but numbers, and names of fields and kinds.
var refusals = regexp.MustCompile(`^no answer from Stripe's API: (no connection, or no answer in time` +
	`|it does not know the API key: .*|the restricted API key lacks a permission: .*|too many calls \(status 429, request \): .*|status \d{3}, request ` +
	`|it answered with something else than the checkout session` +
	`|its answer to checkout.sessions.retrieve is (not JSON of the expected shape|JSON, but no object \([a-z]+\)|field "[A-Za-z_.]+" cannot be of this kind \([a-z]+\))` +
	`|what it answered would be no event: malformed event: field "[a-z_.]+" (is missing|is too long|is longer than 255 bytes))$`)

// FuzzSession: whatever answers, and with whatever status, a session is the one that was asked for, and its facts are
// such as the CRD takes.
func FuzzSession(f *testing.F) {
	for _, sample := range stripeevents.Names(f) {
		body := stripeevents.FromStripe(f, sample)
		f.Add(body, 200)
		var event struct {
			Data struct{ Object json.RawMessage }
		}
		if err := json.Unmarshal(body, &event); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(event.Data.Object), 200)
	}
	whole := `{"id":"` + sampleSession + `","payment_status":"paid","status":"complete","amount_total":5,"currency":"eur","created":1,"payment_intent":%s}`
	for _, intent := range []string{
		`null`, `"pi_1"`, `{"id":"pi_1","latest_charge":null}`, `{"id":"pi_1","latest_charge":"ch_1"}`, `{"id":"pi_1","latest_charge":{}}`, `{}`, `[]`, `1`,
		`{"id":"pi_1","latest_charge":{"id":"ch_1","created":2,"amount":5,"amount_refunded":3,"refunded":false,"disputed":true,"payment_intent":"pi_1"}}`,
		`{"id":"pi_1","latest_charge":{"id":"ch_1","created":-2,"amount":5,"amount_refunded":5}}`, `{"id":"","latest_charge":{"amount_refunded":5}}`,
	} {
		f.Add(fmt.Appendf(nil, whole, intent), 200)
	}
	for _, status := range []int{200, 204, 302, 400, 401, 403, 404, 429, 500} {
		for _, body := range []string{``, `{}`, `null`, `[]`, `{"error":{"type":"invalid_request_error","code":"resource_missing"}}`, `{"error":{"code":"rate_limit"}}`, `{"error":1}`, `{"error":null}`} {
			f.Add([]byte(body), status)
		}
	}
	crd := crdSchema(f)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		client, _ := clientOf(t, "rk_test_"+keyTail, stripeapi.ClientOptions{Timeout: time.Minute})
		client.Through(roundTrip(func(*http.Request) (*http.Response, error) {
			return responds(200+int(uint(status-200)%400), string(body)), nil
		}))
		got, err := client.SessionWithCharge(t.Context(), sampleSession)
		if err != nil {
			if !errors.Is(err, stripeapi.ErrNoSuchObject) && (!errors.Is(err, stripeapi.ErrUnanswered) || !refusals.MatchString(err.Error())) {
				t.Errorf("the error is %q", err)
			}
			return
		}
		if got.Fact.Session.ID != sampleSession {
			t.Errorf("it is session %q", got.Fact.Session.ID)
		}
		checkFact(t, crd, got.Fact)
		if got.Charge != nil && got.Charge.Refund != nil {
			checkFact(t, crd, *got.Charge.Refund)
		}
	})
}

func checkFact(t *testing.T, crd *openapi3.Schema, fact payment.Fact) {
	t.Helper()
	kinds := 0
	for _, is := range []bool{fact.Session != nil, fact.Refund != nil, fact.FailedRefund != nil, fact.Dispute != nil} {
		if is {
			kinds++
		}
	}
	if kinds != 1 || (fact.Session == nil && fact.PaymentIntentID == "") {
		t.Errorf("%d kinds, of payment %q", kinds, fact.PaymentIntentID)
	}
	if fact.ClientReferenceID != "" && (fact.Session == nil || !regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`).MatchString(fact.ClientReferenceID)) {
		t.Errorf("the reference is %q", fact.ClientReferenceID)
	}
	kept, err := json.Marshal(v1alpha1.StripeEventSpec(fact))
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(kept, &value); err != nil {
		t.Fatal(err)
	}
	if err := crd.VisitJSON(value); err != nil {
		t.Errorf("the CRD does not take it: %v\n%s", err, kept)
	}
	var back v1alpha1.StripeEventSpec
	if err := json.Unmarshal(kept, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v1alpha1.StripeEventSpec(fact), back, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("it comes back as another: %s", diff)
	}
}

// crdSchema is the schema of a StripeEvent's spec.
func crdSchema(t testing.TB) *openapi3.Schema {
	t.Helper()
	spec := fakeapi.CRD(t, "stripeevents").Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	schema := &openapi3.Schema{}
	if err := json.Unmarshal(text, schema); err != nil {
		t.Fatal(err)
	}
	return schema
}
