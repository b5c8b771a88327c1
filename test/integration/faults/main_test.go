// Package faults_test sells while things break: real servers on a real API server, whole lives of orders at the Stripe
// simulator, and one fault at a time. Whatever broke, in the end every order must agree with Stripe's books to the penny.
package faults_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"testing"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
)

// perFault is how many orders each fault is tried on. Few of each life are enough to see that every fault is survived;
// `make test-faults` takes many.
var perFault = flag.Int("orders", len(lives), "how many orders each fault is tried on")

// shared is the cluster of all faults. Each has an installation and a Stripe of its own on it.
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
