// Package command runs a command of Paylink as a program, so that tests see its output and exit code as users do.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Program is a command, built.
type Program struct{ path string }

// Around returns the tests with the command around them: the one of the current folder is built into p, and removed when
// they have run.
func (p *Program) Around(m *testing.M) Tests { return Tests{p, m} }

// Tests are those of a command.
type Tests struct {
	program *Program
	m       *testing.M
}

// Run runs them and returns the exit code.
func (t Tests) Run() int {
	dir, err := os.MkdirTemp("", "paylink-command-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	t.program.path = filepath.Join(dir, "command")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", t.program.path, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the command: %v\n%s", err, out)
		return 1
	}
	return t.m.Run()
}

// Run runs the command in an environment of nothing but these variables, until it exits.
func (p *Program) Run(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), p.path, args...)
	cmd.Env = append([]string{"HOME=" + t.TempDir()}, env...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}
