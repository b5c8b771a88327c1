package credentials_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// TestSecretNeverPrints prints a secret in every way that a program can print it by mistake.
func TestSecretNeverPrints(t *testing.T) {
	const value = "whsec_" + secretPart
	secret := credentials.Secret(value)
	config := struct {
		Endpoint string
		Secrets  []credentials.Secret
		Current  *credentials.Secret
		ByName   map[string]credentials.Secret
	}{"live", []credentials.Secret{secret}, &secret, map[string]credentials.Secret{"live": secret}}

	printed := map[string]string{"String": secret.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%5.3s", "%U"} {
		printed["secret "+verb] = fmt.Sprintf(verb, secret)
		printed["list "+verb] = fmt.Sprintf(verb, config.Secrets)
		printed["struct "+verb] = fmt.Sprintf(verb, config)
		printed["error "+verb] = fmt.Errorf("parse "+verb+": %w", secret, errors.ErrUnsupported).Error()
	}
	encoded, err := json.Marshal(config)
	check(t, err)
	printed["JSON"] = string(encoded)
	for name, info := range map[string]func(*bytes.Buffer) func(string, ...any){
		"zap as JSON":  func(b *bytes.Buffer) func(string, ...any) { return zap.New(zap.WriteTo(b)).Info },
		"zap as text":  func(b *bytes.Buffer) func(string, ...any) { return zap.New(zap.WriteTo(b), zap.UseDevMode(true)).Info },
		"slog as JSON": func(b *bytes.Buffer) func(string, ...any) { return slog.New(slog.NewJSONHandler(b, nil)).Info },
		"slog as text": func(b *bytes.Buffer) func(string, ...any) { return slog.New(slog.NewTextHandler(b, nil)).Info },
		"funcr": func(b *bytes.Buffer) func(string, ...any) {
			return funcr.New(func(_, args string) { b.WriteString(args) }, funcr.Options{}).Info
		},
	} {
		var b bytes.Buffer
		info(&b)("read", "secret", secret, "list", config.Secrets, "config", config)
		if !strings.Contains(b.String(), "[secret]") {
			t.Errorf("%s: got %s, want a placeholder", name, b.String())
		}
		printed[name] = b.String()
	}
	keys, err := credentials.NewKeys("rk_test_"+secretPart+" rk_test_other"+secretPart, testingclock.NewFakePassiveClock(start), logr.Discard())
	check(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for name, value := range map[string]any{"keys": keys, "current": keys.Current(), "first": keys.Current()[0]} {
			printed[name+" "+verb] = fmt.Sprintf(verb, value)
		}
	}
	hex := fmt.Sprintf("%x", secretPart)
	for name, text := range printed {
		if text == "" || strings.Contains(text, secretPart) || strings.Contains(strings.ToLower(text), hex) {
			t.Errorf("%s: got %q, want no secret", name, text)
		}
	}
}
