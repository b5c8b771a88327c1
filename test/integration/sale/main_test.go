// Package sale_test sells things: real servers on a real API server, paid for through the Stripe simulator's pages.
package sale_test

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

// paylink is the installation that the tests of this package share. Each test sells in a namespace of its own.
var paylink *stack.Stack

func TestMain(m *testing.M) {
	stack.Main(func(ctx context.Context) (int, error) { return run(ctx, m) })
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	c, err := cluster.Start(ctx, cluster.Options{Audit: true, Log: os.Stderr})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	paylink, err = stack.Start(ctx, stack.Options{
		Cluster: c,
		// A real Stripe waits minutes and hours between its attempts, but not fewer of them.
		Simulator: stripesim.Options{Retry: stripesim.Backoff{Initial: 50 * time.Millisecond, Max: time.Second, Factor: 2, MaxAttempts: 500}},
		// Everything that can be logged is, for the test that looks through the logs.
		ControllerFlags: []string{"--leader-elect", "--zap-log-level=debug"},
		WebhookFlags:    []string{"--zap-log-level=debug"},
	})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, paylink.Stop()) }()
	return m.Run(), nil
}
