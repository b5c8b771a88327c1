// Package buyer_test buys as people do: in a real browser, by clicking through a shop's page, the Stripe simulator's and
// Paylink's own. The servers and the API server behind them are real.
package buyer_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/storefront"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// What the tests of this package share. All of it but chromium is nil where there is no browser.
var (
	chromium browser.Browser
	// site is the shop's web site, with paylink behind it.
	site    *storefront.Storefront
	paylink *stack.Stack
	// keyed is one more webhook server, which may ask Stripe and has the limits of every installation. It is reached
	// through gateways, under whose addresses it counts each test for itself.
	keyed *stack.Server
	// patient is another Stripe: it holds buyers back until their webhook was taken, for up to 10 s, as the real one
	// does. paylink's own does not wait for anything.
	patient *stripesim.Simulator
)

func TestMain(m *testing.M) {
	stack.Main(func(ctx context.Context) (int, error) { return run(ctx, m) })
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	if _, err := browser.Find(); err != nil {
		return m.Run(), nil // each test says so
	}
	defer func() { err = errors.Join(err, chromium.Close()) }()
	if site, err = storefront.Start(ctx, storefront.Options{}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	c, err := cluster.Start(ctx, cluster.Options{Log: os.Stderr})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if patient, err = stripesim.Start(stripesim.Options{RedirectWait: 10 * time.Second}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, patient.Close()) }()
	paylink, err = stack.Start(ctx, stack.Options{
		Cluster: c,
		// All buyers of these tests come from one address.
		WebhookFlags: []string{"--trusted-proxies=127.0.0.1", "--requests-per-address=100000", "--public-orders-per-address=100000"},
		WebhookEnv:   []string{"NEXT_PUBLIC_APP_URL=" + site.URL()},
	})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, paylink.Stop()) }()
	keyed, _, err = paylink.AddWebhookServerOf(ctx, "keyed", stack.WebhookServer{
		Flags: []string{"--trusted-proxies=127.0.0.1"},
		Env:   []string{"STRIPE_SECRET_KEY=" + stripesim.TestKey},
	})
	if err != nil {
		return 1, err
	}
	patient.AddEndpoint(stripesim.EndpointParams{URL: paylink.Endpoint.URL, Secret: paylink.Endpoint.Secret})
	if err := site.SetPaylink(paylink.Webhook.URL); err != nil {
		return 1, err
	}
	return m.Run(), nil
}
