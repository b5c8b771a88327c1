package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// heartbeat is how often a running build prints its progress.
const heartbeat = 20 * time.Second

// build makes the binaries in a folder beside the result and renames it when all are there. Another process
// that builds the same waits for this one.
func (r recipe) build(ctx context.Context, progress io.Writer) (err error) {
	if err := os.MkdirAll(filepath.Dir(r.folder), 0o755); err != nil {
		return fmt.Errorf("make the folder for cached binaries: %w", err)
	}
	unlock, err := lockFile(ctx, r.folder+".lock", func() {
		fmt.Fprintln(progress, "Waiting for another process that is building Kubernetes")
	})
	if err != nil {
		return fmt.Errorf("lock the folder for cached binaries: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if r.built() {
		return nil
	}
	partial, err := os.MkdirTemp(filepath.Dir(r.folder), filepath.Base(r.folder)+".partial-")
	if err != nil {
		return fmt.Errorf("make a folder for the build: %w", err)
	}
	g, err := newGuard(partial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.release()) }()
	return r.buildIn(ctx, g, progress)
}

func (r recipe) buildIn(ctx context.Context, g *guard, progress io.Writer) error {
	fmt.Fprintf(progress, "Building Kubernetes %s for the local cluster: the first time takes about 9 minutes on 2 cores; later runs use the cache\n", r.version)
	bin := filepath.Join(g.dir, "bin")
	for _, dir := range []string{bin, filepath.Join(g.dir, "tmp")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("make a folder for the build: %w", err)
		}
	}
	for _, b := range r.programs {
		begin := time.Now()
		if err := r.compile(ctx, g, b, progress); err != nil {
			return fmt.Errorf("build %s: %w", b.name, err)
		}
		fmt.Fprintf(progress, "  %s built in %s\n", b.name, time.Since(begin).Round(time.Second))
	}
	if err := os.Rename(bin, r.folder); err != nil {
		return fmt.Errorf("keep the built binaries: %w", err)
	}
	return nil
}

func (r recipe) compile(ctx context.Context, g *guard, b binary, progress io.Writer) error {
	goPath, err := exec.LookPath("go")
	if err != nil {
		return err
	}
	cmd, err := g.command("go", goPath, "build", "-v", "-trimpath", "-ldflags", r.ldflags,
		"-o", filepath.Join(g.dir, "bin", b.name), b.pkg)
	if err != nil {
		return err
	}
	cmd.Dir = r.module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOOS="+r.goos, "GOARCH="+r.goarch, "GOTMPDIR="+filepath.Join(g.dir, "tmp"))
	output, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	stopKilling := context.AfterFunc(ctx, func() { _ = g.killAll() })
	defer stopKilling()
	w := &buildWatch{name: b.name, begin: time.Now()}
	quiet := w.beat(progress)
	w.read(output)
	quiet()
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w\n%s", err, strings.Join(w.tail, "\n"))
	}
	return nil
}

// A buildWatch follows the output of go build.
type buildWatch struct {
	name  string
	begin time.Time

	mutex    sync.Mutex
	packages int
	last     string   // the package or module named last
	tail     []string // what was printed that is not progress, to explain a failure
}

// read returns when the build's output ends.
func (w *buildWatch) read(output io.Reader) {
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		w.see(lines.Text())
	}
}

func (w *buildWatch) see(line string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		w.last = strings.TrimPrefix(line, "go: ")
	case !strings.ContainsAny(line, " \t"):
		w.packages++
		w.last = line
	default:
		w.tail = append(w.tail, line)
		if len(w.tail) > 20 {
			w.tail = w.tail[1:]
		}
	}
}

// beat prints the progress at each heartbeat until the returned function is called.
func (w *buildWatch) beat(progress io.Writer) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				fmt.Fprintln(progress, w)
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

// String describes the progress of the build.
func (w *buildWatch) String() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return fmt.Sprintf("  %s: %s, %d packages compiled (%s)", w.name, time.Since(w.begin).Round(time.Second), w.packages, w.last)
}

// lockFile waits for an exclusive lock; the lock ends with this process at the latest.
func lockFile(ctx context.Context, path string, waiting func()) (unlock func() error, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for first := true; ; first = false {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(err, file.Close())
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), file.Close())
		case <-tick.C:
		}
	}
}
