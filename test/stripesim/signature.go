package stripesim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// SignatureHeader is the value of Stripe-Signature for a body sent at that time:
// one v1 for each secret, so that a receiver verifies with the old one or the
// new one while a secret is being rolled.
func SignatureHeader(secrets []string, at time.Time, body []byte) string {
	var header strings.Builder
	fmt.Fprintf(&header, "t=%d", at.Unix())
	for _, secret := range secrets {
		header.WriteString(",v1=" + sign(secret, at, body))
	}
	return header.String()
}

// deliveryHeader adds the v0 of test mode, as Stripe does. No secret made it, and no receiver may accept it.
func deliveryHeader(secrets []string, at time.Time, body []byte, livemode bool) string {
	header := SignatureHeader(secrets, at, body)
	if !livemode {
		header += ",v0=" + sign("v0", at, body)
	}
	return header
}

func sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.", at.Unix())
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
