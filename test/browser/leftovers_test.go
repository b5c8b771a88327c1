package browser_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
)

// processesNaming lists the processes whose command line names a folder, as
// each of Chromium's names its profile.
func processesNaming(t *testing.T, folder string) (found []string) {
	t.Helper()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("this looks for processes in /proc, as only Linux has it")
	}
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	check.Must(t, err)
	for _, file := range all {
		line, err := os.ReadFile(file)
		if err == nil && bytes.Contains(line, []byte(folder)) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func TestCloseLeavesNothing(t *testing.T) {
	requireChromium(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	base := site(t, map[string]string{"/": "Here"})
	var own browser.Browser
	t.Run("open", func(t *testing.T) { own.Tab(t, browser.View{}).Open(base) })
	if len(processesNaming(t, temp)) == 0 {
		t.Error("the profile is not in the folder for temporary files: this test looks in the wrong place")
	}
	for range 2 {
		check.NoError(t, own.Close())
	}
	if left := processesNaming(t, temp); len(left) > 0 {
		t.Errorf("processes are left:\n%s", strings.Join(left, "\n"))
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v (%v)", left, err)
	}
}

// TestBeingKilled is run by the test below, in a process that is to be killed.
func TestBeingKilled(t *testing.T) {
	if os.Getenv("PAYLINK_TEST_BEING_KILLED") == "" {
		return
	}
	chromium.Tab(t, browser.View{}).Open("about:blank")
	fmt.Println("open")
	<-t.Context().Done()
}

func TestEndOfTheProcessLeavesNoProcess(t *testing.T) {
	requireChromium(t)
	temp := t.TempDir()
	tests := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestBeingKilled$")
	tests.Env = append(os.Environ(), "TMPDIR="+temp, "PAYLINK_TEST_BEING_KILLED=1")
	tests.Stderr = os.Stderr
	out, err := tests.StdoutPipe()
	check.Must(t, err)
	check.Must(t, tests.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Errorf("it printed %q (%v)", line, err)
	}
	if len(processesNaming(t, temp)) == 0 {
		t.Error("no process of Chromium was found")
	}
	check.Must(t, tests.Process.Kill())
	_ = tests.Wait() // it was killed
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for left := processesNaming(t, temp); len(left) > 0; left = processesNaming(t, temp) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("processes are left:\n%s", strings.Join(left, "\n"))
		}
	}
}
