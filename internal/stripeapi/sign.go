package stripeapi

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
)

// Sign returns the Stripe-Signature header of a body, as Stripe makes it with every secret that an endpoint has at the
// time.
func Sign(body []byte, at time.Time, secrets []NamedSecret) string {
	header := strings.Builder{}
	fmt.Fprintf(&header, "t=%d", at.Unix())
	for _, s := range secrets {
		fmt.Fprintf(&header, ",v1=%s", hex.EncodeToString(webhook.ComputeSignature(at, body, string(s.Secret))))
	}
	return header.String()
}
