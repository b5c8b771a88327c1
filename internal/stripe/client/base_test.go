package client_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// baseMessages matches every error of ParseBase. None can hold a part of the value.
var baseMessages = regexp.MustCompile(`^(is not an API address: use one such as https://api\.stripe\.com, or leave it empty for that one` +
	`|is an http:// address, and the API key is of live mode: it would be sent unencrypted\. Use https://, or a test key)$`)

// TestParseBase: the base URL can be a simulator's, but a live key requires https.
func TestParseBase(t *testing.T) {
	const (
		none, test, live = "", testKey, "rk_live_" + keyTail
		notAddress       = "is not an API address: use one such as https://api.stripe.com, or leave it empty for that one"
		unencrypted      = "the API key is of live mode: it would be sent unencrypted. Use https://, or a test key"
	)
	for name, row := range map[string]struct {
		text string
		key  credentials.Secret
		want string
		err  string
	}{
		"Stripe's own":           {"", live, "https://api.stripe.com", ""},
		"blank":                  {" \n", none, "https://api.stripe.com", ""},
		"a slash alone":          {"/", none, "https://api.stripe.com", ""},
		"another":                {"https://stripe.example.com", live, "https://stripe.example.com", ""},
		"a slash at its end":     {" https://stripe.example.com// ", live, "https://stripe.example.com", ""},
		"with a port":            {"https://stripe.example.com:8443", live, "https://stripe.example.com:8443", ""},
		"with a path":            {"https://proxy.example.com/stripe/", live, "https://proxy.example.com/stripe", ""},
		"the simulator":          {"http://127.0.0.1:12111", test, "http://127.0.0.1:12111", ""},
		"the simulator, no key":  {"http://127.0.0.1:12111", none, "http://127.0.0.1:12111", ""},
		"the scheme in capitals": {"HTTPS://stripe.example.com", live, "HTTPS://stripe.example.com", ""},
		"a live key over IPv6":   {"https://[::1]:8443", live, "https://[::1]:8443", ""},
		"a host alone":           {"api.stripe.com", test, "", notAddress},
		"another scheme":         {"ftp://api.stripe.com", test, "", notAddress},
		"no host":                {"https://", test, "", notAddress},
		"a port without a host":  {"https://:8443", test, "", notAddress},
		"no address":             {"https://%zz", test, "", notAddress},
		"a password":             {"https://user:" + keyTail + "@stripe.example.com", test, "", notAddress},
		"a query":                {"https://stripe.example.com?key=" + keyTail, test, "", notAddress},
		"a fragment":             {"https://stripe.example.com#" + keyTail, test, "", notAddress},
		"an empty query":         {"https://stripe.example.com?", test, "", notAddress},
		"an empty fragment":      {"https://stripe.example.com#", test, "", notAddress},
		"a key":                  {"sk_live_" + keyTail, test, "", notAddress},
		"a live key over http":   {"http://127.0.0.1:12111", live, "", unencrypted},
		"a secret key over http": {"http://stripe.example.com", "sk_live_" + keyTail, "", unencrypted},
		"http in capitals":       {"HTTP://stripe.example.com", live, "", unencrypted},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := stripeclient.ParseBase(row.text, row.key)
			if got != row.want || (err == nil) != (row.err == "") || (err != nil && !strings.Contains(err.Error(), row.err)) {
				t.Errorf("got %q and error %v, want %q and error %q", got, err, row.want, row.err)
			}
			if err != nil && !baseMessages.MatchString(err.Error()) {
				t.Errorf("got error %q, want one of the fixed messages", err)
			}
		})
	}
}

// FuzzParseBase: a call to an accepted base URL goes to its host, without credentials in the URL, and never unencrypted
// with a live key.
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
				t.Errorf("got %q and error %q, want one of the fixed messages", base, err)
			}
			return
		}
		const path = "/v1/checkout/sessions/cs_test_a"
		call, err := url.Parse(base + path)
		switch {
		case err != nil:
			t.Fatalf("%q: got base %q, whose calls fail: %v", text, base, err)
		case call.Hostname() == "" || call.User != nil || call.RawQuery != "" || call.Fragment != "" || !strings.HasSuffix(call.Path, path):
			t.Errorf("%q: got a call to %q, want the path appended to the base", text, call)
		case call.Scheme != "https" && (call.Scheme != "http" || key == "sk_live_a"):
			t.Errorf("%q: got a call by %s, want https", text, call.Scheme)
		}
		if again, err := stripeclient.ParseBase(base, key); again != base || err != nil {
			t.Errorf("%q: got %q and error %v when read again", base, again, err)
		}
	})
}
