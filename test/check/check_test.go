package check_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/test/check"
)

// recorder records the failures of a test.
type recorder struct {
	testing.TB
	failed []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

// TestFailures: equal values and words that are there fail nothing. Every failure has both values.
func TestFailures(t *testing.T) {
	r := &recorder{TB: t}
	check.Equal(r, 1, 1, "count")
	check.Equal(r, []string{"a"}, []string{"a"}, "list")
	check.Contains(r, "a b", "a", "b")
	check.Lacks(r, "a b", "c")
	check.NoError(r, nil)
	check.Must(r, nil)
	if diff := cmp.Diff([]string(nil), r.failed); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	check.Equal(r, 1, 2, "step %d", 3)
	check.Contains(r, "a", "b")
	check.Lacks(r, "a", "a")
	check.NoError(r, fmt.Errorf("away"))
	want := []string{"step 3: got 2, want 1", `got "a", want "b" in it`, `got "a", want no "a" in it`, "got error away, want none"}
	if diff := cmp.Diff(want, r.failed); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	check.Equal(r, nil, []string{"a"}, "list")
	if n := len(r.failed); n != 5 {
		t.Errorf("got %d failures, want 5", n)
	}
}
