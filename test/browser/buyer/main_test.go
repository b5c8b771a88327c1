// Package buyer_test buys in a real browser, on the pages of a shop, the Stripe simulator and Paylink. The servers and the API
// server are real.
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

// The tests of this package share these. All but chromium are nil where there is no browser.
var (
	chromium browser.Browser
	// site is the shop's web site, which serves paylink's routes.
	site    *storefront.Storefront
	paylink *stack.Stack
	// keyed is a second webhook server, with an API key and the default limits. Tests reach it through ingresses, each of
	// which is one client.
	keyed *stack.Server
	// waiting is another Stripe: it redirects buyers once their webhook was accepted, or after 10 s, as the real one does.
	// paylink's Stripe does not wait.
	waiting *stripesim.Simulator
)

func TestMain(m *testing.M) {
	stack.Main(func(ctx context.Context) (int, error) { return run(ctx, m) })
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	if _, err := browser.Find(); err != nil {
		return m.Run(), nil // each test is skipped
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
	if waiting, err = stripesim.Start(stripesim.Options{RedirectWait: 10 * time.Second}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, waiting.Close()) }()
	paylink, err = stack.Start(ctx, stack.Options{
		Cluster: c,
		// All buyers of these tests have one address.
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
	waiting.AddEndpoint(stripesim.EndpointParams{URL: paylink.Endpoint.URL, Secret: paylink.Endpoint.Secret})
	if err := site.SetPaylink(paylink.Webhook.URL); err != nil {
		return 1, err
	}
	return m.Run(), nil
}
