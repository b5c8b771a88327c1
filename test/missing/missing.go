// Package missing skips tests whose tools are missing.
package missing

import (
	"os"
	"testing"
)

// Tool skips a test for a missing tool. The test fails where PAYLINK_REQUIRE_ALL is 1, as in CI. The advice says how to get the tool.
// go test does not print it, so it is also written to the file of PAYLINK_SKIPPED, which make test prints.
func Tool(t testing.TB, advice string) {
	t.Helper()
	if os.Getenv("PAYLINK_REQUIRE_ALL") == "1" {
		t.Fatal(advice)
	}
	if path := os.Getenv("PAYLINK_SKIPPED"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(advice + "\n"); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Skip(advice)
}
