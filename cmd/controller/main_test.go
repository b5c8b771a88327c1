package main

import (
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/test/command"
)

// program is the command as it ships.
var program command.Program

func TestMain(m *testing.M) { goleak.VerifyTestMain(program.Around(m)) }

// TestRefusesToStart with one line that says what to do.
func TestRefusesToStart(t *testing.T) {
	namespace := []string{"POD_NAMESPACE=paylink-system"}
	for name, row := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"namespace unset":                {nil, nil, "POD_NAMESPACE is not set: set it to the namespace where StripeEvents are to be kept"},
		"namespace blank":                {[]string{"POD_NAMESPACE= "}, nil, "POD_NAMESPACE is not set"},
		"applied events never kept":      {namespace, []string{"--applied-event-ttl=0s"}, "must be more than 0s"},
		"events that do not wait":        {namespace, []string{"--parked-event-expiry=0s"}, "must be more than 0s"},
		"events removed before told":     {namespace, []string{"--unresolved-event-ttl=1h"}, "must be kept (1h0m0s) at least as long as they wait (72h0m0s)"},
		"removed before told, by both":   {namespace, []string{"--unresolved-event-ttl=1h", "--parked-event-expiry=2h"}, "must be kept (1h0m0s) at least as long as they wait (2h0m0s)"},
		"a signing secret for a key":     {append(namespace, "STRIPE_SECRET_KEY=whsec_4eC39H"), nil, "STRIPE_SECRET_KEY: API key 1 of 1 is a webhook signing secret"},
		"no address of an API":           {append(namespace, "STRIPE_SECRET_KEY=rk_test_4eC39H", "STRIPE_API_BASE=stripe"), nil, "STRIPE_API_BASE is not an API address"},
		"no address of a shop":           {append(namespace, "NEXT_PUBLIC_APP_URL=shop"), nil, "NEXT_PUBLIC_APP_URL is not a web address"},
		"no calls":                       {namespace, []string{"--stripe-api-rate=0"}, "--stripe-api-rate must be more than 0"},
		"reads all the time":             {namespace, []string{"--backfill-period=1ms"}, "--backfill-period must be at least 1s, or 0 for never"},
		"negative grace":                 {namespace, []string{"--backfill-grace=-1s"}, "--backfill-grace must not be less than 0s"},
		"reconciles all the time":        {namespace, []string{"--reconcile-period=-1h"}, "--reconcile-period must be at least 1s, or 0 for never"},
		"reconciles nothing":             {namespace, []string{"--reconcile-days=0"}, "--reconcile-days must be at least 1"},
		"reconciles more than it keeps":  {append(namespace, "STRIPE_SECRET_KEY=rk_test_4eC39H"), []string{"--reconcile-days=31"}, "--unresolved-event-ttl (720h0m0s) must not be less than --reconcile-days (31)"},
		"checks all the time":            {namespace, []string{"--endpoint-period=1ms"}, "--endpoint-period must be at least 1s, or 0 for never"},
		"manages what it does not check": {namespace, []string{"--manage-webhook-endpoint", "--endpoint-period=0"}, "--endpoint-period must not be 0"},
		"manages without a key":          {append(namespace, "NEXT_PUBLIC_APP_URL=https://shop.example.com"), []string{"--manage-webhook-endpoint"}, "needs an API key with write access"},
		"manages at no address":          {append(namespace, "STRIPE_SECRET_KEY=rk_test_4eC39H"), []string{"--manage-webhook-endpoint"}, "needs an API key with write access to Webhook Endpoints, and the shop's address"},
		"no name of a Secret":            {namespace, []string{"--webhook-secret-name=Paylink"}, "--webhook-secret-name: \"Paylink\" is no name of a Secret"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := program.Run(t, row.env, row.args...)
			if strings.Contains(stderr, "4eC39H") {
				t.Errorf("got a key in %q", stderr)
			}
			line, rest, _ := strings.Cut(stderr, "\n")
			if code != 1 || stdout != "" || rest != "" || !strings.HasPrefix(line, "controller: ") || !strings.Contains(line, row.want) {
				t.Errorf("got exit code %d, stdout %q and stderr %q, want 1 and a line with %q", code, stdout, stderr, row.want)
			}
		})
	}
}

// TestSettingsAreAccepted: with valid settings only the cluster is missing.
func TestSettingsAreAccepted(t *testing.T) {
	code, _, stderr := program.Run(t, []string{"POD_NAMESPACE=paylink-system"}, "--leader-elect", "--applied-event-ttl=1m", "--parked-event-expiry=1m", "--unresolved-event-ttl=1m")
	if code != 1 || !strings.Contains(stderr, "controller: find the cluster: ") {
		t.Errorf("got exit code %d and %q, want 1 and no cluster", code, stderr)
	}
}

// TestFlags: charts and scripts depend on these.
func TestFlags(t *testing.T) {
	code, _, usage := program.Run(t, nil, "--help")
	if code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
	for flag, value := range map[string]string{
		"kubeconfig string": "", "version": "", "stripe-secret-key-file string": "", "metrics-bind-address string": `(default ":8443")`, "metrics-secure": "(default true)",
		"health-probe-bind-address string": `(default ":8081")`, "watch-namespaces string": "", "pprof-bind-address string": "", "leader-elect": "",
		"applied-event-ttl duration": "(default 24h0m0s)", "parked-event-expiry duration": "(default 72h0m0s)",
		"backfill-period duration": "(default 5m0s)", "backfill-grace duration": "(default 1m0s)", "reconcile-period duration": "(default 24h0m0s)", "reconcile-days int": "(default 30)",
		"reconcile-dry-run": "", "stripe-api-rate float": "(default 10)", "endpoint-period duration": "(default 5m0s)", "manage-webhook-endpoint": "",
		"webhook-secret-name string":    `(default "paylink-webhook")`,
		"unresolved-event-ttl duration": "(default 720h0m0s)", "zap-log-level value": "",
	} {
		_, rest, found := strings.Cut(usage, "\n  -"+flag+"\n")
		help, _, _ := strings.Cut(rest, "\n  -")
		if !found || !strings.Contains(help, value) {
			t.Errorf("-%s: got %q, want %q in it", flag, help, value)
		}
	}
}

// TestVersion: --version needs no environment, so that it works in any image.
func TestVersion(t *testing.T) {
	code, stdout, stderr := program.Run(t, nil, "--version")
	if code != 0 || stderr != "" || !regexp.MustCompile(`^controller \S+ \(commit \S+ of \S+, go1\.\S+ \w+/\w+\)\n$`).MatchString(stdout) {
		t.Errorf("got exit code %d, stdout %q and stderr %q, want the version", code, stdout, stderr)
	}
}
