package main

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestPack: a program that loads libraries runs in an image of nothing else.
func TestPack(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has these programs")
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "tools.tar")
	err = run([]string{"pack", "-image=localhost/tools", "-version=e2e", "-date=" + testDate, "-arch=" + runtime.GOARCH, "-o=" + archive, shell}, &strings.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	files, _ := unpack(t, open(t, archive))
	out, err := inImage(t.Context(), files, "/"+filepath.Base(shell), "-c", "echo packed").CombinedOutput()
	if err != nil || string(out) != "packed\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// TestPackRefuses what is no program.
func TestPackRefuses(t *testing.T) {
	for name, args := range map[string][]string{"nothing": nil, "no file": {"no-such-program"}, "a text": {"main.go"}} {
		args = append([]string{"pack", "-image=localhost/tools", "-version=e2e", "-date=" + testDate, "-arch=amd64", "-o=" + filepath.Join(t.TempDir(), "x.tar")}, args...)
		if err := run(args, &strings.Builder{}); err == nil {
			t.Errorf("%s is packed", name)
		}
	}
}
