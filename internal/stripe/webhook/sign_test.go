package webhook_test

import (
	"errors"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// TestSigned bodies are verified by whoever has one of the secrets, and by nobody else.
func TestSigned(t *testing.T) {
	body, now := []byte(`{"id":"evt_1"}`), time.Unix(1760000000, 0)
	named := func(secrets ...string) []credentials.NamedSecret {
		list := make([]credentials.NamedSecret, len(secrets))
		for i, s := range secrets {
			list[i] = credentials.NamedSecret{Secret: credentials.Secret(s)}
		}
		return list
	}
	header := webhook.Sign(body, now, named("whsec_old", "whsec_new"))
	for secret, want := range map[string]error{"whsec_old": nil, "whsec_new": nil, "whsec_other": webhook.ErrSignature} {
		verifier := &webhook.Verifier{Secrets: credentials.NewSigningSecrets(named(secret)), Clock: clocktesting.NewFakePassiveClock(now)}
		if err := verifier.Verify(body, header); !errors.Is(err, want) {
			t.Errorf("%s: %v, not %v", secret, err, want)
		}
	}
}
