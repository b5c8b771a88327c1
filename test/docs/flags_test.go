package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
)

// TestFlags checks that the servers, or the tools that the docs use, have each flag that a text names.
func TestFlags(t *testing.T) {
	known := map[string]bool{}
	for _, flag := range []string{"kubeconfig", "help", "zap-*"} { // of controller-runtime, and of Go
		known[flag] = true
	}
	for _, folder := range []string{"cmd/controller", "cmd/webhookserver", "internal/setup"} {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		check.Must(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			check.Must(t, err)
			for _, match := range regexp.MustCompile(`Var\([^,]+, "([a-z-]+)"`).FindAllStringSubmatch(string(text), -1) {
				known[match[1]] = true
			}
		}
	}
	if len(known) < 30 {
		t.Errorf("got %d flags of the servers, want at least 30", len(known))
	}
	// A text names a flag alone; with a command before it, the flag is another tool's.
	for name, page := range pages(t) {
		if name == "CHANGELOG.md" { // which names flags of the past
			continue
		}
		for _, match := range regexp.MustCompile("`--([a-z*-]+)[^`]*`").FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
			if !known[match[1]] && !slices.Contains(others, match[1]) {
				t.Errorf("%s names --%s, which neither server has", name, match[1])
			}
		}
	}
}

// others are the flags of Helm, kube-apiserver and etcd that the docs name.
var others = []string{"api-versions", "etcd-servers-overrides", "force-conflicts", "quota-backend-bytes"}
