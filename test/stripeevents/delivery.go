package stripeevents

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"
)

// DeliveryBuilder builds the request by which Stripe delivers an event.
type DeliveryBuilder struct {
	body      []byte
	signature string
}

// MakeDelivery starts the delivery of a body, without a signature.
func MakeDelivery(body []byte) *DeliveryBuilder { return &DeliveryBuilder{body: body} }

// Sign signs the body.
func (b *DeliveryBuilder) Sign(secret string, at time.Time) *DeliveryBuilder {
	return b.Signature(Signature(secret, at, b.body))
}

// Signature sets the signature header as it is.
func (b *DeliveryBuilder) Signature(header string) *DeliveryBuilder {
	b.signature = header
	return b
}

// Obj returns the request, for a handler.
func (b *DeliveryBuilder) Obj(ctx context.Context) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/webhooks/stripe", bytes.NewReader(b.body))
	r.Header.Set("Stripe-Signature", b.signature)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	return r
}

// Signature is the header Stripe-Signature of a body that is sent at a time.
func Signature(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.", at.Unix())
	mac.Write(body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}
