// Package stack runs an installation of Paylink: both servers as processes, each with the rights of its ClusterRole, and a
// Stripe simulator, on a cluster of package cluster. `make run` and the integration tests use it.
package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/test/apiproxy"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// DefaultNamespace is the default of Options.Namespace.
const DefaultNamespace = "paylink-system"

// Options are the settings of an installation.
type Options struct {
	// Cluster to run on. Its CRDs are installed.
	Cluster *cluster.Cluster
	// Namespace is the servers' own: it has the StripeEvents and the leader's lease. Default: DefaultNamespace.
	Namespace string
	// Simulator has the options of Stripe. Its Retry matters to tests in which deliveries fail.
	Simulator stripesim.Options
	// ControllerFlags and WebhookFlags are added to each server's own.
	ControllerFlags, WebhookFlags []string
	// ControllerEnv and WebhookEnv are added to the environment of every server of that kind, as NAME=value.
	ControllerEnv, WebhookEnv []string
	// WebhookReplicas is how many webhook servers there are. More than one are behind one address, as behind a Service of
	// Kubernetes. Default: 1.
	WebhookReplicas int
	// Faults control a proxy between each server and the API server. Nil: no proxies.
	Faults *apiproxy.Faults
	// KeepRunning starts a server again when it has ended, as a kubelet does.
	KeepRunning bool
}

// Stack is a running installation.
type Stack struct {
	Cluster   *cluster.Cluster
	Namespace string
	Client    client.Client
	Stripe    *stripesim.Simulator
	// Endpoint is the webhook endpoint at Stripe.
	Endpoint   stripesim.Endpoint
	Controller *Server
	Webhook    *Server
	// Replicas are all webhook servers behind Endpoint, Webhook first.
	Replicas []*Server

	options Options
	bin     string
	service *service

	mu        sync.Mutex // guards what follows, and the cluster's certificates: tests may add servers at once
	servers   []*Server
	proxies   []*apiproxy.Proxy
	restarter restarter
}

// Start builds and starts all servers, and returns when they are ready.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	s := &Stack{Cluster: o.Cluster, Namespace: o.Namespace, options: o}
	if s.Namespace == "" {
		s.Namespace = DefaultNamespace
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	scheme, err := setup.Scheme()
	if err != nil {
		return nil, err
	}
	if s.Client, err = client.New(o.Cluster.Config(), client.Options{Scheme: scheme}); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	if err := o.Cluster.InstallCRDs(ctx, cluster.CRDs); err != nil {
		return nil, err
	}
	if err := s.MakeNamespace(ctx, s.Namespace); err != nil {
		return nil, err
	}
	if s.bin, err = Build(ctx, o.Cluster.Dir()); err != nil {
		return nil, err
	}
	if s.Stripe, err = stripesim.Start(o.Simulator); err != nil {
		return nil, fmt.Errorf("start the Stripe simulator: %w", err)
	}
	if s.Controller, err = s.AddController(ctx, "controller", o.ControllerFlags...); err != nil {
		return nil, err
	}
	return s, s.startWebhook(ctx, max(1, o.WebhookReplicas))
}

// startWebhook starts the webhook servers, which share one endpoint.
func (s *Stack) startWebhook(ctx context.Context, replicas int) (err error) {
	w := WebhookServer{Flags: s.options.WebhookFlags}
	if replicas == 1 {
		s.Webhook, s.Endpoint, err = s.AddWebhookServerOf(ctx, "webhookserver", w)
		s.Replicas = []*Server{s.Webhook}
		return err
	}
	if s.service, err = newService(ctx); err != nil {
		return err
	}
	s.Endpoint = s.Stripe.AddEndpoint(stripesim.EndpointParams{URL: s.service.url + webhookPath})
	for i := range replicas {
		server, err := s.webhookServer(ctx, fmt.Sprintf("webhookserver-%d", i), w)
		if err != nil {
			return err
		}
		if err := s.service.add(server.URL); err != nil {
			return err
		}
		s.Replicas = append(s.Replicas, server)
		if err := s.startReplica(ctx, server, w, s.Endpoint.Secret); err != nil {
			return err
		}
	}
	s.Webhook = s.Replicas[0]
	return nil
}

// Stop stops the servers and the simulator; the cluster keeps running.
func (s *Stack) Stop() error {
	s.restarter.stop()
	var errs []error
	for _, server := range slices.Backward(s.servers) {
		errs = append(errs, server.Stop(), server.crash())
	}
	for _, proxy := range s.proxies {
		errs = append(errs, proxy.Close())
	}
	if s.service != nil {
		errs = append(errs, s.service.close())
	}
	if s.Stripe != nil {
		errs = append(errs, s.Stripe.Close())
	}
	return errors.Join(errs...)
}

// MakeNamespace creates a namespace, if it is not there yet.
func (s *Stack) MakeNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := client.IgnoreAlreadyExists(s.Client.Create(ctx, namespace)); err != nil {
		return fmt.Errorf("create namespace %s: %w", name, err)
	}
	return nil
}

// Build compiles the servers into a folder of the checkout, and returns it. temp is a folder for go build. All packages of
// tests share the result, because Go does not link again what has not changed.
func Build(ctx context.Context, temp string) (string, error) {
	repository, err := cluster.Repository(ctx)
	if err != nil {
		return "", err
	}
	temp = filepath.Join(temp, "build")
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return "", fmt.Errorf("build the servers: %w", err)
	}
	bin, args := filepath.Join(repository, "bin", "test"), []string{"build"}
	if race {
		bin, args = bin+"-race", append(args, "-race")
	}
	args = append(args, "-o", bin+string(filepath.Separator))
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/controller", "./cmd/webhookserver")...)
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "GOTMPDIR="+temp) // the cluster's folder is removed however this ends
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the servers: %w\n%s", err, out)
	}
	return bin, nil
}
