package browser_test

import (
	"errors"
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

func TestFindChromium(t *testing.T) {
	bin, named := t.TempDir(), program(t, t.TempDir(), "my-chromium")
	t.Setenv("PATH", bin)
	t.Setenv("PAYLINK_BROWSER", "")
	if path, err := browser.Find(); !errors.Is(err, browser.ErrNone) {
		t.Skipf("this system has one whatever PATH says: %s (%v)", path, err)
	}
	last := program(t, bin, "google-chrome")
	if path, err := browser.Find(); path != last || err != nil {
		t.Errorf("found %s, %v", path, err)
	}
	first := program(t, bin, "chromium")
	if path, err := browser.Find(); path != first || err != nil {
		t.Errorf("found %s, %v", path, err)
	}
	t.Setenv("PAYLINK_BROWSER", named)
	if path, err := browser.Find(); path != named || err != nil {
		t.Errorf("found %s, %v", path, err)
	}
	t.Setenv("PAYLINK_BROWSER", named+"-of-others")
	if _, err := browser.Find(); err == nil || errors.Is(err, browser.ErrNone) || !strings.Contains(err.Error(), "PAYLINK_BROWSER") {
		t.Errorf("a wrong PAYLINK_BROWSER: %v", err)
	}
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
