package credentials_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

func TestParseAPIKey(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " \t\n": "",
		"sk_test_" + secretPart: "sk_test_" + secretPart, "sk_live_" + secretPart: "sk_live_" + secretPart,
		"rk_test_" + secretPart: "rk_test_" + secretPart, " rk_live_" + secretPart + "\r\n": "rk_live_" + secretPart,
		"sk_test_simulator_1": "sk_test_simulator_1",
	} {
		got, err := credentials.ParseAPIKey(text)
		if err != nil || string(got) != want {
			t.Errorf("%q: got %q and error %v, want %q", text, string(got), err, want)
		}
		if got, want := credentials.Restricted(got), strings.HasPrefix(want, "rk_"); got != want {
			t.Errorf("%q: got restricted %t, want %t", text, got, want)
		}
	}
	const unlike = "does not look like one of Stripe's: an API key begins with rk_live_, rk_test_, sk_live_ or sk_test_"
	for text, want := range map[string]string{
		"whsec_" + secretPart:       "is a webhook signing secret (whsec_…): put an API key (rk_… or sk_…) there",
		"pk_live_" + secretPart:     "is a publishable key (pk_…): put a restricted key (rk_…) there",
		secretPart:                  unlike,
		"sk_" + secretPart:          unlike,
		"sk_prod_" + secretPart:     unlike,
		"sk_live":                   unlike,
		"sk_live_":                  unlike,
		"SK_LIVE_" + secretPart:     unlike,
		"ak_live_" + secretPart:     unlike,
		"Bearer sk_live_x":          unlike,
		`"sk_live_` + secretPart:    unlike,
		"sk_live_a sk_live_b":       unlike,
		"sk_live_a,sk_live_b":       unlike,
		"sk_live_a\tb":              unlike,
		"sk_live_a\nrk_live_b":      unlike,
		"sk_live_a\rb":              unlike,
		"sk_live_a\x00b":            unlike,
		"sk_live_a\fb":              unlike,
		"sk_live_a\x7fb":            unlike,
		"sk_live_a\u00a0b":          unlike,
		"sk_live_ä":                 unlike,
		"sk_live_a\xff":             unlike,
		"sk_org_live_" + secretPart: unlike,
	} {
		got, err := credentials.ParseAPIKey(text)
		if got != "" {
			t.Errorf("%q: got a key, want none", text)
		}
		checkRefused(t, err, want)
	}
}

// parsers are the two parsers of lists. empty is the error of an empty list.
var (
	apiKeys = parser{"API keys", credentials.ParseAPIKeys, credentials.ErrNoKey}
	secrets = parser{"signing secrets", credentials.ParseSecrets, credentials.ErrNoSecret}
)

type parser struct {
	name  string
	parse func(string) ([]credentials.NamedSecret, error)
	empty error
}

