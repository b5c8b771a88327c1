// Package setup configures both servers in one way. It holds their common flags and environment variables, and makes a
// manager and a ledger of them.
package setup

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// Options are the settings that both servers share.
type Options struct {
	// Version makes the server print its build and exit.
	Version bool

	MetricsAddress string
	MetricsSecure  bool
	ProbeAddress   string
	PprofAddress   string
	// EventNamespace is the namespace of the StripeEvents, from POD_NAMESPACE.
	EventNamespace string

	flags           *flag.FlagSet
	watchNamespaces string
	keyFile         string
	zap             zap.Options
}

// Bind registers the flags.
func (o *Options) Bind(fs *flag.FlagSet) {
	o.flags = fs
	fs.BoolVar(&o.Version, "version", false, "Print version, commit and platform of this build, and exit.")
	fs.StringVar(&o.MetricsAddress, "metrics-bind-address", ":8443", "Address to serve metrics on. 0 disables them.")
	fs.BoolVar(&o.MetricsSecure, "metrics-secure", true, "Serve metrics over HTTPS, to clients that the API server allows to get /metrics.")
	fs.StringVar(&o.ProbeAddress, "health-probe-bind-address", ":8081", "Address to serve /healthz and /readyz on. 0 disables them.")
	fs.StringVar(&o.PprofAddress, "pprof-bind-address", "", "Address to serve Go's profiles on, at /debug/pprof, without authentication, such as localhost:6060. Empty disables them.")
	fs.StringVar(&o.watchNamespaces, "watch-namespaces", "", "Namespaces whose orders are served, separated by commas. Empty means all namespaces.")
	fs.StringVar(&o.keyFile, "stripe-secret-key-file", "", "File of a mounted Secret with the key of Stripe's API. It is read again when it changes. Empty: STRIPE_SECRET_KEY holds the key.")
	o.zap.BindFlags(fs)
}

// Complete starts logging and reads the environment. It fails if a required setting is missing or a setting is invalid.
func (o *Options) Complete() error {
	logger := zap.New(zap.UseFlagOptions(&o.zap))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger) // client-go logs through klog
	o.EventNamespace = strings.TrimSpace(os.Getenv("POD_NAMESPACE"))
	if o.EventNamespace == "" {
		return errors.New("POD_NAMESPACE is not set: set it to the namespace where StripeEvents are to be kept, the same for both servers")
	}
	if problems := validation.IsDNS1123Label(o.EventNamespace); len(problems) > 0 {
		return fmt.Errorf("POD_NAMESPACE is not a valid namespace name: %s", problems[0])
	}
	for _, namespace := range o.Namespaces() {
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			return fmt.Errorf("--watch-namespaces: %q is not a valid namespace name: %s", namespace, problems[0])
		}
	}
	if o.flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: every setting is a flag, see --help", o.flags.Arg(0))
	}
	return nil
}

// Namespaces returns the namespaces whose orders are served. None means all namespaces.
func (o *Options) Namespaces() []string {
	return strings.FieldsFunc(o.watchNamespaces, func(r rune) bool { return r == ',' || r == ' ' })
}
