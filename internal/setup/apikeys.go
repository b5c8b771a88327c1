package setup

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// APIKeys returns the keys of Stripe's API, and the file that updates them; nil if they come from the environment. Both
// are nil if there is no key. Stripe's API is not called then.
func (o *Options) APIKeys() (*credentials.Keys, *credentials.KeyFile, error) {
	fromEnvironment, log := strings.TrimSpace(os.Getenv("STRIPE_SECRET_KEY")), ctrl.Log.WithName("keys")
	switch {
	case o.keyFile != "" && fromEnvironment != "":
		return nil, nil, errors.New("both --stripe-secret-key-file and STRIPE_SECRET_KEY are set: unset one of them")
	case o.keyFile != "":
		file, err := credentials.NewKeyFile(o.keyFile, clock.RealClock{}, log)
		if err != nil {
			return nil, nil, fmt.Errorf("--stripe-secret-key-file: %w", err)
		}
		return file.Keys(), file, nil
	case fromEnvironment != "":
		keys, err := credentials.NewKeys(fromEnvironment, clock.RealClock{}, log)
		if err != nil {
			return nil, nil, fmt.Errorf("STRIPE_SECRET_KEY: %w", err)
		}
		return keys, nil, nil
	}
	return nil, nil, nil
}

// AddAPIKeys registers the metric of the keys that APIKeys returned, and adds their file to the manager.
func AddAPIKeys(mgr ctrl.Manager, keys *credentials.Keys, file *credentials.KeyFile) error {
	if keys != nil {
		metrics.RegisterStripeAPIKeys(ctrlmetrics.Registry, keys.LastUsed)
	}
	if file == nil {
		return nil
	}
	if err := mgr.Add(file); err != nil {
		return fmt.Errorf("add API key file: %w", err)
	}
	return nil
}

// APIBase returns the base URL in STRIPE_API_BASE, by default the one of Stripe's API. keys can be nil.
func APIBase(keys *credentials.Keys) (string, error) {
	var key credentials.Secret
	if keys != nil {
		key = keys.Current()[0].Secret // all keys are of one mode, and ParseBase checks the mode
	}
	base, err := stripeclient.ParseBase(os.Getenv("STRIPE_API_BASE"), key)
	if err != nil {
		return "", fmt.Errorf("STRIPE_API_BASE %w", err)
	}
	return base, nil
}
