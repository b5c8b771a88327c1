// Package check compares values in tests. Each failure says what was compared, the value that the test got, and the wanted one.
package check

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// byOperator has the types that == compares, since their fields are not exported.
var byOperator = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

// Equal fails the test unless two values are equal. The format says what they are.
func Equal[T any](t testing.TB, want, got T, format string, args ...any) {
	t.Helper()
	diff := cmp.Diff(want, got, byOperator)
	if diff == "" {
		return
	}
	name := fmt.Sprintf(format, args...)
	switch reflect.ValueOf(&want).Elem().Kind() {
	case reflect.Array, reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice, reflect.Struct:
		t.Errorf("%s (-want +got):\n%s", name, diff)
	default:
		t.Errorf("%s: got %v, want %v", name, got, want)
	}
}

// Contains fails the test unless a text contains every one of the words.
func Contains(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("got %q, want %q in it", text, word)
		}
	}
}

// Lacks fails the test if a text contains one of the words.
func Lacks(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(text, word) {
			t.Errorf("got %q, want no %q in it", text, word)
		}
	}
}

// NoError fails the test if there is an error.
func NoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("got error %v, want none", err)
	}
}

// Must ends the test if there is an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
}

// AtEnd calls a function when the test ends, and fails the test if there is an error.
func AtEnd(t testing.TB, do func() error) {
	t.Helper()
	t.Cleanup(func() {
		t.Helper()
		NoError(t, do())
	})
}
