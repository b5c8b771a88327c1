package browser_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
)

// program puts a program that does nothing into a folder.
func program(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	check.Must(t, os.WriteFile(path, []byte("#!/bin/sh\necho it does nothing\nexit 1\n"), 0o700))
	return path
}

// TestWithoutChromium: a test is skipped, and says how to have it run. In CI,
// and where there is a Chromium that does not start, it fails.
func TestWithoutChromium(t *testing.T) {
	for _, c := range []struct {
		name, chromium, requireAll string
		skips                      bool
		says                       string
	}{
		{"none", "", "", true, "apt-get install chromium"},
		{"none, in CI", "", "1", false, "apt-get install chromium"},
		{"one that does not start", program(t, t.TempDir(), "chromium"), "", false, "it does nothing"},
		{"a wrong path", filepath.Join(t.TempDir(), "chromium"), "", false, "PAYLINK_BROWSER names no program"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.chromium == "" {
				t.Setenv("PATH", t.TempDir())
			}
			t.Setenv("PAYLINK_BROWSER", c.chromium)
			t.Setenv("PAYLINK_REQUIRE_ALL", c.requireAll)
			skipped := filepath.Join(t.TempDir(), "skipped")
			check.Must(t, os.WriteFile(skipped, nil, 0o600))
			t.Setenv("PAYLINK_SKIPPED", skipped)
			if _, err := browser.Find(); c.chromium == "" && err == nil {
				t.Skip("this system has one whatever PATH says")
			}
			var own browser.Browser
			for range 2 { // the second test gets the same error
				w := runTest(t, func(inner testing.TB) { own.Tab(inner, browser.View{}) })
				if w.skipped != c.skips || w.failed == c.skips || !w.reports(c.says) {
					t.Errorf("got skipped: %t, failed: %t, and the messages %q", w.skipped, w.failed, w.messages)
				}
			}
			if text, err := os.ReadFile(skipped); err != nil || strings.Contains(string(text), c.says) != c.skips {
				t.Errorf("got the skipped tests %q (%v)", text, err)
			}
			check.NoError(t, own.Close())
		})
	}
}
