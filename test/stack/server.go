package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/paylink-dev/paylink/test/cluster"
)

// Server is the process of one server. It can be stopped, killed and started again at the same addresses.
type Server struct {
	// URL is the address of a webhook server's routes.
	URL string
	// Probes and Metrics are the addresses of /healthz and /readyz, and of /metrics.
	Probes, Metrics string
	// Log is the file of its output, over all its starts.
	Log string

	name    string
	cluster *cluster.Cluster
	program string
	args    []string
	env     []string

	mu      sync.Mutex
	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
	result  error         // of the process, once ended
}

// Name is unique in the stack.
func (s *Server) Name() string { return s.name }

// Start starts the process and returns when it is ready.
func (s *Server) Start(ctx context.Context) error {
	if err := s.launch(); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	if err := s.WaitReady(ctx); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	return nil
}

func (s *Server) launch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	process, err := s.cluster.Process(s.name, s.program, s.args...)
	if err != nil {
		return err
	}
	process.Stdout, process.Stderr, process.Env = log, log, s.env
	if err := process.Start(); err != nil {
		return err
	}
	s.process, s.ended = process, make(chan struct{})
	go func(ended chan struct{}) {
		err := process.Wait()
		s.mu.Lock()
		s.result = err
		s.mu.Unlock()
		close(ended)
	}(s.ended)
	return nil
}

// WaitReady returns when /readyz succeeds, or the process has ended.
func (s *Server) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	ended := s.exited()
	for {
		if s.Ready(ctx) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
			return fmt.Errorf("it ended (%w); its log, %s, ends with\n%s", s.exit(), s.Log, s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("it did not become ready; its log is %s: %w", s.Log, ctx.Err())
		}
	}
}

// exited is closed once the current process has ended.
func (s *Server) exited() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// exit is the result of the last process that ended: nil is exit code 0.
func (s *Server) exit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.result
}

// Ready reports whether /readyz succeeds.
func (s *Server) Ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Probes+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

// Scrape returns the metrics as they are printed.
func (s *Server) Scrape(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Metrics, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("scrape %s: %w", s.name, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// Stop ends the process by SIGTERM, as a kubelet does. Nil is exit code 0.
func (s *Server) Stop() error { return s.end(syscall.SIGTERM) }

// Kill ends the process at once, as a crash does.
func (s *Server) Kill() error {
	err := s.end(syscall.SIGKILL)
	var killed *exec.ExitError
	if errors.As(err, &killed) {
		return nil
	}
	return err
}

func (s *Server) end(signal syscall.Signal) error {
	s.mu.Lock()
	process, ended := s.process, s.ended
	s.process = nil
	s.mu.Unlock()
	if process == nil {
		return nil
	}
	if err := process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end %s: %w", s.name, err)
	}
	<-ended
	if err := s.exit(); err != nil {
		return fmt.Errorf("%s exited: %w", s.name, err)
	}
	return nil
}
