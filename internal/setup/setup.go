// Package setup is what the two servers' commands share: their flags, their scheme, and how a manager is made of
// them.
package setup

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/ordercache"
	"github.com/paylink-dev/paylink/internal/version"
)

// Options are the flags that both servers take.
type Options struct {
	// Version: print which build this is, and exit.
	Version bool

	MetricsAddress string
	MetricsSecure  bool
	ProbeAddress   string
	PprofAddress   string
	// EventNamespace is where StripeEvents are kept: POD_NAMESPACE.
	EventNamespace string

	flags           *flag.FlagSet
	watchNamespaces string
	keyFile         string
	zap             zap.Options
}

// Bind registers the flags.
func (o *Options) Bind(fs *flag.FlagSet) {
	o.flags = fs
	fs.BoolVar(&o.Version, "version", false, "Print which build this is, and exit.")
	fs.StringVar(&o.MetricsAddress, "metrics-bind-address", ":8443", "Address to serve metrics on; 0 turns them off.")
	fs.BoolVar(&o.MetricsSecure, "metrics-secure", true, "Serve metrics over HTTPS, to clients that the API server allows to get /metrics.")
	fs.StringVar(&o.ProbeAddress, "health-probe-bind-address", ":8081", "Address to serve /healthz and /readyz on; 0 turns them off.")
	fs.StringVar(&o.PprofAddress, "pprof-bind-address", "", "Address to serve Go's profiles on, at /debug/pprof, to everybody who reaches it: such as localhost:6060. Empty: they are off.")
	fs.StringVar(&o.watchNamespaces, "watch-namespaces", "", "Namespaces whose orders are served, separated by commas. Empty: all.")
	fs.StringVar(&o.keyFile, "stripe-secret-key-file", "", "File of a mounted Secret that holds the key of Stripe's API; read again when it changes. Empty: STRIPE_SECRET_KEY.")
	o.zap.BindFlags(fs)
}

// Complete reads what comes from the environment and starts logging. It fails where something required is missing, or
// cannot be right.
func (o *Options) Complete() error {
	logger := zap.New(zap.UseFlagOptions(&o.zap))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger) // client-go's own lines look like the others
	o.EventNamespace = strings.TrimSpace(os.Getenv("POD_NAMESPACE"))
	if o.EventNamespace == "" {
		return errors.New("POD_NAMESPACE is not set: set it to the namespace where StripeEvents are to be kept, the same for both servers")
	}
	if problems := validation.IsDNS1123Label(o.EventNamespace); len(problems) > 0 {
		return fmt.Errorf("POD_NAMESPACE is no name of a namespace: %s", problems[0])
	}
	for _, namespace := range o.Namespaces() {
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			return fmt.Errorf("--watch-namespaces: %q is no name of a namespace: %s", namespace, problems[0])
		}
	}
	if o.flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: every setting is a flag, see --help", o.flags.Arg(0))
	}
	return nil
}

// Config finds the cluster: by --kubeconfig, KUBECONFIG, or from inside it.
func Config() (*rest.Config, error) {
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster: set --kubeconfig or KUBECONFIG, or run inside of it: %w", err)
	}
	return config, nil
}

// Announce says which build this is, in the log and as a metric.
func Announce() {
	build := version.Get()
	ctrl.Log.Info("Starting", "version", build.Version, "commit", build.Commit, "date", build.Date, "go", build.GoVersion)
	metrics.RegisterBuild(ctrlmetrics.Registry, metrics.Build(build))
}

// explain says what to do where the API server does not know our kinds.
func explain(err error) error {
	var kind *meta.NoKindMatchError
	var resource *meta.NoResourceMatchError
	if errors.As(err, &kind) || errors.As(err, &resource) {
		return fmt.Errorf("the CRDs are not installed: kubectl apply -f config/crd/bases (%w)", err)
	}
	return err
}

// Namespaces returns those whose orders are served; none means all.
func (o *Options) Namespaces() []string {
	return strings.FieldsFunc(o.watchNamespaces, func(r rune) bool { return r == ',' || r == ' ' })
}

// Scheme returns a scheme of Kubernetes' own kinds and ours.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register kinds: %w", err)
		}
	}
	return scheme, nil
}

// NewLedger makes the ledger of a manager, and registers the indices that it needs and its metrics.
func (o *Options) NewLedger(ctx context.Context, mgr ctrl.Manager) (*ledger.Ledger, error) {
	if err := ledger.Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return nil, explain(err)
	}
	return &ledger.Ledger{
		Cache:          mgr.GetClient(),
		Live:           mgr.GetAPIReader(),
		Writer:         mgr.GetClient(),
		Namespaces:     o.Namespaces(),
		EventNamespace: o.EventNamespace,
		Clock:          clock.RealClock{},
		Metrics:        metrics.NewLedger(ctrlmetrics.Registry),
	}, nil
}

// NewManager makes a manager of the flags. Writes carry one field manager, reads come from a cache that holds nothing
// it need not, and a read of a kind that is not meant to be cached fails rather than caching it. more may change the
// manager's options before it is made.
func (o *Options) NewManager(config *rest.Config, more func(*ctrl.Options)) (ctrl.Manager, error) {
	scheme, err := Scheme()
	if err != nil {
		return nil, err
	}
	options := ctrl.Options{
		Scheme:                 scheme,
		HealthProbeBindAddress: o.ProbeAddress,
		PprofBindAddress:       o.PprofAddress,
		Metrics:                metricsserver.Options{BindAddress: o.MetricsAddress, SecureServing: o.MetricsSecure},
		Cache: cache.Options{
			DefaultTransform:            cache.TransformStripManagedFields(),
			ReaderFailOnMissingInformer: true,
			DefaultNamespaces:           map[string]cache.Config{},
			// StripeEvents are in one namespace, whatever the orders' are.
			ByObject: map[client.Object]cache.ByObject{
				&v1alpha1.StripeEvent{}: {Namespaces: map[string]cache.Config{o.EventNamespace: {}}},
			},
		},
		NewCache: ordercache.New,
		NewClient: func(config *rest.Config, options client.Options) (client.Client, error) {
			c, err := client.New(config, options)
			if err != nil {
				return nil, err
			}
			return client.WithFieldOwner(c, ledger.FieldOwner), nil
		},
	}
	if o.MetricsSecure {
		options.Metrics.FilterProvider = filters.WithAuthenticationAndAuthorization
		options.Metrics.TLSOpts = []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }}
	}
	for _, namespace := range o.Namespaces() {
		options.Cache.DefaultNamespaces[namespace] = cache.Config{}
	}
	if more != nil {
		more(&options)
	}
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, fmt.Errorf("make manager: %w", explain(err))
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("add health check: %w", err)
	}
	return mgr, nil
}
