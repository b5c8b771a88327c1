package stripeapi_test

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/internal/stripeapi"
)

// What is read here comes from an operator, but what it is refused with goes into a log: each error is one of ours,
// word for word, so that nothing of the value can be in it.
var (
	secretMessages = regexp.MustCompile(`^(no webhook signing secret: set it to the endpoint's signing secret \(whsec_…\), shown in Stripe under Developers > Webhooks` +
		`|signing secret \d+ of \d+ (is an API key \([srp]k_…\): put the endpoint's signing secret \(whsec_…\) there, shown in Stripe under Developers > Webhooks` +
		`|does not look like one of Stripe's: a signing secret is whsec_ and what follows it, shown in Stripe under Developers > Webhooks))$`)
	keyMessages = regexp.MustCompile(`^(is a webhook signing secret \(whsec_…\): put an API key \(rk_… or sk_…\) there, shown in Stripe under Developers > API keys` +
		`|is a publishable key \(pk_…\): put a restricted key \(rk_…\) there, made in Stripe under Developers > API keys` +
		`|does not look like one of Stripe's: an API key begins with rk_live_, rk_test_, sk_live_ or sk_test_, see Stripe under Developers > API keys)$`)
	baseMessages = regexp.MustCompile(`^(is no address of an API: write one such as https://api\.stripe\.com, or leave it empty for that` +
		`|is an http:// address, and the API key is of live mode: it would be sent unencrypted\. Use https://, or a test key)$`)
)

// FuzzParseSecrets: whatever the variable or a file holds, no setting makes a signature by the empty key good, and of
// what is taken nothing is lost or made up.
func FuzzParseSecrets(f *testing.F) {
	for _, text := range []string{
		"", " \t\r\n", ",,,", "whsec_a", "whsec_a,whsec_b", "whsec_a\nwhsec_b\r\n", "whsec_", "whsec_\x00", "WHSEC_a", `"whsec_a"`, "sk_live_a", "rk_test_a",
		"pk_live_a", "whsec_a,sk_live_b", "whsec_a\u00a0whsec_b", "whsec_ü", "whsec_a;whsec_b", "\ufeffwhsec_a",
	} {
		f.Add(text)
	}
	body := []byte(`{"id":"evt_forged","type":"checkout.session.completed"}`)
	f.Fuzz(func(t *testing.T, text string) {
		secrets, err := stripeapi.ParseSecrets(text)
		if err != nil {
			if len(secrets) > 0 || !secretMessages.MatchString(err.Error()) {
				t.Errorf("%d secrets, and the error is %q", len(secrets), err)
			}
			if blank := strings.Trim(text, ", \t\r\n") == ""; blank && !errors.Is(err, stripeapi.ErrNoSecret) {
				t.Errorf("blank, and the error is %q", err)
			}
			return
		}
		if len(secrets) == 0 {
			t.Fatal("no secret, and no error")
		}
		rest := text
		for i, named := range secrets {
			secret := string(named.Secret)
			before, after, found := strings.Cut(rest, secret)
			if !found || strings.TrimFunc(before, separates) != "" || named.Name != strconv.Itoa(i+1) {
				t.Fatalf("%q is read as %q", text, shown(secrets))
			}
			if rest = after; !strings.HasPrefix(secret, "whsec_") || len(secret) == len("whsec_") || strings.ContainsFunc(secret, separates) {
				t.Errorf("%q is no signing secret", secret)
			}
		}
		if strings.TrimFunc(rest, separates) != "" {
			t.Errorf("%q is read as %q", text, shown(secrets))
		}
		v := &stripeapi.Verifier{Secrets: stripeapi.NewSigningSecrets(secrets), Clock: clock.RealClock{}}
		if err := v.Verify(body, "t=1,v1="+signature("", 1, body)); !errors.Is(err, stripeapi.ErrSignature) {
			t.Errorf("with %q a signature by the empty key is answered %v", text, err)
		}
	})
}

func separates(r rune) bool { return r == ',' || unicode.IsSpace(r) }

// FuzzParseAPIKey: what is taken is the key as it stands there, of a kind and a mode, and on one line.
func FuzzParseAPIKey(f *testing.F) {
	for _, text := range []string{
		"", " \n", "sk_test_a", " rk_live_a\r\n", "sk_test_simulator_1", "whsec_a", "pk_live_a", "sk_live_", "sk_live", "sk_prod_a", "SK_LIVE_a", "sk_org_live_a",
		"sk_live_a b", "sk_live_a,b", "sk_live_a\tb", "Bearer sk_live_a", `"sk_live_a"`, "_", "__", "sk__a", "sk_test__",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := stripeapi.ParseAPIKey(text)
		switch {
		case err != nil:
			if key != "" || !keyMessages.MatchString(err.Error()) {
				t.Errorf("key of %d bytes, and the error is %q", len(key), err)
			}
		case key == "":
			if strings.TrimSpace(text) != "" {
				t.Errorf("%q is no key, and no error", text)
			}
		default:
			if string(key) != strings.TrimSpace(text) || !regexp.MustCompile(`^[rs]k_(live|test)_[!-+\--~]+$`).MatchString(string(key)) {
				t.Errorf("%q is read as %q", text, string(key))
			}
			if again, err := stripeapi.ParseAPIKey(string(key)); again != key || err != nil {
				t.Errorf("%q read again is %q, %v", string(key), string(again), err)
			}
		}
	})
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
	keys := []stripeapi.Secret{"", "rk_test_a", "sk_live_a"}
	f.Fuzz(func(t *testing.T, text string, kind byte) {
		key := keys[int(kind)%len(keys)]
		base, err := stripeapi.ParseBase(text, key)
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
		if again, err := stripeapi.ParseBase(base, key); again != base || err != nil {
			t.Errorf("%q read again is %q, %v", base, again, err)
		}
	})
}
