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

// APIKeys returns the keys of Stripe's API and, where a file holds them, what keeps them up to date. Both are nil where
// there is no key: Stripe is not asked then.
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

// AddAPIKeys registers the metric of what APIKeys returned, and has the manager keep it up to date.
func AddAPIKeys(mgr ctrl.Manager, keys *credentials.Keys, file *credentials.KeyFile) error {
	if keys != nil {
		metrics.RegisterStripeAPIKeys(ctrlmetrics.Registry, keys.LastUsed)
	}
	if file == nil {
		return nil
	}
	if err := mgr.Add(file); err != nil {
		return fmt.Errorf("watch API keys: %w", err)
	}
	return nil
}

// APIBase returns the address of Stripe's API, or of another that STRIPE_API_BASE names. keys may be nil.
func APIBase(keys *credentials.Keys) (string, error) {
	var key credentials.Secret
	if keys != nil {
		key = keys.Current()[0].Secret // all are of one mode, which is what matters
	}
	base, err := stripeclient.ParseBase(os.Getenv("STRIPE_API_BASE"), key)
	if err != nil {
		return "", fmt.Errorf("STRIPE_API_BASE %w", err)
	}
	return base, nil
}
