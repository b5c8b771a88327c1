package sale_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/stack"
)

// TestBuildIsTold: whoever sees a server misbehave must be able to tell which one it is.
func TestBuildIsTold(t *testing.T) {
	s := openShop(t)
	metric := regexp.MustCompile(`(?m)^paylink_build_info\{commit="\S+",date="\S+",go_version="go1\.\S+",version="\S+"\} 1$`)
	for name, server := range map[string]*stack.Server{"controller": paylink.Controller, "webhook server": paylink.Webhook} {
		if text := s.scrape(server); len(metric.FindAllString(text, -1)) != 1 {
			t.Errorf("the %s's metrics do not tell its build", name)
		}
		log, err := os.ReadFile(server.Log)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(log), "\n")
		for _, word := range []string{"Starting", `"version"`, `"commit"`, `"date"`, `"go"`} {
			if !strings.Contains(first, word) {
				t.Errorf("the %s's first line is %q, without %s", name, first, word)
			}
		}
	}
}
