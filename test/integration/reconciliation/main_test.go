// Package reconciliation_test drops Stripe's webhooks, all or some, and has the controller find their facts by Stripe's API:
// real servers on a real API server, beside the Stripe simulator.
package reconciliation_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
)

// shared is the cluster of all tests. Each has an installation and a Stripe of its own.
var shared *cluster.Cluster

func TestMain(m *testing.M) {
	stack.Main(func(ctx context.Context) (int, error) { return run(ctx, m) })
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	shared, err = cluster.Start(ctx, cluster.Options{Log: os.Stderr})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.Stop()) }()
	return m.Run(), nil
}
