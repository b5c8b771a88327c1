package setup

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// Config returns the configuration of a client of the cluster, from --kubeconfig, KUBECONFIG or the pod's service account.
func Config() (*rest.Config, error) {
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster: set --kubeconfig or KUBECONFIG, or run inside of it: %w", err)
	}
	return config, nil
}

// Scheme returns a scheme with the kinds of Kubernetes and of Paylink.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register kinds: %w", err)
		}
	}
	return scheme, nil
}

// explainMissingKind adds advice to an error if the API server does not know Paylink's kinds.
func explainMissingKind(err error) error {
	var kind *meta.NoKindMatchError
	var resource *meta.NoResourceMatchError
	if errors.As(err, &kind) || errors.As(err, &resource) {
		return fmt.Errorf("the CRDs are not installed: kubectl apply -f config/crd/bases (%w)", err)
	}
	return err
}
