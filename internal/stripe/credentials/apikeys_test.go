package credentials_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// shown lets a failing test show what secrets hide, with their names.
func shown(secrets []credentials.NamedSecret) []string {
	texts := make([]string, len(secrets))
	for i, s := range secrets {
		texts[i] = s.Name + "=" + string(s.Secret)
	}
	return texts
}

func TestParseAPIKeys(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		want []string
	}{
		"one":                    {"rk_live_a", []string{"1=rk_live_a"}},
		"a file's trailing line": {"sk_test_a\n", []string{"1=sk_test_a"}},
		"comma":                  {"rk_test_a,rk_test_b", []string{"1=rk_test_a", "2=rk_test_b"}},
		"lines of Windows":       {"rk_test_a\r\nrk_test_b\r\n", []string{"1=rk_test_a", "2=rk_test_b"}},
		"commas to no purpose":   {",rk_test_a,, rk_test_b,", []string{"1=rk_test_a", "2=rk_test_b"}},
		"restricted and secret":  {"rk_live_a sk_live_b", []string{"1=rk_live_a", "2=sk_live_b"}},
		"the order is kept":      {"rk_test_c\trk_test_a rk_test_b", []string{"1=rk_test_c", "2=rk_test_a", "3=rk_test_b"}},
		"one of them twice":      {"rk_test_a rk_test_a rk_test_b", []string{"1=rk_test_a", "2=rk_test_b"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := credentials.ParseAPIKeys(row.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, shown(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseAPIKeysRefuses(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"nothing":                   {"", "no API key: put a restricted key (rk_…) there"},
		"blank":                     {" \t\r\n", "no API key"},
		"commas alone":              {",,", "no API key"},
		"a signing secret":          {"whsec_" + keyTail, "API key 1 of 1 is a webhook signing secret (whsec_…)"},
		"a publishable key":         {"pk_test_" + keyTail, "API key 1 of 1 is a publishable key (pk_…)"},
		"a bad one beside a good":   {"rk_test_" + keyTail + " " + keyTail, "API key 2 of 2 does not look like one of Stripe's"},
		"a test key beside live":    {"rk_live_" + keyTail + ",rk_test_" + keyTail, "API key 2 of 2 is of test mode, and the first is not: put keys of one mode there"},
		"a live key beside test":    {"sk_test_" + keyTail + ",rk_test_a\nrk_live_" + keyTail, "API key 3 of 3 is of live mode, and the first is not"},
		"in quotes":                 {`"rk_test_` + keyTail + `"`, "does not look like one of Stripe's"},
		"a variable's whole line":   {"STRIPE_SECRET_KEY=rk_test_" + keyTail, "does not look like one of Stripe's"},
		"two that a semicolon cuts": {"rk_test_" + keyTail + "; rk_test_" + keyTail + "; x", "API key 3 of 3 does not look like"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := credentials.ParseAPIKeys(row.text)
			if keys != nil {
				t.Errorf("took %d keys", len(keys))
			}
			refusedWith(t, err, row.want)
			if empty := strings.Trim(row.text, ", \t\r\n") == ""; empty != errors.Is(err, credentials.ErrNoKey) {
				t.Errorf("ErrNoKey is told wrongly: %v", err)
			}
		})
	}
}

// FuzzParseAPIKeys: whatever is there, the keys that are taken are good by themselves, of one mode, none twice, and named
// by position; they come back from their own list; and an error tells no more of the text than a key's kind.
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
				t.Errorf("%q: an error and %d keys", text, len(keys))
			}
			for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == '_' || r == ',' }) {
				if len(word) > len("Developers") && strings.Contains(err.Error(), word) && !strings.Contains(credentials.ErrNoKey.Error(), word) {
					t.Errorf("%q: the error tells %q: %v", text, word, err)
				}
			}
			return
		}
		seen := map[credentials.Secret]bool{}
		list := make([]string, len(keys))
		for i, key := range keys {
			if alone, err := credentials.ParseAPIKey(string(key.Secret)); err != nil || alone != key.Secret || alone == "" {
				t.Errorf("%q: key %d is none: %v", text, i+1, err)
			}
			if seen[key.Secret] || string(key.Secret[2:8]) != string(keys[0].Secret[2:8]) {
				t.Errorf("%q: key %d is there twice, or of another mode", text, i+1)
			}
			seen[key.Secret], list[i] = true, string(key.Secret)
		}
		again, err := credentials.ParseAPIKeys(strings.Join(list, "\n"))
		if diff := cmp.Diff(shown(keys), shown(again)); err != nil || len(keys) == 0 || diff != "" {
			t.Errorf("%q: it comes back as another: %v %s", text, err, diff)
		}
	})
}
