package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
)

// TestSelfTestRefusesToStart: an invalid command prints one line that says what to do.
func TestSelfTestRefusesToStart(t *testing.T) {
	secrets, empty := t.TempDir(), t.TempDir()
	check.Must(t, os.WriteFile(filepath.Join(secrets, "first"), []byte("whsec_selftest"), 0o600))
	there := []string{"--url=http://localhost", "--namespace=shop"}
	for name, row := range map[string]struct {
		args []string
		want string
	}{
		"nothing said": {nil, "selftest needs --url, --namespace and --stripe-webhook-secret-dir"},
		"a stray word": {append(there, "--stripe-webhook-secret-dir="+secrets, "now"), "takes nothing but flags"},
		"no secret":    {append(there, "--stripe-webhook-secret-dir="+empty), "--stripe-webhook-secret-dir: folder"},
		"no cluster":   {append(there, "--stripe-webhook-secret-dir="+secrets), "find the cluster: "},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := program.Run(t, nil, append([]string{"selftest"}, row.args...)...)
			if code != 1 || stdout != "" || !strings.HasPrefix(stderr, "controller: ") || !strings.Contains(stderr, row.want) {
				t.Errorf("got exit code %d, stdout %q, stderr %q; want 1 and %q", code, stdout, stderr, row.want)
			}
		})
	}
}
