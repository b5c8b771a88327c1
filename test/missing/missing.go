// Package missing ends tests that need more than this machine has.
package missing

import (
	"os"
	"testing"
)

// Tool skips a test for want of a tool; where PAYLINK_REQUIRE_ALL is 1, as in CI, the test fails. what says how to have
// it run: go test keeps that to itself, so it is written to the file PAYLINK_SKIPPED too, where that is set, for whoever
// started the tests to show.
func Tool(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("PAYLINK_REQUIRE_ALL") == "1" {
		t.Fatal(what)
	}
	if path := os.Getenv("PAYLINK_SKIPPED"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(what + "\n"); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Skip(what)
}
