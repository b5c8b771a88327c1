package client_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// keyTail is the secret part of a key: no error may hold it.
const keyTail = "4eC39HqLyjWDarjtT1zdp7dc"

// baseMessages are all errors of ParseBase, so that nothing of the value can be in one.
var baseMessages = regexp.MustCompile(`^(is not an API address: use one such as https://api\.stripe\.com, or leave it empty for that one` +
	`|is an http:// address, and the API key is of live mode: it would be sent unencrypted\. Use https://, or a test key)$`)

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

// TestParseBase: the simulator's address is as good as Stripe's, but a live key never leaves unencrypted.
func TestParseBase(t *testing.T) {
	const none, test, live = "", "rk_test_" + keyTail, "rk_live_" + keyTail
	for name, row := range map[string]struct {
		text string
		key  credentials.Secret
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
			if got, err := stripeclient.ParseBase(row.text, row.key); err != nil || got != row.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	const no = "is not an API address: use one such as https://api.stripe.com, or leave it empty for that one"
	const plain = "the API key is of live mode: it would be sent unencrypted. Use https://, or a test key"
	for name, row := range map[string]struct {
		text string
		key  credentials.Secret
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
			got, err := stripeclient.ParseBase(row.text, row.key)
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
		if got := stripeclient.IsSessionID(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// FuzzParseBase: a call to what is taken goes to the host that was named, as itself, and never unencrypted with a live
// key.
func FuzzParseBase(f *testing.F) {
	for _, text := range []string{
		"", "/", " \n", "https://stripe.example.com//", "http://127.0.0.1:12111", "https://proxy.example.com/stripe/", "HTTP://a", "https://[::1]:8443",
		"ftp://a", "https://", "https://:8443", "https://%zz", "https://user:pw@a", "https://a?b=c", "https://a#b", "api.stripe.com", "sk_live_a", "//a",
	} {
		for kind := range byte(3) {
			f.Add(text, kind)
		}
	}
	keys := []credentials.Secret{"", "rk_test_a", "sk_live_a"}
	f.Fuzz(func(t *testing.T, text string, kind byte) {
		key := keys[int(kind)%len(keys)]
		base, err := stripeclient.ParseBase(text, key)
		if err != nil {
			if base != "" || !baseMessages.MatchString(err.Error()) {
				t.Errorf("%q, and the error is %q", base, err)
			}
			return
		}
		const path = "/v1/checkout/sessions/cs_test_a"
		call, err := url.Parse(base + path)
		switch {
		case err != nil:
			t.Fatalf("%q is taken, and no call to it can be made: %v", text, err)
		case call.Hostname() == "" || call.User != nil || call.RawQuery != "" || call.Fragment != "" || !strings.HasSuffix(call.Path, path):
			t.Errorf("%q is taken, and a call goes to %q", text, call)
		case call.Scheme != "https" && (call.Scheme != "http" || key == "sk_live_a"):
			t.Errorf("%q is taken, and a call goes there by %s", text, call.Scheme)
		}
		if again, err := stripeclient.ParseBase(base, key); again != base || err != nil {
			t.Errorf("%q read again is %q, %v", base, again, err)
		}
	})
}
