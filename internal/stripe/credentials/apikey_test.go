package credentials_test

import (
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// keyTail is what no error may hold.
const keyTail = "4eC39HqLyjWDarjtT1zdp7dc"

// refusedWith fails the test unless an error says this and does not repeat what it refuses.
func refusedWith(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, not %q", err, want)
	}
	if err != nil && (strings.Contains(err.Error(), keyTail) || strings.Contains(err.Error(), "\n")) {
		t.Errorf("the value is told: %v", err)
	}
}

func TestParseAPIKey(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " \t\n": "", // there is none, which is no error
		"sk_test_" + keyTail: "sk_test_" + keyTail, "sk_live_" + keyTail: "sk_live_" + keyTail,
		"rk_test_" + keyTail: "rk_test_" + keyTail, " rk_live_" + keyTail + "\r\n": "rk_live_" + keyTail,
		"sk_test_simulator_1": "sk_test_simulator_1",
	} {
		if got, err := credentials.ParseAPIKey(text); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", text, string(got), err)
		} else if credentials.Restricted(got) != strings.HasPrefix(want, "rk_") {
			t.Errorf("%q is restricted: %t", text, credentials.Restricted(got))
		}
	}
	const unlike = "does not look like one of Stripe's: an API key begins with rk_live_, rk_test_, sk_live_ or sk_test_"
	for text, want := range map[string]string{
		"whsec_" + keyTail:       "is a webhook signing secret (whsec_…): put an API key (rk_… or sk_…) there",
		"pk_live_" + keyTail:     "is a publishable key (pk_…): put a restricted key (rk_…) there",
		keyTail:                  unlike,
		"sk_" + keyTail:          unlike,
		"sk_prod_" + keyTail:     unlike,
		"sk_live":                unlike,
		"sk_live_":               unlike,
		"SK_LIVE_" + keyTail:     unlike,
		"ak_live_" + keyTail:     unlike,
		"Bearer sk_live_x":       unlike,
		`"sk_live_` + keyTail:    unlike,
		"sk_live_a sk_live_b":    unlike,
		"sk_live_a,sk_live_b":    unlike,
		"sk_live_a\tb":           unlike,
		"sk_live_a\nrk_live_b":   unlike,
		"sk_live_a\rb":           unlike,
		"sk_live_a\x00b":         unlike,
		"sk_live_a\fb":           unlike,
		"sk_live_a\x7fb":         unlike,
		"sk_live_a\u00a0b":       unlike,
		"sk_live_ä":              unlike,
		"sk_live_a\xff":          unlike,
		"sk_org_live_" + keyTail: unlike,
	} {
		got, err := credentials.ParseAPIKey(text)
		if got != "" {
			t.Errorf("%q is taken", text)
		}
		refusedWith(t, err, want)
	}
}
