package stack

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/paylink-dev/paylink/test/apiproxy"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/freeport"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// webhookPath is the route that Stripe calls.
const webhookPath = "/api/webhooks/stripe"

// WebhookServer has the settings of one webhook server, beside those of all.
type WebhookServer struct {
	Flags []string
	// Env is added to its environment, as NAME=value.
	Env []string
	// Secret is the signing secret of its endpoint, which the server finds by its flags. Empty: a new one, in its environment.
	Secret string
	// ClusterRoles are the files of its rights. Nil: those of a server with the checkout API. A name that was used before
	// keeps its earlier rights too.
	ClusterRoles []string
}

// AddWebhookServer starts one more webhook server, with an endpoint of its own at Stripe, and returns when it is ready.
func (s *Stack) AddWebhookServer(ctx context.Context, name string, flags ...string) (*Server, stripesim.Endpoint, error) {
	return s.AddWebhookServerOf(ctx, name, WebhookServer{Flags: flags})
}

// AddWebhookServerOf is AddWebhookServer with more settings than flags.
func (s *Stack) AddWebhookServerOf(ctx context.Context, name string, w WebhookServer) (*Server, stripesim.Endpoint, error) {
	server, err := s.webhookServer(ctx, name, w)
	if err != nil {
		return nil, stripesim.Endpoint{}, err
	}
	endpoint := s.Stripe.AddEndpoint(stripesim.EndpointParams{URL: server.URL + webhookPath, Secret: w.Secret})
	return server, endpoint, s.startReplica(ctx, server, w, endpoint.Secret)
}

// AddReplica starts one more webhook server with the secret of Endpoint. Stripe sends it nothing.
func (s *Stack) AddReplica(ctx context.Context, name string) (*Server, error) {
	w := WebhookServer{Flags: s.options.WebhookFlags}
	server, err := s.webhookServer(ctx, name, w)
	if err != nil {
		return nil, err
	}
	return server, s.startReplica(ctx, server, w, s.Endpoint.Secret)
}

// webhookServer prepares a webhook server, without its signing secret.
func (s *Stack) webhookServer(ctx context.Context, name string, w WebhookServer) (*Server, error) {
	if w.ClusterRoles == nil {
		w.ClusterRoles = clusterRoles["webhookserver"]
	}
	server, err := s.server(ctx, name, "webhookserver", w.ClusterRoles, w.Flags)
	if err != nil {
		return nil, err
	}
	address, err := freeport.Address(ctx)
	if err != nil {
		return nil, err
	}
	server.URL = "http://" + address
	server.args = append(server.args, "--bind-address="+address)
	return server, nil
}

// startReplica starts a webhook server whose endpoint has this secret.
func (s *Stack) startReplica(ctx context.Context, server *Server, w WebhookServer, secret string) error {
	if w.Secret != "" {
		secret = "" // its flags name the file
	}
	server.env = slices.Concat(server.env, []string{"STRIPE_WEBHOOK_SECRET=" + secret}, s.options.WebhookEnv, w.Env)
	return s.start(ctx, server)
}

// start starts a server of this stack.
func (s *Stack) start(ctx context.Context, server *Server) error {
	s.mu.Lock()
	s.servers = append(s.servers, server)
	s.mu.Unlock()
	if err := server.Start(ctx); err != nil {
		return err
	}
	if s.options.KeepRunning {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.restarter.watch(server)
	}
	return nil
}

// Controller has the settings of one controller, beside those of all.
type Controller struct {
	Flags []string
	// Env is added to its environment, as NAME=value.
	Env []string
}

// AddController starts one more controller and returns when it is ready, as the leader or as a standby.
func (s *Stack) AddController(ctx context.Context, name string, flags ...string) (*Server, error) {
	return s.AddControllerOf(ctx, name, Controller{Flags: flags})
}

// AddControllerOf is AddController with more settings than flags.
func (s *Stack) AddControllerOf(ctx context.Context, name string, c Controller) (*Server, error) {
	server, err := s.server(ctx, name, "controller", clusterRoles["controller"], c.Flags)
	if err != nil {
		return nil, err
	}
	server.env = slices.Concat(server.env, s.options.ControllerEnv, c.Env)
	return server, s.start(ctx, server)
}

// clusterRoles are the files of each role's rights.
var clusterRoles = map[string][]string{
	"controller":    {"config/rbac/controller/role.yaml"},
	"webhookserver": {"config/rbac/webhookserver/role.yaml", "config/rbac/webhookserver/checkout_role.yaml"},
}

// server prepares a server of the given role, with the rights of some ClusterRoles alone.
func (s *Stack) server(ctx context.Context, name, role string, rights, flags []string) (*Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, err := s.Cluster.AddServiceUser(ctx, "paylink-"+name, rights...)
	if err != nil {
		return nil, err
	}
	if role == "controller" {
		for _, file := range roles {
			if err := s.Allow(ctx, user.Name, file); err != nil {
				return nil, err
			}
		}
	}
	kubeconfig, err := s.kubeconfig(ctx, user)
	if err != nil {
		return nil, err
	}
	probes, err := freeport.Address(ctx)
	if err != nil {
		return nil, err
	}
	metrics, err := freeport.Address(ctx)
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
			"--kubeconfig=" + kubeconfig,
			"--health-probe-bind-address=" + probes,
			"--metrics-bind-address=" + metrics,
			"--metrics-secure=false",
		}, flags...),
		env: append(os.Environ(), "POD_NAMESPACE="+s.Namespace, "STRIPE_API_BASE="+s.Stripe.URL()),
	}, nil
}

// kubeconfig returns the kubeconfig of a user, through a proxy of its own where there are Faults.
func (s *Stack) kubeconfig(ctx context.Context, user *cluster.User) (string, error) {
	if s.options.Faults == nil {
		return user.Kubeconfig, nil
	}
	proxy, err := apiproxy.Start(ctx, user.Config, s.options.Faults)
	if err != nil {
		return "", err
	}
	s.proxies = append(s.proxies, proxy)
	path := user.Kubeconfig + "-proxied"
	return path, proxy.WriteKubeconfig(path)
}
