package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
)

func TestCrash(t *testing.T) {
	for log, want := range map[string]string{
		"": "", "{\"msg\":\"Starting workers\"}\n": "",
		"ready\n==================\nWARNING: DATA RACE\nWrite at 0x00c000\n":  "Write at 0x00c000",
		"ready\npanic: runtime error: index out of range\n":                   "index out of range",
		"{\"error\":\"panic: assignment to entry in nil map [recovered]\"}\n": "nil map",
		"2026/11/25 http: panic serving 127.0.0.1:4242: no\n":                 "127.0.0.1:4242",
		"ready\nfatal error: all goroutines are asleep - deadlock!\n":         "deadlock",
	} {
		s := &Server{name: "controller", Log: filepath.Join(t.TempDir(), "log")}
		if err := s.crash(); err != nil {
			t.Errorf("never started: got %v, want no error", err)
		}
		check.Must(t, os.WriteFile(s.Log, []byte(log), 0o600))
		switch err := s.crash(); {
		case want == "" && err != nil:
			t.Errorf("%q: got %v, want no error", log, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), "controller says:\n") || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: got %v, want %q", log, err, want)
		}
	}
}
