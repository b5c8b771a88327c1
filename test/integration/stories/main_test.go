package stories_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// paylink is the installation that the stories share. Each has a namespace of its own.
var paylink *stack.Stack

// retry is how Stripe tries again: a real one waits minutes and hours between its attempts, but makes not fewer.
var retry = stripesim.Backoff{Initial: 50 * time.Millisecond, Max: time.Second, Factor: 2, MaxAttempts: 500}

func TestMain(m *testing.M) {
	stack.Main(func(ctx context.Context) (int, error) { return run(ctx, m) })
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	c, err := cluster.Start(ctx, cluster.Options{Log: os.Stderr})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	paylink, err = stack.Start(ctx, stack.Options{Cluster: c, Simulator: stripesim.Options{Retry: retry}})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, paylink.Stop()) }()
	return m.Run(), nil
}

// openShop makes a seller whose PaymentLink is "lifetime", and whose buyers pay at this Stripe.
func openShop(t *testing.T, stripe *stripesim.Simulator) *seller.Seller {
	t.Helper()
	s := seller.New(t, paylink, stripe, "")
	s.Create(s.PaymentLink("lifetime"))
	return &s
}

// startStripe starts another Stripe, with one endpoint, for as long as the test runs.
func startStripe(t *testing.T, options stripesim.Options, url, secret string) *stripesim.Simulator {
	t.Helper()
	options.Retry = retry
	stripe, err := stripesim.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stripe.Close(); err != nil {
			t.Error(err)
		}
	})
	stripe.AddEndpoint(stripesim.EndpointParams{URL: url, Secret: secret})
	return stripe
}
