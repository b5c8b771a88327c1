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

// Server is one of Paylink's servers: a process that can be stopped, killed and started again at the same addresses.
type Server struct {
	// URL is where a webhook server serves its routes.
	URL string
	// Probes and Metrics are the addresses of /healthz and /readyz, and of /metrics.
	Probes, Metrics string
	// Log is the file that its output goes to, over all its starts.
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

// Name is the server's, among those of the stack.
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

// WaitReady returns when /readyz says yes, or the process has ended.
func (s *Server) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	ended := s.gone()
	for {
		if s.Ready(ctx) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
			return fmt.Errorf("it ended (%w); its log, %s, ends with\n%s", s.exit(), s.Log, s.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("it did not become ready; its log is %s: %w", s.Log, ctx.Err())
		}
	}
}

// gone is closed once the process of now has ended.
func (s *Server) gone() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// exit is how the last process that ended did: nil is exit code 0.
func (s *Server) exit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.result
}

// Ready reports what /readyz says now.
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

// Stop ends the process as a kubelet does, by SIGTERM, and returns how it exited: nil is 0.
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
