// Package must ends a test at an error that is not its subject, in one line.
package must

import "testing"

// NoError ends the test on an error.
func NoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// AtEnd calls a function when the test ends, and fails the test on its error.
func AtEnd(t testing.TB, do func() error) {
	t.Helper()
	t.Cleanup(func() {
		t.Helper()
		if err := do(); err != nil {
			t.Error(err)
		}
	})
}
