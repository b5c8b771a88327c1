package sale_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/stack"
)

// TestBuildInfo: metrics and log of each server identify its build.
func TestBuildInfo(t *testing.T) {
	s := newClient(t)
	metric := regexp.MustCompile(`(?m)^paylink_build_info\{commit="\S+",date="\S+",go_version="go1\.\S+",version="\S+"\} 1$`)
	for name, server := range map[string]*stack.Server{"controller": paylink.Controller, "webhook server": paylink.Webhook} {
		if got := len(metric.FindAllString(s.Metrics(server), -1)); got != 1 {
			t.Errorf("%s: got %d samples of paylink_build_info, want 1", name, got)
		}
		first, _, _ := strings.Cut(s.Log(server), "\n")
		for _, want := range []string{"Starting", `"version"`, `"commit"`, `"date"`, `"go"`} {
			if !strings.Contains(first, want) {
				t.Errorf("%s: got the first line %q, want %s in it", name, first, want)
			}
		}
	}
}
