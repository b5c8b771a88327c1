package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	clientconfig "sigs.k8s.io/controller-runtime/pkg/client/config"

	"github.com/paylink-dev/paylink/internal/selftest"
	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// runSelfTest runs the subcommand selftest.
func runSelfTest(ctx context.Context, args []string, out io.Writer) error {
	ctrl.SetLogger(logr.Discard())
	fs := flag.NewFlagSet("controller selftest", flag.ExitOnError)
	clientconfig.RegisterFlags(fs)
	options := selftest.Options{Clock: clock.RealClock{}, Out: out}
	fs.StringVar(&options.URL, "url", "", "Address of the webhook server's route. Required.")
	fs.StringVar(&options.Namespace, "namespace", "", "Namespace to create an order in. Both servers must watch it. Required.")
	dir := fs.String("stripe-webhook-secret-dir", "", "Folder of the mounted Secret that the webhook server reads too. Required.")
	fs.DurationVar(&options.Timeout, "timeout", time.Minute, "Time limit of the whole test.")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if options.URL == "" || options.Namespace == "" || *dir == "" || fs.NArg() > 0 {
		return errors.New("selftest needs --url, --namespace and --stripe-webhook-secret-dir, and takes nothing but flags")
	}
	secrets, err := credentials.NewSecretDir(*dir, clock.RealClock{}, logr.Discard())
	if err != nil {
		return fmt.Errorf("--stripe-webhook-secret-dir: %w", err)
	}
	options.Secrets = secrets.Secrets().Current()
	config, err := setup.Config()
	if err != nil {
		return err
	}
	scheme, err := setup.Scheme()
	if err != nil {
		return err
	}
	if options.Client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	return selftest.Run(ctx, options)
}
