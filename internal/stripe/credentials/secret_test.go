package credentials_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

func TestParseSecrets(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		want []string
	}{
		"one":                      {"whsec_a", []string{"1=whsec_a"}},
		"a file's trailing line":   {"whsec_a\n", []string{"1=whsec_a"}},
		"comma":                    {"whsec_a,whsec_b", []string{"1=whsec_a", "2=whsec_b"}},
		"comma and space":          {"whsec_a, whsec_b", []string{"1=whsec_a", "2=whsec_b"}},
		"lines of Windows":         {"whsec_a\r\nwhsec_b\r\n", []string{"1=whsec_a", "2=whsec_b"}},
		"tabs and spaces":          {" \twhsec_a \t whsec_b ", []string{"1=whsec_a", "2=whsec_b"}},
		"commas to no purpose":     {",whsec_a,,whsec_b,", []string{"1=whsec_a", "2=whsec_b"}},
		"the three of a long roll": {"whsec_a whsec_b\nwhsec_c", []string{"1=whsec_a", "2=whsec_b", "3=whsec_c"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := credentials.ParseSecrets(row.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, shown(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseSecretsRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		// want is a piece of the message.
		want string
	}{
		"nothing":                     {"", "no webhook signing secret"},
		"blank":                       {" \t\r\n", "no webhook signing secret"},
		"commas alone":                {",,,", "no webhook signing secret"},
		"a secret API key":            {"sk_live_4eC39HqLyjWDarjtT1zdp7dc", "is an API key (sk_…)"},
		"a restricted API key":        {"rk_test_4eC39HqLyjWDarjtT1zdp7dc", "is an API key (rk_…)"},
		"a publishable key":           {"pk_live_4eC39HqLyjWDarjtT1zdp7dc", "is an API key (pk_…)"},
		"a key beside a good secret":  {"whsec_good,sk_live_4eC39HqLyjWDarjtT1zdp7dc", "secret 2 of 2 is an API key"},
		"a password":                  {"correct-horse-battery-staple", "does not look like one of Stripe's"},
		"in quotes, from a .env file": {`"whsec_4eC39HqLyjWDarjtT1zdp7dc"`, "does not look like one of Stripe's"},
		"in upper case":               {"WHSEC_4eC39HqLyjWDarjtT1zdp7dc", "does not look like one of Stripe's"},
		"the prefix alone":            {"whsec_", "does not look like one of Stripe's"},
		"the prefix cut":              {"whsec4eC39HqLyjWDarjtT1zdp7dc", "does not look like one of Stripe's"},
	} {
		t.Run(name, func(t *testing.T) {
			secrets, err := credentials.ParseSecrets(row.text)
			if err == nil {
				t.Fatalf("took %d secrets", len(secrets))
			}
			if !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), "whsec_") {
				t.Errorf("%q does not say %q, or not what to do", err, row.want)
			}
			if empty := strings.Trim(row.text, ", \t\r\n") == ""; empty != errors.Is(err, credentials.ErrNoSecret) {
				t.Errorf("ErrNoSecret is told wrongly: %v", err)
			}
			for _, word := range strings.FieldsFunc(row.text, func(r rune) bool { return r == ',' || r == ' ' }) {
				if len(word) > len("whsec_") && strings.Contains(err.Error(), word[3:]) {
					t.Errorf("the message holds the value: %q", err)
				}
			}
		})
	}
}

// TestSecretIsNeverShown prints a secret in every way that a program does by mistake.
func TestSecretIsNeverShown(t *testing.T) {
	const value = "whsec_4eC39HqLyjWDarjtT1zdp7dc"
	secret := credentials.Secret(value)
	config := struct {
		Endpoint string
		Secrets  []credentials.Secret
		Current  *credentials.Secret
		ByName   map[string]credentials.Secret
	}{"live", []credentials.Secret{secret}, &secret, map[string]credentials.Secret{"live": secret}}

	shown := map[string]string{"String": secret.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%5.3s", "%U"} {
		shown["secret "+verb] = fmt.Sprintf(verb, secret)
		shown["list "+verb] = fmt.Sprintf(verb, config.Secrets)
		shown["struct "+verb] = fmt.Sprintf(verb, config)
		shown["error "+verb] = fmt.Errorf("parse "+verb+": %w", secret, errors.ErrUnsupported).Error()
	}
	encoded, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	shown["JSON"] = string(encoded)
	for name, log := range map[string]func(*bytes.Buffer){
		"zap as JSON": func(b *bytes.Buffer) {
			zap.New(zap.WriteTo(b)).Info("read", "secret", secret, "list", config.Secrets, "config", config)
		},
		"zap as text": func(b *bytes.Buffer) {
			zap.New(zap.WriteTo(b), zap.UseDevMode(true)).Info("read", "secret", secret, "list", config.Secrets, "config", config)
		},
		"slog as JSON": func(b *bytes.Buffer) {
			slog.New(slog.NewJSONHandler(b, nil)).Info("read", "secret", secret, "list", config.Secrets, "config", config)
		},
		"slog as text": func(b *bytes.Buffer) {
			slog.New(slog.NewTextHandler(b, nil)).Info("read", "secret", secret, "list", config.Secrets, "config", config)
		},
		"funcr": func(b *bytes.Buffer) {
			funcr.New(func(_, args string) { b.WriteString(args) }, funcr.Options{}).
				Info("read", "secret", secret, "list", config.Secrets, "config", config)
		},
	} {
		var b bytes.Buffer
		log(&b)
		if !strings.Contains(b.String(), "[secret]") {
			t.Errorf("%s shows no placeholder: %s", name, b.String())
		}
		shown[name] = b.String()
	}
	hex := fmt.Sprintf("%x", value)
	for name, text := range shown {
		if text == "" || strings.Contains(text, value[6:]) || strings.Contains(strings.ToLower(text), hex) {
			t.Errorf("%s shows %q", name, text)
		}
	}
}
