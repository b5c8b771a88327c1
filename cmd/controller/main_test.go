package main

import (
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
		"namespace unset":              {nil, nil, "POD_NAMESPACE is not set: set it to the namespace where StripeEvents are to be kept"},
		"namespace blank":              {[]string{"POD_NAMESPACE= "}, nil, "POD_NAMESPACE is not set"},
		"applied events never kept":    {namespace, []string{"--applied-event-ttl=0s"}, "must be more than 0s"},
		"events that do not wait":      {namespace, []string{"--parked-event-expiry=0s"}, "must be more than 0s"},
		"events removed before told":   {namespace, []string{"--unresolved-event-ttl=1h"}, "must be kept (1h0m0s) at least as long as they wait (72h0m0s)"},
		"removed before told, by both": {namespace, []string{"--unresolved-event-ttl=1h", "--parked-event-expiry=2h"}, "must be kept (1h0m0s) at least as long as they wait (2h0m0s)"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := program.Run(t, row.env, row.args...)
			line, rest, _ := strings.Cut(stderr, "\n")
			if code != 1 || stdout != "" || rest != "" || !strings.HasPrefix(line, "controller: ") || !strings.Contains(line, row.want) {
				t.Errorf("exits %d, prints %q and %q, which does not say %q", code, stdout, stderr, row.want)
			}
		})
	}
}

// TestSettingsAreAccepted: with right ones it is the cluster that is missing.
func TestSettingsAreAccepted(t *testing.T) {
	code, _, stderr := program.Run(t, []string{"POD_NAMESPACE=paylink-system"}, "--leader-elect", "--applied-event-ttl=1m", "--parked-event-expiry=1m", "--unresolved-event-ttl=1m")
	if code != 1 || !strings.Contains(stderr, "controller: find the cluster: ") {
		t.Errorf("exits %d: %s", code, stderr)
	}
}

// TestFlags: charts and scripts hang on these.
func TestFlags(t *testing.T) {
	code, _, usage := program.Run(t, nil, "--help")
	if code != 0 {
		t.Errorf("exits %d", code)
	}
	for flag, value := range map[string]string{
		"kubeconfig string": "", "stripe-secret-key-file string": "", "metrics-bind-address string": `(default ":8443")`, "metrics-secure": "(default true)",
		"health-probe-bind-address string": `(default ":8081")`, "watch-namespaces string": "", "leader-elect": "",
		"applied-event-ttl duration": "(default 24h0m0s)", "parked-event-expiry duration": "(default 72h0m0s)",
		"unresolved-event-ttl duration": "(default 720h0m0s)", "zap-log-level value": "",
	} {
		_, rest, found := strings.Cut(usage, "\n  -"+flag+"\n")
		help, _, _ := strings.Cut(rest, "\n  -")
		if !found || !strings.Contains(help, value) {
			t.Errorf("-%s %s: %q", flag, value, help)
		}
	}
}
