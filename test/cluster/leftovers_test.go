package cluster

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// eventually waits for what another process or goroutine does.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still not so after a minute: %s", what)
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
	if err != nil {
		t.Fatal(err)
	}
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
		t.Errorf("processes are left:\n%s", strings.Join(left, "\n"))
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("files are left: %q", left)
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
	if err != nil {
		t.Fatal(err)
	}
	if found := processesOf(t, c.Dir()); len(found) != 3 {
		t.Errorf("%d processes run, want etcd, the API server and the guard:\n%s", len(found), strings.Join(found, "\n"))
	}
	for _, round := range []string{"first", "second"} {
		if err := c.Stop(); err != nil {
			t.Errorf("%s stop: %v", round, err)
		}
	}
	expectGone(t, temp)
	goleak.VerifyNone(t, running)
}

func TestFailedStartLeavesNothing(t *testing.T) {
	temp := ownTemp(t)
	for flag, want := range map[string]string{
		"--no-such-flag=1": "unknown flag",
		"no-dashes":        "write it as --name=value",
	} {
		_, err := Start(t.Context(), Options{APIServerFlags: []string{flag}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("started with %s: error %v, want one with %q", flag, err, want)
		}
		expectGone(t, temp)
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	temp := ownTemp(t)
	for _, server := range []string{"etcd", "kube-apiserver"} {
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, err := Start(ctx, Options{})
			result <- err
		}()
		eventually(t, server+" is being started", func() bool {
			found, _ := filepath.Glob(filepath.Join(temp, "paylink-cluster-*", "processes", server))
			return len(found) > 0
		})
		cancel()
		if err := <-result; err == nil || !strings.Contains(err.Error(), "context canceled") {
			t.Errorf("cancelled while %s started: error %v", server, err)
		}
		expectGone(t, temp)
	}
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
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "export KUBECONFIG='"+temp) {
				t.Fatalf("printed %q, error %v", line, err)
			}
			// To the whole group, as a terminal sends it.
			if err := syscall.Kill(-cmd.Process.Pid, signal); err != nil {
				t.Fatal(err)
			}
			err = cmd.Wait()
			if signal == syscall.SIGINT && err != nil {
				t.Errorf("ended by Ctrl-C: %v", err)
			}
			eventually(t, "the folder is gone", func() bool {
				left, _ := filepath.Glob(filepath.Join(temp, "*"))
				return len(left) == 0 && len(processesOf(t, temp)) == 0
			})
		})
	}
}

// startWithData starts a cluster for one test, on which the ConfigMap "kept" is, and returns it with its administrator.
func startWithData(t *testing.T, options Options) (*Cluster, client.Client) {
	t.Helper()
	c, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	api := clientFor(t, c.Config())
	if err := api.Create(t.Context(), configMap("kept")); err != nil {
		t.Fatal(err)
	}
	return c, api
}

func TestAPIServerComesBack(t *testing.T) {
	c, api := startWithData(t, Options{Audit: true})
	for name, stop := range map[string]func() error{"stopped": c.StopAPIServer, "killed": c.KillAPIServer} {
		t.Run(name, func(t *testing.T) {
			before, err := c.AuditEvents(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if err := api.List(t.Context(), &corev1.ConfigMapList{}); err == nil {
				t.Error("it still answers")
			}
			if err := c.StartAPIServer(); err != nil {
				t.Fatal(err)
			}
			if err := api.Get(t.Context(), client.ObjectKeyFromObject(configMap("kept")), configMap("kept")); err != nil {
				t.Error(err)
			}
			after, err := c.AuditEvents(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(after) <= len(before) || !slices.Equal(after[:len(before)], before) {
				t.Errorf("of %d requests answered before, and %d after, the first are not the same", len(before), len(after))
			}
		})
	}
	if err := c.RestartAPIServer(); err != nil {
		t.Fatal(err)
	}
	events, err := c.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	creates := 0
	for _, event := range events {
		if event.Write() && event.Resource == "configmaps" && event.Name == "kept" {
			creates++
		}
	}
	if creates != 1 {
		t.Errorf("the audit log has %d writes of the object across the restarts, want 1", creates)
	}
}
