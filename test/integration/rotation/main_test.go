// Package rotation_test changes the secrets of servers that run, while they sell: nobody restarts anything.
package rotation_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// paylink is the installation that the tests of this package share. Stripe calls none of its webhook servers but those that
// a test adds.
var paylink *stack.Stack

func TestMain(m *testing.M) {
	stack.Main(func(ctx context.Context) (int, error) { return run(ctx, m) })
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	c, err := cluster.Start(ctx, cluster.Options{Log: os.Stderr})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	paylink, err = stack.Start(ctx, stack.Options{
		Cluster: c,
		// A real Stripe waits minutes and hours between its attempts, but not fewer of them.
		Simulator: stripesim.Options{Retry: stripesim.Backoff{Initial: 50 * time.Millisecond, Max: time.Second, Factor: 2, MaxAttempts: 500}},
	})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, paylink.Stop()) }()
	paylink.Stripe.RemoveEndpoint(paylink.Endpoint.ID)
	return m.Run(), nil
}
