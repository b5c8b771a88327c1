package stripeapi_test

import (
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/internal/stripeapi"
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
		if got, err := stripeapi.ParseAPIKey(text); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", text, string(got), err)
		} else if stripeapi.Restricted(got) != strings.HasPrefix(want, "rk_") {
			t.Errorf("%q is restricted: %t", text, stripeapi.Restricted(got))
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
		got, err := stripeapi.ParseAPIKey(text)
		if got != "" {
			t.Errorf("%q is taken", text)
		}
		refusedWith(t, err, want)
	}
}

// TestParseBase: the simulator's address is as good as Stripe's, but a live key never leaves unencrypted.
func TestParseBase(t *testing.T) {
	const none, test, live = "", "rk_test_" + keyTail, "rk_live_" + keyTail
	for name, row := range map[string]struct {
		text string
		key  stripeapi.Secret
		want string
	}{
		"Stripe's own":           {"", live, "https://api.stripe.com"},
		"blank":                  {" \n", none, "https://api.stripe.com"},
		"a slash alone":          {"/", none, "https://api.stripe.com"},
		"another":                {"https://stripe.example.com", live, "https://stripe.example.com"},
		"a slash at its end":     {" https://stripe.example.com// ", live, "https://stripe.example.com"},
		"with a port":            {"https://stripe.example.com:8443", live, "https://stripe.example.com:8443"},
		"with a path":            {"https://proxy.example.com/stripe/", live, "https://proxy.example.com/stripe"},
		"the simulator":          {"http://127.0.0.1:12111", test, "http://127.0.0.1:12111"},
		"the simulator, no key":  {"http://127.0.0.1:12111", none, "http://127.0.0.1:12111"},
		"the scheme in capitals": {"HTTPS://stripe.example.com", live, "HTTPS://stripe.example.com"},
		"a live key over IPv6":   {"https://[::1]:8443", live, "https://[::1]:8443"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := stripeapi.ParseBase(row.text, row.key); err != nil || got != row.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	const no = "is no address of an API: write one such as https://api.stripe.com, or leave it empty for that"
	const plain = "the API key is of live mode: it would be sent unencrypted. Use https://, or a test key"
	for name, row := range map[string]struct {
		text string
		key  stripeapi.Secret
		want string
	}{
		"a host alone":           {"api.stripe.com", test, no},
		"another scheme":         {"ftp://api.stripe.com", test, no},
		"no host":                {"https://", test, no},
		"a port without a host":  {"https://:8443", test, no},
		"no address":             {"https://%zz", test, no},
		"a password":             {"https://user:" + keyTail + "@stripe.example.com", test, no},
		"a query":                {"https://stripe.example.com?key=" + keyTail, test, no},
		"a fragment":             {"https://stripe.example.com#" + keyTail, test, no},
		"an empty query":         {"https://stripe.example.com?", test, no},
		"an empty fragment":      {"https://stripe.example.com#", test, no},
		"a key":                  {"sk_live_" + keyTail, test, no},
		"a live key over http":   {"http://127.0.0.1:12111", live, plain},
		"a secret key over http": {"http://stripe.example.com", "sk_live_" + keyTail, plain},
		"http in capitals":       {"HTTP://stripe.example.com", live, plain},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := stripeapi.ParseBase(row.text, row.key)
			if got != "" {
				t.Errorf("%q is taken", row.text)
			}
			refusedWith(t, err, row.want)
		})
	}
}

func TestIsSessionID(t *testing.T) {
	for text, want := range map[string]bool{
		"cs_test_a1B2c3": true, "cs_live_a1B2c3": true, "cs_test_" + strings.Repeat("a", 247): true,
		"": false, "cs_test_": false, "cs_prod_a1": false, "cs_a1B2": false, "pi_a1B2": false, "CS_TEST_a1": false, "cs_test_a-b": false,
		"cs_test_a\n": false, " cs_test_a": false, "cs_test_a/../../charges": false, "cs_test_ü": false, "{CHECKOUT_SESSION_ID}": false,
		"cs_test_" + strings.Repeat("a", 248): false,
	} {
		if got := stripeapi.IsSessionID(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
