package credentials_test

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
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
		secrets, err := credentials.ParseSecrets(text)
		if err != nil {
			if len(secrets) > 0 || !secretMessages.MatchString(err.Error()) {
				t.Errorf("%d secrets, and the error is %q", len(secrets), err)
			}
			if blank := strings.Trim(text, ", \t\r\n") == ""; blank && !errors.Is(err, credentials.ErrNoSecret) {
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
		v := &webhook.Verifier{Secrets: credentials.NewSigningSecrets(secrets), Clock: clock.RealClock{}}
		if err := v.Verify(body, webhook.Sign(body, time.Unix(1, 0), []credentials.NamedSecret{{}})); !errors.Is(err, webhook.ErrSignature) {
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
		key, err := credentials.ParseAPIKey(text)
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
			if again, err := credentials.ParseAPIKey(string(key)); again != key || err != nil {
				t.Errorf("%q read again is %q, %v", string(key), string(again), err)
			}
		}
	})
}
