package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// webhookPath is the route that Stripe calls.
const webhookPath = "/api/webhooks/stripe"

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

// WebhookServer says what a webhook server has beside what all of them have.
type WebhookServer struct {
	Flags []string
	// Env is added to its environment, as NAME=value.
	Env []string
	// Secret is that of its endpoint, which the server finds by its flags. Empty: a new one, in its environment.
	Secret string
	// ClusterRoles are the files of its rights. Nil: those of a server that serves everything. Whoever had a name before
	// keeps the rights of then.
	ClusterRoles []string
}

// AddWebhookServer starts one more webhook server, with an endpoint of its own at Stripe, and returns when it is ready.
func (s *Stack) AddWebhookServer(ctx context.Context, name string, flags ...string) (*Server, stripesim.Endpoint, error) {
	return s.AddWebhookServerOf(ctx, name, WebhookServer{Flags: flags})
}

// AddWebhookServerOf is AddWebhookServer for one that differs in more than its flags.
func (s *Stack) AddWebhookServerOf(ctx context.Context, name string, w WebhookServer) (*Server, stripesim.Endpoint, error) {
	if w.ClusterRoles == nil {
		w.ClusterRoles = clusterRoles["webhookserver"]
	}
	server, err := s.server(ctx, name, "webhookserver", w.ClusterRoles, w.Flags)
	if err != nil {
		return nil, stripesim.Endpoint{}, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, stripesim.Endpoint{}, err
	}
	server.URL = "http://" + address
	endpoint := s.Stripe.AddEndpoint(stripesim.EndpointParams{URL: server.URL + webhookPath, Secret: w.Secret})
	server.args = append(server.args, "--bind-address="+address)
	secret := endpoint.Secret
	if w.Secret != "" {
		secret = ""
	}
	server.env = append(server.env, "STRIPE_API_BASE="+s.Stripe.URL(), "STRIPE_WEBHOOK_SECRET="+secret)
	server.env = append(append(server.env, s.webhookEnv...), w.Env...)
	s.servers = append(s.servers, server)
	return server, endpoint, server.Start(ctx)
}

// AddController starts one more controller and returns when it is ready: to lead, or to wait for its turn.
func (s *Stack) AddController(ctx context.Context, name string, flags ...string) (*Server, error) {
	server, err := s.server(ctx, name, "controller", clusterRoles["controller"], flags)
	if err != nil {
		return nil, err
	}
	s.servers = append(s.servers, server)
	return server, server.Start(ctx)
}

// clusterRoles are the files of each role's rights.
var clusterRoles = map[string][]string{
	"controller":    {"config/rbac/controller/role.yaml"},
	"webhookserver": {"config/rbac/webhookserver/role.yaml", "config/rbac/webhookserver/checkout_role.yaml"},
}

// server prepares a server of the given role, with the rights of some ClusterRoles alone.
func (s *Stack) server(ctx context.Context, name, role string, rights, flags []string) (*Server, error) {
	user, err := s.Cluster.AddServiceUser(ctx, "paylink-"+name, rights...)
	if err != nil {
		return nil, err
	}
	if role == "controller" {
		if err := s.allowLeaderElection(ctx, user.Name); err != nil {
			return nil, err
		}
	}
	probes, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	metrics, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	return &Server{
		Probes:  "http://" + probes,
		Metrics: "http://" + metrics + "/metrics",
		Log:     filepath.Join(s.Cluster.Dir(), name+".log"),
		name:    name,
		cluster: s.Cluster,
		program: filepath.Join(s.bin, role),
		args: append([]string{
			"--kubeconfig=" + user.Kubeconfig,
			"--health-probe-bind-address=" + probes,
			"--metrics-bind-address=" + metrics,
			"--metrics-secure=false",
		}, flags...),
		env: append(os.Environ(), "POD_NAMESPACE="+s.Namespace),
	}, nil
}

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
	for {
		if s.Ready(ctx) {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.ended:
			return fmt.Errorf("it ended (%w); its log is %s", s.result, s.Log)
		case <-ctx.Done():
			return fmt.Errorf("it did not become ready; its log is %s: %w", s.Log, ctx.Err())
		}
	}
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.result != nil {
		return fmt.Errorf("%s exited: %w", s.name, s.result)
	}
	return nil
}

// races returns the first data race that the log tells of. A process that was killed has told nobody else.
func (s *Server) races() error {
	log, err := os.ReadFile(s.Log)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) { // it was never started
			return nil
		}
		return err
	}
	if _, report, found := strings.Cut(string(log), "WARNING: DATA RACE\n"); found {
		report, _, _ = strings.Cut(report, "==================")
		return fmt.Errorf("%s has a data race:\n%s", s.name, report)
	}
	return nil
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
