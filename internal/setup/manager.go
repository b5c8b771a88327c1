package setup

import (
	"context"
	"crypto/tls"
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/ordercache"
)

// NewManager returns a manager with these settings and a health check. All its writes have one field manager. A read of a
// kind without a cache fails, and starts no cache. change can change the manager's options first; nil: no change.
func (o *Options) NewManager(config *rest.Config, change func(*ctrl.Options)) (ctrl.Manager, error) {
	options, err := o.managerOptions()
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(&options)
	}
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, fmt.Errorf("make manager: %w", explainMissingKind(err))
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("add health check: %w", err)
	}
	return mgr, nil
}

func (o *Options) managerOptions() (ctrl.Options, error) {
	scheme, err := Scheme()
	if err != nil {
		return ctrl.Options{}, err
	}
	options := ctrl.Options{
		Scheme:                 scheme,
		HealthProbeBindAddress: o.ProbeAddress,
		PprofBindAddress:       o.PprofAddress,
		Metrics:                metricsserver.Options{BindAddress: o.MetricsAddress, SecureServing: o.MetricsSecure},
		Cache: cache.Options{
			DefaultTransform:            ordercache.StripMetadata,
			ReaderFailOnMissingInformer: true,
			DefaultNamespaces:           map[string]cache.Config{},
			// All StripeEvents are in one namespace, even if it is not watched for orders.
			ByObject: map[client.Object]cache.ByObject{
				&v1alpha1.StripeEvent{}: {Namespaces: map[string]cache.Config{o.EventNamespace: {}}},
			},
		},
		NewCache:  ordercache.New,
		NewClient: newClient,
	}
	if o.MetricsSecure {
		options.Metrics.FilterProvider = filters.WithAuthenticationAndAuthorization
		options.Metrics.TLSOpts = []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }}
	}
	for _, namespace := range o.Namespaces() {
		options.Cache.DefaultNamespaces[namespace] = cache.Config{}
	}
	return options, nil
}

// newClient returns a client whose writes have the field manager of the ledger.
func newClient(config *rest.Config, options client.Options) (client.Client, error) {
	c, err := client.New(config, options)
	if err != nil {
		return nil, err
	}
	return client.WithFieldOwner(c, ledger.FieldOwner), nil
}

// NewLedger returns the ledger of a manager. It registers the field indexes that the ledger needs, and its metrics.
func (o *Options) NewLedger(ctx context.Context, mgr ctrl.Manager) (*ledger.Ledger, error) {
	if err := ledger.Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return nil, explainMissingKind(err)
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
