package webhook

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	stripewebhook "github.com/stripe/stripe-go/v76/webhook"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// Sign returns the Stripe-Signature header of a body, signed with every given secret. Stripe signs with two secrets
// during a rotation.
func Sign(body []byte, at time.Time, secrets []credentials.NamedSecret) string {
	header := strings.Builder{}
	fmt.Fprintf(&header, "t=%d", at.Unix())
	for _, s := range secrets {
		fmt.Fprintf(&header, ",v1=%s", hex.EncodeToString(stripewebhook.ComputeSignature(at, body, string(s.Secret))))
	}
	return header.String()
}
