// Command webhookserver accepts Stripe's webhooks, settles orders, and serves shops and buyers. Every replica serves.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	stripewebhook "github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/internal/version"
	"github.com/paylink-dev/paylink/webhookserver"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// flags are the flags of this command, and those that it shares with the controller.
type flags struct {
	setup.Options
	address   string
	secretDir string
	routes    routeFlags
}

func main() {
	var f flags
	f.Bind(flag.CommandLine)
	f.routes.bind(flag.CommandLine)
	flag.StringVar(&f.address, "bind-address", ":8080", "Address to serve webhooks, shops and buyers on.")
	flag.StringVar(&f.secretDir, "stripe-webhook-secret-dir", "", "Folder of a mounted Secret whose files hold the webhook signing secrets; read again when it changes. Empty: STRIPE_WEBHOOK_SECRET.")
	flag.Parse()
	if f.Version {
		fmt.Println("webhookserver", version.Get())
		return
	}
	if err := run(ctrl.SetupSignalHandler(), &f); err != nil {
		fmt.Fprintln(os.Stderr, "webhookserver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, f *flags) error {
	if err := f.Complete(); err != nil {
		return err
	}
	// Secrets come first: without a valid one there is nothing to serve.
	secrets, watch, err := readSecrets(f.secretDir)
	if err != nil {
		return err
	}
	settings, err := f.routes.settings(&f.Options)
	if err != nil {
		return err
	}
	config, err := setup.Config()
	if err != nil {
		return err
	}
	setup.ReportBuild()
	mgr, err := f.NewManager(config, nil)
	if err != nil {
		return err
	}
	payments, err := f.NewLedger(ctx, mgr)
	if err != nil {
		return err
	}
	if watch != nil {
		if err := mgr.Add(watch); err != nil {
			return fmt.Errorf("watch signing secrets: %w", err)
		}
	}
	server := newServer(f.address, payments, secrets)
	if server.Routes, err = settings.newRoutes(ctx, mgr, payments); err != nil {
		return err
	}
	if err := mgr.Add(server); err != nil {
		return fmt.Errorf("add server: %w", err)
	}
	if err := mgr.AddReadyzCheck("serving", server.Ready); err != nil {
		return fmt.Errorf("add readiness check: %w", err)
	}
	return mgr.Start(ctx)
}

// readSecrets returns the signing secrets, and the directory to watch if they are in files.
func readSecrets(dir string) (*credentials.SigningSecrets, *credentials.SecretDir, error) {
	fromEnvironment := os.Getenv("STRIPE_WEBHOOK_SECRET")
	if dir != "" {
		if fromEnvironment != "" {
			return nil, nil, errors.New("both --stripe-webhook-secret-dir and STRIPE_WEBHOOK_SECRET are set: unset one of them")
		}
		d, err := credentials.NewSecretDir(dir, clock.RealClock{}, ctrl.Log.WithName("secrets"))
		if err != nil {
			return nil, nil, fmt.Errorf("--stripe-webhook-secret-dir: %w", err)
		}
		return d.Secrets(), d, nil
	}
	secrets, err := credentials.ParseSecrets(fromEnvironment)
	if err != nil {
		return nil, nil, fmt.Errorf("STRIPE_WEBHOOK_SECRET: %w", err)
	}
	return credentials.NewSigningSecrets(secrets), nil, nil
}

func newServer(address string, payments *ledger.Ledger, secrets *credentials.SigningSecrets) *webhookserver.Server {
	c := clock.RealClock{}
	metrics.RegisterWebhookSecrets(ctrlmetrics.Registry, secrets.LastVerified)
	handler := webhook.New(
		&stripewebhook.Verifier{Secrets: secrets, Clock: c}, payments,
		metrics.NewWebhook(ctrlmetrics.Registry), c, ctrl.Log.WithName("webhook"))
	return &webhookserver.Server{Address: address, Webhook: handler, Log: ctrl.Log.WithName("server")}
}
