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

// secretMessages and keyMessages match every error of a parser. Errors are logged, and none can hold a part of the value.
var (
	secretMessages = regexp.MustCompile(`^(no webhook signing secret: set it to the endpoint's signing secret \(whsec_…\), shown in Stripe under Developers > Webhooks` +
		`|signing secret \d+ of \d+ (is an API key \([srp]k_…\): put the endpoint's signing secret \(whsec_…\) there, shown in Stripe under Developers > Webhooks` +
		`|does not look like one of Stripe's: a signing secret is whsec_ and what follows it, shown in Stripe under Developers > Webhooks))$`)
	keyMessages = regexp.MustCompile(`^(is a webhook signing secret \(whsec_…\): put an API key \(rk_… or sk_…\) there, shown in Stripe under Developers > API keys` +
		`|is a publishable key \(pk_…\): put a restricted key \(rk_…\) there, made in Stripe under Developers > API keys` +
		`|does not look like one of Stripe's: an API key begins with rk_live_, rk_test_, sk_live_ or sk_test_, see Stripe under Developers > API keys)$`)
)

// FuzzParseSecrets: no list makes a signature with the empty key valid. Accepted secrets are exactly the fields of the
// text.
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
				t.Errorf("got %d secrets with error %q, want none and a fixed message", len(secrets), err)
			}
			if blank := strings.Trim(text, ", \t\r\n") == ""; blank && !errors.Is(err, credentials.ErrNoSecret) {
				t.Errorf("blank: got error %q, want %q", err, credentials.ErrNoSecret)
			}
			return
		}
		if len(secrets) == 0 {
			t.Fatal("got neither a secret nor an error")
		}
		rest := text
		for i, named := range secrets {
			secret := string(named.Secret)
			before, after, found := strings.Cut(rest, secret)
			if !found || strings.TrimFunc(before, separates) != "" || named.Name != strconv.Itoa(i+1) {
				t.Fatalf("%q: got %q", text, format(secrets))
			}
			if rest = after; !strings.HasPrefix(secret, "whsec_") || len(secret) == len("whsec_") || strings.ContainsFunc(secret, separates) {
				t.Errorf("got %q, want a signing secret", secret)
			}
		}
		if strings.TrimFunc(rest, separates) != "" {
			t.Errorf("%q: got %q", text, format(secrets))
		}
		v := &webhook.Verifier{Secrets: credentials.NewSigningSecrets(secrets), Clock: clock.RealClock{}}
		if err := v.Verify(body, webhook.Sign(body, time.Unix(1, 0), []credentials.NamedSecret{{}})); !errors.Is(err, webhook.ErrSignature) {
			t.Errorf("%q: got %v for a signature with the empty key, want %v", text, err, webhook.ErrSignature)
		}
	})
}

func separates(r rune) bool { return r == ',' || unicode.IsSpace(r) }

// FuzzParseAPIKey: an accepted key is the trimmed text, with a known prefix and mode, on one line.
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
				t.Errorf("got a key of %d bytes with error %q, want none and a fixed message", len(key), err)
			}
		case key == "":
			if strings.TrimSpace(text) != "" {
				t.Errorf("%q: got neither a key nor an error", text)
			}
		default:
			if string(key) != strings.TrimSpace(text) || !regexp.MustCompile(`^[rs]k_(live|test)_[!-+\--~]+$`).MatchString(string(key)) {
				t.Errorf("%q: got key %q", text, string(key))
			}
			if again, err := credentials.ParseAPIKey(string(key)); again != key || err != nil {
				t.Errorf("%q: got %q and error %v when read again", string(key), string(again), err)
			}
		}
	})
}

// FuzzParseAPIKeys: accepted keys are each valid, of one mode, unique, and named by position. Their own list gives them
// again. An error quotes nothing of the text but the prefix of a key.
func FuzzParseAPIKeys(f *testing.F) {
	for _, text := range []string{
		"", " ,\n", "rk_live_a", "rk_live_a,rk_live_a", "sk_test_a rk_test_b\r\nsk_test_c", "rk_live_a rk_test_b", "whsec_a", "pk_live_a", "rk_live_", "rk_test_a\u00a0rk_test_b",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := credentials.ParseAPIKeys(text)
		if err != nil {
			if keys != nil {
				t.Errorf("%q: got %d keys with an error, want none", text, len(keys))
			}
			for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == '_' || r == ',' }) {
				if len(word) > len("Developers") && strings.Contains(err.Error(), word) && !strings.Contains(credentials.ErrNoKey.Error(), word) {
					t.Errorf("%q: got error %v, want it without %q", text, err, word)
				}
			}
			return
		}
		seen := map[credentials.Secret]bool{}
		list := make([]string, len(keys))
		for i, key := range keys {
			if alone, err := credentials.ParseAPIKey(string(key.Secret)); err != nil || alone != key.Secret || alone == "" {
				t.Errorf("%q: got invalid key %d: %v", text, i+1, err)
			}
			if seen[key.Secret] || string(key.Secret[2:8]) != string(keys[0].Secret[2:8]) {
				t.Errorf("%q: got key %d twice, or of another mode", text, i+1)
			}
			seen[key.Secret], list[i] = true, string(key.Secret)
		}
		again, err := credentials.ParseAPIKeys(strings.Join(list, "\n"))
		if err != nil || len(keys) == 0 || format(again) != format(keys) {
			t.Errorf("%q: got %s and error %v from the list of the keys, want %s", text, format(again), err, format(keys))
		}
	})
}
