package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// guardScript waits for its standard input to end, which happens when this process ends for whatever reason,
// a panic and kill -9 included. Then it kills what was started and removes the folder. Renaming the folder of
// process ids first means that nothing can be started any more once the killing has begun.
const guardScript = `
trap '' HUP INT TERM
while read -r word; do
  if [ "$word" = released ]; then exit 0; fi
done
mv "$1/processes" "$1/orphans"
for file in "$1"/orphans/*; do
  if [ -f "$file" ]; then kill -KILL "-$(cat "$file")" 2>/dev/null; fi
done
for attempt in 1 2 3 4 5; do
  rm -rf "$1" 2>/dev/null && exit 0
  sleep 1
done
`

// launchScript notes its process id before it becomes the program, so that no program runs unknown to the guard.
// Looking for the note afterwards closes the gap in which the killing may have begun while it was being written.
const launchScript = `#!/bin/sh
echo $$ >'%[1]s/processes/%[2]s' && [ -e '%[1]s/processes/%[2]s' ] || exit 1
exec '%[3]s' "$@"
`

// A guard owns a folder and the processes started through it: if this process dies without stopping them, a
// small shell beside it kills the processes and removes the folder. It is in a session of its own, as is each
// process in a group of its own, so that Ctrl-C in a terminal reaches only this process.
type guard struct {
	dir      string
	lifeline *os.File
	shell    *exec.Cmd
}

// newGuard takes the folder over; it is removed when the guard cannot be set up.
func newGuard(dir string) (*guard, error) {
	g := &guard{dir: dir}
	if err := g.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("guard %s: %w", dir, err), os.RemoveAll(dir))
	}
	return g, nil
}

func (g *guard) start() error {
	if strings.ContainsAny(g.dir, "'\n") {
		return errors.New("the path has a quote or a line break in it: set TMPDIR and XDG_CACHE_HOME to plain paths")
	}
	for _, name := range []string{"processes", "launch"} {
		if err := os.Mkdir(filepath.Join(g.dir, name), 0o700); err != nil {
			return err
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = read.Close() }()
	g.lifeline = write
	g.shell = exec.Command("sh", "-c", guardScript, "guard", g.dir)
	g.shell.Dir = "/"
	g.shell.Stdin = read
	g.shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := g.shell.Start(); err != nil {
		return errors.Join(err, write.Close())
	}
	return nil
}

// launcher returns the path of a program that runs the given one under this guard. It must be run in a
// process group of its own.
func (g *guard) launcher(name, program string) (string, error) {
	if strings.Contains(program, "'") {
		return "", fmt.Errorf("launch %s: the path has a quote in it", program)
	}
	path := filepath.Join(g.dir, "launch", name)
	// A process forked while this file is open for writing would make its start fail with "text file busy".
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, fmt.Appendf(nil, launchScript, g.dir, name, program), 0o700); err != nil {
		return "", fmt.Errorf("launch %s: %w", name, err)
	}
	return path, nil
}

// command returns a command, not yet started, that runs a program under this guard.
func (g *guard) command(name, program string, args ...string) (*exec.Cmd, error) {
	path, err := g.launcher(name, program)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, nil
}

// kill ends one process group at once and waits until it is gone.
func (g *guard) kill(name string) error {
	return killGroup(filepath.Join(g.dir, "processes", name))
}

// pause freezes a process group that this process started itself, and returns when nothing of it runs any more: of a
// process with many threads the last one stops some time after the signal was sent.
func (g *guard) pause(name string) error {
	pid, err := groupIn(filepath.Join(g.dir, "processes", name))
	if err != nil {
		return err
	}
	if err := syscall.Kill(-pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return err
		case !status.Stopped():
			return fmt.Errorf("%s ended instead", name)
		default:
			return nil
		}
	}
}

// resume lets a paused process group go on.
func (g *guard) resume(name string) error {
	pid, err := groupIn(filepath.Join(g.dir, "processes", name))
	if err != nil {
		return err
	}
	return syscall.Kill(-pid, syscall.SIGCONT)
}

// killAll ends every process that is still there. Nothing can be started under this guard any more.
func (g *guard) killAll() error {
	orphans := filepath.Join(g.dir, "orphans")
	if err := os.Rename(filepath.Join(g.dir, "processes"), orphans); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	entries, err := os.ReadDir(orphans)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var errs []error
	for _, entry := range entries {
		errs = append(errs, killGroup(filepath.Join(orphans, entry.Name())))
	}
	return errors.Join(errs...)
}

// killGroup kills the process group whose id is in a file. No file, no group: nothing to do.
func killGroup(file string) error {
	pid, err := groupIn(file)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotStarted) {
		return nil
	}
	if err != nil {
		return err
	}
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := syscall.Kill(-pid, syscall.SIGKILL); errors.Is(err, syscall.ESRCH) {
			return nil
		}
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("%s (process %d) is still there 10 s after it was killed", filepath.Base(file), pid)
		}
	}
}

// errNotStarted means that a launcher has not come far enough to start anything.
var errNotStarted = errors.New("it has not been started")

// groupIn reads the id of a process group out of its file.
func groupIn(file string) (int, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	if len(content) == 0 {
		return 0, errNotStarted
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("%s holds no process id: %q", file, content)
	}
	return pid, nil
}

// release removes the folder and ends the guard. Its processes must have been stopped.
func (g *guard) release() error {
	errs := []error{os.RemoveAll(g.dir)}
	_, err := g.lifeline.WriteString("released\n")
	errs = append(errs, err, g.lifeline.Close(), g.shell.Wait())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("release %s: %w", g.dir, err)
	}
	return nil
}
