package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/command"
)

// program is the command as it ships.
var program command.Program

func TestMain(m *testing.M) { goleak.VerifyTestMain(program.Around(m)) }

// TestRefusesToStart with one line that says what to do, and never holds the value.
func TestRefusesToStart(t *testing.T) {
	const value = "4eC39HqLyjWDarjtT1zdp7dc"
	empty, wrong := t.TempDir(), t.TempDir()
	check.Must(t, os.WriteFile(filepath.Join(wrong, "live"), []byte("sk_live_"+value), 0o600))
	namespace, good := "POD_NAMESPACE=paylink-system", "STRIPE_WEBHOOK_SECRET=whsec_"+value
	secret := func(text string) []string { return []string{namespace, "STRIPE_WEBHOOK_SECRET=" + text} }
	for name, row := range map[string]struct {
		env  []string
		args []string
		want []string
	}{
		"secret unset":            {[]string{namespace}, nil, []string{"STRIPE_WEBHOOK_SECRET: no webhook signing secret", "set it to the endpoint's signing secret (whsec_…)"}},
		"secret API key":          {secret("sk_live_" + value), nil, []string{"STRIPE_WEBHOOK_SECRET", "is an API key (sk_…)", "put the endpoint's signing secret (whsec_…) there"}},
		"a good and a bad one":    {secret("whsec_" + value + " sk_live_" + value), nil, []string{"signing secret 2 of 2 is an API key (sk_…)"}},
		"a key, logging it all":   {secret("sk_live_" + value), []string{"--zap-devel"}, []string{"is an API key (sk_…)"}},
		"namespace unset":         {[]string{good}, nil, []string{"POD_NAMESPACE is not set", "set it to the namespace where StripeEvents are to be kept"}},
		"namespace blank":         {[]string{good, "POD_NAMESPACE= "}, nil, []string{"POD_NAMESPACE is not set"}},
		"namespace of no use":     {[]string{good, "POD_NAMESPACE=Bad_NS"}, nil, []string{"POD_NAMESPACE is not a valid namespace name"}},
		"served namespace wrong":  {[]string{good, namespace}, []string{"--watch-namespaces=shop,Bad_NS"}, []string{"--watch-namespaces", `"Bad_NS"`}},
		"a stray argument":        {[]string{good, namespace}, []string{"extra"}, []string{`unexpected argument "extra"`, "--help"}},
		"no such folder":          {[]string{namespace}, []string{"--stripe-webhook-secret-dir=" + filepath.Join(empty, "none")}, []string{"--stripe-webhook-secret-dir", "no such file or directory"}},
		"an empty folder":         {[]string{namespace}, []string{"--stripe-webhook-secret-dir=" + empty}, []string{"--stripe-webhook-secret-dir", "holds no file", "set it to"}},
		"both, and who would win": {[]string{namespace, good}, []string{"--stripe-webhook-secret-dir=" + empty}, []string{"both --stripe-webhook-secret-dir and STRIPE_WEBHOOK_SECRET are set", "unset one"}},
		"an API key in a folder":  {[]string{namespace}, []string{"--stripe-webhook-secret-dir=" + wrong}, []string{"--stripe-webhook-secret-dir", "live: signing secret 1 of 1 is an API key (sk_…)"}},
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, row.env, row.args, value, row.want...)
		})
	}
}

// refuses fails the test unless the command ends with one line that says all of what is wanted, and nothing of a value.
func refuses(t *testing.T, env, args []string, value string, wants ...string) {
	t.Helper()
	code, stdout, stderr := program.Run(t, env, args...)
	if code != 1 || stdout != "" {
		t.Errorf("exits %d, and prints %q", code, stdout)
	}
	line, rest, _ := strings.Cut(stderr, "\n")
	if rest != "" || !strings.HasPrefix(line, "webhookserver: ") {
		t.Errorf("not one line: %q", stderr)
	}
	for _, want := range wants {
		if !strings.Contains(line, want) {
			t.Errorf("%q does not say %q", line, want)
		}
	}
	if strings.Contains(stderr, value) {
		t.Errorf("the value is told: %q", stderr)
	}
}

// TestSecretIsAccepted: with a right one it is the cluster that is missing.
func TestSecretIsAccepted(t *testing.T) {
	dir := t.TempDir()
	check.Must(t, os.WriteFile(filepath.Join(dir, "live"), []byte("whsec_a\nwhsec_b\n"), 0o600))
	for name, row := range map[string]struct{ env, args []string }{
		"one":      {[]string{"STRIPE_WEBHOOK_SECRET=whsec_a"}, nil},
		"several":  {[]string{"STRIPE_WEBHOOK_SECRET=whsec_a, whsec_b"}, nil},
		"a folder": {nil, []string{"--stripe-webhook-secret-dir=" + dir}},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := program.Run(t, append(row.env, "POD_NAMESPACE=paylink-system"), row.args...)
			if code != 1 || !strings.Contains(stderr, "webhookserver: find the cluster: ") {
				t.Errorf("exits %d: %s", code, stderr)
			}
		})
	}
}

// TestFlags: charts and scripts hang on these.
func TestFlags(t *testing.T) {
	code, _, usage := program.Run(t, nil, "--help")
	if code != 0 {
		t.Errorf("exits %d", code)
	}
	for flag, value := range map[string]string{
		"kubeconfig string": "", "version": "", "stripe-secret-key-file string": "", "metrics-bind-address string": `(default ":8443")`, "metrics-secure": "(default true)",
		"health-probe-bind-address string": `(default ":8081")`, "watch-namespaces string": "", "pprof-bind-address string": "", "bind-address string": `(default ":8080")`,
		"stripe-webhook-secret-dir string": "", "zap-log-level value": "", "zap-encoder value": "",
		"checkout-api": "(default true)", "trusted-proxies string": `(default "private")`, "token-audiences string": "",
		"requests-per-address int": "(default 60)", "public-orders-per-address int": "(default 30)", "public-orders-per-link int": "(default 600)",
		"public-orders-open int": "(default 1000)", "public-order-expiry duration": "(default 24h0m0s)",
	} {
		_, rest, found := strings.Cut(usage, "\n  -"+flag+"\n")
		help, _, _ := strings.Cut(rest, "\n  -")
		if !found || !strings.Contains(help, value) {
			t.Errorf("-%s %s: %q", flag, value, help)
		}
	}
	if code, _, _ := program.Run(t, nil, "--no-such-flag"); code != 2 {
		t.Errorf("an unknown flag exits %d", code)
	}
}

// TestManualOfRotation: the flags that docs/rotation.md sets are there.
func TestManualOfRotation(t *testing.T) {
	manual, err := os.ReadFile("../../docs/rotation.md")
	check.Must(t, err)
	_, _, usage := program.Run(t, nil, "--help")
	flags := regexp.MustCompile(`--(stripe-[a-z-]+)=`).FindAllStringSubmatch(string(manual), -1)
	if len(flags) != 2 {
		t.Errorf("it sets %q", flags)
	}
	for _, flag := range flags {
		if !strings.Contains(usage, "\n  -"+flag[1]+" string\n") {
			t.Errorf("there is no flag --%s", flag[1])
		}
	}
}

// TestVersion needs no environment: it reports the version of an image.
func TestVersion(t *testing.T) {
	code, stdout, stderr := program.Run(t, nil, "--version")
	if code != 0 || stderr != "" || !regexp.MustCompile(`^webhookserver \S+ \(commit \S+ of \S+, go1\.\S+ \w+/\w+\)\n$`).MatchString(stdout) {
		t.Errorf("exits %d, prints %q and %q", code, stdout, stderr)
	}
}
