package cluster

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/test/check"
)

// eventually waits until done is true, which another process or goroutine brings about.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited a minute until %s", what)
		}
	}
}

// processesOf lists the processes whose command line mentions a folder.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("this looks for processes in /proc, as only Linux has it")
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	check.Must(t, err)
	var found []string
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		if command := strings.ReplaceAll(string(content), "\x00", " "); strings.Contains(command, dir) {
			found = append(found, command)
		}
	}
	return found
}

// expectGone fails if anything is left of a cluster whose folder was, or was in, dir.
func expectGone(t *testing.T, dir string) {
	t.Helper()
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("got processes, want none:\n%s", strings.Join(left, "\n"))
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("got files %q, want none", left)
	}
}

// ownTemp gives a test a folder for temporary files of its own, to find what is left behind in it.
func ownTemp(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

func TestStopLeavesNothing(t *testing.T) {
	running := goleak.IgnoreCurrent()
	temp := ownTemp(t)
	c, err := Start(t.Context(), Options{})
	check.Must(t, err)
	if found := processesOf(t, c.Dir()); len(found) != 3 {
		t.Errorf("got processes\n%s\nwant etcd, the API server and the guard", strings.Join(found, "\n"))
	}
	for _, round := range []string{"first", "second"} {
		if err := c.Stop(); err != nil {
			t.Errorf("%s stop: %v", round, err)
		}
	}
	expectGone(t, temp)
	goleak.VerifyNone(t, running)
}

func TestEndOfTheProcessLeavesNothing(t *testing.T) {
	program := filepath.Join(t.TempDir(), "cluster")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/cluster").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, signal := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "Ctrl-C": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			temp := ownTemp(t)
			cmd := exec.CommandContext(t.Context(), program, "up")
			cmd.Stderr = os.Stderr
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			out, err := cmd.StdoutPipe()
			check.Must(t, err)
			check.Must(t, cmd.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "export KUBECONFIG='"+temp) {
				t.Fatalf("got output %q, %v", line, err)
			}
			// To the whole group, as a terminal sends it.
			check.Must(t, syscall.Kill(-cmd.Process.Pid, signal))
			err = cmd.Wait()
			if signal == syscall.SIGINT && err != nil {
				t.Errorf("Ctrl-C: got %v", err)
			}
			eventually(t, "the folder is gone", func() bool {
				left, _ := filepath.Glob(filepath.Join(temp, "*"))
				return len(left) == 0 && len(processesOf(t, temp)) == 0
			})
		})
	}
}
