package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	stripewebhook "github.com/stripe/stripe-go/v76/webhook"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// BenchmarkEvent verifies and decodes an event with Paylink, with a minimum of the standard library, and with stripe-go.
func BenchmarkEvent(b *testing.B) {
	for _, sample := range []string{stripeevents.SessionPaid, stripeevents.ChargeRefunded, stripeevents.DisputeCreated} {
		body := stripeevents.FromStripe(b, sample)
		signed := header(body, signedAt, liveSecret)
		v := &webhook.Verifier{Secrets: inUse(liveSecret), Clock: testingclock.NewFakePassiveClock(signedAt)}
		for _, side := range []struct {
			name string
			read func() error
		}{
			{"reader=paylink", func() error {
				if err := v.Verify(body, signed); err != nil {
					return err
				}
				_, err := webhook.Decode(body)
				return err
			}},
			{"reader=floor", func() error { return readMinimal(body, signed) }},
			{"reader=stripe-go", func() error {
				_, err := stripewebhook.ConstructEventWithOptions(body, signed, string(liveSecret), stripewebhook.ConstructEventOptions{IgnoreTolerance: true, IgnoreAPIVersionMismatch: true})
				return err
			}},
		} {
			b.Run("event="+sample+"/"+side.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					if err := side.read(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// minimalEvent has the fields that every reader of these events needs.
type minimalEvent struct {
	ID       string
	Type     string
	Created  int64
	Livemode bool
	Data     struct {
		Object struct {
			ID                string
			Currency          string
			PaymentIntent     string `json:"payment_intent"`
			ClientReferenceID string `json:"client_reference_id"`
			PaymentStatus     string `json:"payment_status"`
			PaymentLink       string `json:"payment_link"`
			AmountTotal       int64  `json:"amount_total"`
			Amount            int64
			AmountRefunded    int64 `json:"amount_refunded"`
			Refunded          bool
			Status            string
			Reason            string
		}
	}
}

// readMinimal verifies and decodes an event without any other check.
func readMinimal(body []byte, signed string) error {
	at, signature, _ := strings.Cut(strings.TrimPrefix(signed, "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(liveSecret))
	_, _ = mac.Write([]byte(at + "."))
	_, _ = mac.Write(body)
	given, err := hex.DecodeString(signature)
	if err != nil || !hmac.Equal(mac.Sum(nil), given) {
		return fmt.Errorf("a wrong signature: %w", err)
	}
	var event minimalEvent
	return json.Unmarshal(body, &event)
}

// BenchmarkVerify shows the cost of a second secret, which is one more hash of the body.
func BenchmarkVerify(b *testing.B) {
	body := stripeevents.FromStripe(b, stripeevents.SessionPaid)
	for secrets, list := range map[int]*credentials.SigningSecrets{1: inUse(liveSecret), 2: inUse(liveSecret, oldSecret)} {
		b.Run(fmt.Sprint(secrets), func(b *testing.B) {
			v := &webhook.Verifier{Secrets: list, Clock: testingclock.NewFakePassiveClock(signedAt)}
			signed := header(body, signedAt, liveSecret)
			b.ReportAllocs()
			for b.Loop() {
				if err := v.Verify(body, signed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
