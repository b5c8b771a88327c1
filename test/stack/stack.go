// Package stack runs Paylink whole: its two servers as the processes they are, each with no more rights than its own
// ClusterRole gives it, beside a Stripe simulator, on a cluster of package cluster. It is what `make run` and the
// integration tests share.
package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/test/apiproxy"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// DefaultNamespace is where Paylink itself is, unless Options say otherwise.
const DefaultNamespace = "paylink-system"

// Options say how Paylink is run.
type Options struct {
	// Cluster to run on. Its CRDs are installed.
	Cluster *cluster.Cluster
	// Namespace is where Paylink itself is: its StripeEvents and its leader's lease. Default: DefaultNamespace.
	Namespace string
	// Simulator is Stripe; its Retry matters to tests that make deliveries fail.
	Simulator stripesim.Options
	// ControllerFlags and WebhookFlags are added to each server's own.
	ControllerFlags, WebhookFlags []string
	// ControllerEnv and WebhookEnv are added to the environment of every server of that kind, as NAME=value.
	ControllerEnv, WebhookEnv []string
	// WebhookReplicas is how many webhook servers there are. More than one are behind one address, as behind a Service of
	// Kubernetes. Default: 1.
	WebhookReplicas int
	// Faults, where set, are those of a proxy between each server and the API server.
	Faults *apiproxy.Faults
	// KeepRunning starts a server again when it has ended, however it did, as a kubelet does.
	KeepRunning bool
}

// Stack is Paylink, running.
type Stack struct {
	Cluster   *cluster.Cluster
	Namespace string
	Client    client.Client
	Stripe    *stripesim.Simulator
	// Endpoint is what Stripe knows of Webhook.
	Endpoint   stripesim.Endpoint
	Controller *Server
	Webhook    *Server
	// Replicas are all webhook servers behind Endpoint, Webhook first.
	Replicas []*Server

	options Options
	bin     string
	servers []*Server
	proxies []*apiproxy.Proxy
	service *service
	keepers keepers
}

// Start builds and starts everything, and returns when all of it is ready.
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
	if s.bin, err = build(ctx, o.Cluster.Dir()); err != nil {
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

// startWebhook starts the webhook servers, all of which have the one endpoint.
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
	s.keepers.stop()
	var errs []error
	for _, server := range slices.Backward(s.servers) {
		errs = append(errs, server.Stop(), server.alarm())
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

// build compiles the servers into a folder.
func build(ctx context.Context, dir string) (string, error) {
	repository, err := cluster.Repository(ctx)
	if err != nil {
		return "", err
	}
	bin, temp := filepath.Join(dir, "bin"), filepath.Join(dir, "build")
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return "", fmt.Errorf("build the servers: %w", err)
	}
	args := []string{"build", "-o", bin + string(filepath.Separator)}
	if race {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/controller", "./cmd/webhookserver")...)
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "GOTMPDIR="+temp) // which goes with the cluster's folder, however this ends
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the servers: %w\n%s", err, out)
	}
	return bin, nil
}
