package webhook_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	stripewebhook "github.com/stripe/stripe-go/v76/webhook"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// FuzzVerify compares Verify with ValidatePayload of stripe-go, which checks one secret and refuses old timestamps only.
// If sign is true, the header is a valid signature of age seconds ago, followed by the fuzzed header.
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
		// Both read the same fake time in the bubble.
		synctest.Test(t, func(t *testing.T) {
			if sign {
				seconds := time.Now().Unix() - age
				header = fmt.Sprintf("t=%d,v1=%s", seconds, signature(liveSecret, seconds, body)) + header
			}
			v := &webhook.Verifier{Secrets: inUse(oldSecret, "", liveSecret), Clock: clock.RealClock{}}
			got := v.Verify(body, header)
			want := func() bool {
				return stripewebhook.ValidatePayload(body, header, string(oldSecret)) == nil || stripewebhook.ValidatePayload(body, header, string(liveSecret)) == nil
			}
			good := want()
			<-time.After(601 * time.Second)
			ahead := want() // a signature that is still valid then is more than 300 s ahead
			if (got == nil) != (good && !ahead) {
				t.Errorf("header %q: got error %v; stripe-go accepts it now: %t, 601 s later: %t", header, got, good, ahead)
			}
			if ahead != errors.Is(got, webhook.ErrFuture) {
				t.Errorf("header %q: got error %v, want ErrFuture: %t", header, got, ahead)
			}
		})
	})
}

// messages matches every error of Decode. An error names fields and JSON types, and never quotes a value.
var messages = regexp.MustCompile(`^malformed event: (not JSON, from byte \d+ on|not JSON of the expected shape|JSON, but not an object \([a-z]+\)` +
	`|field "[a-z_.]+" (has the wrong type \([a-z]+\)|is missing|is too long|is longer than 255 bytes))$`)

// FuzzDecode: the fact of every body is valid for the CRD, and the API server returns it unchanged.
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
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := webhook.Decode(body)
		if err != nil {
			if !errors.Is(err, webhook.ErrMalformed) || !messages.MatchString(err.Error()) {
				t.Errorf("got error %q, want one of the fixed messages", err)
			}
			return
		}
		if event.Fact == nil {
			return
		}
		if !event.Snapshot || !webhook.Handles(event.Type) || event.Fact.Type != event.Type || event.Fact.EventID != event.ID {
			t.Errorf("got event %+v with fact %+v", event, event.Fact)
		}
		stripeevents.CheckFact(t, *event.Fact)
	})
}