func TestParseLists(t *testing.T) {
	for _, row := range []struct {
		parser     parser
		name, text string
		want       string
	}{
		{apiKeys, "one", "rk_live_a", "1=rk_live_a"},
		{apiKeys, "final line break", "sk_test_a\n", "1=sk_test_a"},
		{apiKeys, "comma", "rk_test_a,rk_test_b", "1=rk_test_a 2=rk_test_b"},
		{apiKeys, "Windows line breaks", "rk_test_a\r\nrk_test_b\r\n", "1=rk_test_a 2=rk_test_b"},
		{apiKeys, "superfluous commas", ",rk_test_a,, rk_test_b,", "1=rk_test_a 2=rk_test_b"},
		{apiKeys, "restricted and secret", "rk_live_a sk_live_b", "1=rk_live_a 2=sk_live_b"},
		{apiKeys, "same order", "rk_test_c\trk_test_a rk_test_b", "1=rk_test_c 2=rk_test_a 3=rk_test_b"},
		{apiKeys, "one of them twice", "rk_test_a rk_test_a rk_test_b", "1=rk_test_a 2=rk_test_b"},
		{secrets, "one", "whsec_a", "1=whsec_a"},
		{secrets, "final line break", "whsec_a\n", "1=whsec_a"},
		{secrets, "comma", "whsec_a,whsec_b", "1=whsec_a 2=whsec_b"},
		{secrets, "comma and space", "whsec_a, whsec_b", "1=whsec_a 2=whsec_b"},
		{secrets, "Windows line breaks", "whsec_a\r\nwhsec_b\r\n", "1=whsec_a 2=whsec_b"},
		{secrets, "tabs and spaces", " \twhsec_a \t whsec_b ", "1=whsec_a 2=whsec_b"},
		{secrets, "superfluous commas", ",whsec_a,,whsec_b,", "1=whsec_a 2=whsec_b"},
		{secrets, "three", "whsec_a whsec_b\nwhsec_c", "1=whsec_a 2=whsec_b 3=whsec_c"},
	} {
		t.Run(row.parser.name+"/"+row.name, func(t *testing.T) {
			got, err := row.parser.parse(row.text)
			check(t, err)
			if got := format(got); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

// TestRefusedLists: an invalid list is refused with an error that says what to do, and holds no value.
func TestRefusedLists(t *testing.T) {
	const unlike = "does not look like one of Stripe's"
	for _, row := range []struct {
		parser           parser
		name, text, want string
	}{
		{apiKeys, "nothing", "", "no API key: put a restricted key (rk_…) there"},
		{apiKeys, "blank", " \t\r\n", "no API key"},
		{apiKeys, "commas alone", ",,", "no API key"},
		{apiKeys, "a signing secret", "whsec_" + secretPart, "API key 1 of 1 is a webhook signing secret (whsec_…)"},
		{apiKeys, "a publishable key", "pk_test_" + secretPart, "API key 1 of 1 is a publishable key (pk_…)"},
		{apiKeys, "an invalid key beside a valid one", "rk_test_" + secretPart + " " + secretPart, "API key 2 of 2 " + unlike},
		{apiKeys, "a test key beside a live key", "rk_live_" + secretPart + ",rk_test_" + secretPart, "API key 2 of 2 is of test mode, and the first is not: put keys of one mode there"},
		{apiKeys, "a live key beside test keys", "sk_test_" + secretPart + ",rk_test_a\nrk_live_" + secretPart, "API key 3 of 3 is of live mode, and the first is not"},
		{apiKeys, "in quotes", `"rk_test_` + secretPart + `"`, unlike},
		{apiKeys, "a whole line of a .env file", "STRIPE_SECRET_KEY=rk_test_" + secretPart, unlike},
		{apiKeys, "separated by semicolons", "rk_test_" + secretPart + "; rk_test_" + secretPart + "; x", "API key 3 of 3 does not look like"},
		{secrets, "nothing", "", "no webhook signing secret"},
		{secrets, "blank", " \t\r\n", "no webhook signing secret"},
		{secrets, "commas alone", ",,,", "no webhook signing secret"},
		{secrets, "a secret API key", "sk_live_" + secretPart, "is an API key (sk_…)"},
		{secrets, "a restricted API key", "rk_test_" + secretPart, "is an API key (rk_…)"},
		{secrets, "a publishable key", "pk_live_" + secretPart, "is an API key (pk_…)"},
		{secrets, "an API key beside a secret", "whsec_good,sk_live_" + secretPart, "secret 2 of 2 is an API key"},
		{secrets, "a password", "correct-horse-battery-staple", unlike},
		{secrets, "in quotes, from a .env file", `"whsec_` + secretPart + `"`, unlike},
		{secrets, "in upper case", "WHSEC_" + secretPart, unlike},
		{secrets, "the prefix alone", "whsec_", unlike},
		{secrets, "the prefix cut", "whsec" + secretPart, unlike},
	} {
		t.Run(row.parser.name+"/"+row.name, func(t *testing.T) {
			got, err := row.parser.parse(row.text)
			if got != nil {
				t.Errorf("got %d values, want none", len(got))
			}
			checkRefused(t, err, row.want)
			if empty := strings.Trim(row.text, ", \t\r\n") == ""; empty != errors.Is(err, row.parser.empty) {
				t.Errorf("got error %v, want %v: %t", err, row.parser.empty, empty)
			}
			if err != nil && (strings.Contains(err.Error(), "rect-horse") || row.parser.name == secrets.name && !strings.Contains(err.Error(), "whsec_")) {
				t.Errorf("got error %q, want the expected form and not the value", err)
			}
		})
	}
}
